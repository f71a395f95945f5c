"""The working set: what one transaction has read and changed, in memory, between its reads and its writes.

`people.py`, `ties.py`, `objects.py` and `history.py` each hold one kind of row, and `working_set.py` holds them all.
"""

from regulars.domain.working.history import LACKS_TIME, LACKS_UUID, ActivityRow
from regulars.domain.working.people import conflict
from regulars.domain.working.working_set import Counters, WorkingSet

__all__ = ["LACKS_TIME", "LACKS_UUID", "ActivityRow", "Counters", "WorkingSet", "conflict"]
