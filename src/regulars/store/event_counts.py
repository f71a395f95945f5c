"""How many events the lists of a site have: counted once, then kept in step with the changes of the site."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from regulars.domain.changes import ChangeRow, Head, UnknownFormatError, decode
from regulars.store import sale_statements as sql
from regulars.store.engine import Connection
from regulars.store.following import StoreSnapshot
from regulars.store.sales import EventSelection, count_events
from regulars.store.threads import off_loop

_MOST_LISTS: Final = 1_000
_MOST_STATES: Final = 32
_MOST_CHANGES: Final = 1_000
"""The number of changes after which counting anew costs less than reading them."""


class _State(NamedTuple):
    """How many there were at one moment. last: the largest number of an event of the site."""

    head: Head
    last: int
    total: int


class EventCounts:
    """The counts of a process, by site and kind of list. Every count is that of the snapshot it is asked for in.

    Events are only added, but for those of customers who are deleted, merged or taken apart: then all are counted anew.
    """

    def __init__(self) -> None:
        self._states: OrderedDict[tuple[int, str], deque[_State]] = OrderedDict()
        self._locks: dict[tuple[int, str], asyncio.Lock] = {}

    async def of(self, connection: Connection, selection: EventSelection) -> int:
        """How many events the selection has."""
        if selection.customers is not None or selection.is_bounded:
            return await count_events(connection, selection)
        key = selection.site, selection.kind
        head = await StoreSnapshot(connection).head(selection.site)
        if head is None:
            return 0
        async with self._locks.setdefault(key, asyncio.Lock()):
            states = self._states.setdefault(key, deque(maxlen=_MOST_STATES))
            self._states.move_to_end(key)
            for state in states:
                if state.head == head:
                    return state.total
            known = max((each for each in states if each.head.number < head.number), default=None)
            last = await StoreSnapshot(connection).last_event(selection.site)
            if known is not None and await _has_only_added(connection, selection.site, known.head, head):
                values = {"site": selection.site, "after": known.last}
                ((added,),) = await connection.in_thread(sql.COUNT_AFTER[selection.kind], values)
                state = _State(head, last, known.total + int(added))
            else:
                state = _State(head, last, await count_events(connection, selection))
            states.append(state)
            if len(self._states) > _MOST_LISTS:
                dropped, _ = self._states.popitem(last=False)
                self._locks.pop(dropped, None)
            return state.total


async def _has_only_added(connection: Connection, site: int, since: Head, until: Head) -> bool:
    """Whether all changes between two heads of a site are known, and took no events from it or from a customer."""
    if until.number - since.number > _MOST_CHANGES:
        return False
    rows = await StoreSnapshot(connection).changes(site, since.number, _MOST_CHANGES)
    return await off_loop(_continue, rows, since, until)


def _continue(rows: Sequence[ChangeRow], since: Head, until: Head) -> bool:
    head = since
    for row in rows:
        if row.number != head.number:
            if row.number != head.number + 1 or row.previous != head.token:
                return False
            head = Head(row.number, row.token)
        try:
            record = decode(row.body)
        except UnknownFormatError:
            return False
        if record.rebuild or record.activities is None:
            return False
        if any(entry.gone or entry.back or entry.into for entry in record.entries):
            return False
    return head == until
