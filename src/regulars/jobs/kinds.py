"""The table of all kinds of job. A new kind is a row here and a handler in a module beside it."""

from typing import Final

from regulars.jobs.kind import Kind
from regulars.jobs.pruning import prune

KINDS: Final[tuple[Kind, ...]] = (
    Kind(name="prune", meaning="deletes old changes, outbox rows and ended jobs", handler=prune, every=3_600),
)
