"""Reads the change log for an index: verifies that rows form an unbroken chain and assembles them into changes."""

from collections.abc import Container, Mapping, Sequence
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.source import ChangeRow, EventRow, Head, Snapshot
from regulars.audience.structures.event_table import MOST_FOLLOWED, NewEvents, names_in
from regulars.domain.changes import Record, UnknownFormatError, decode


class OutOfStepError(Exception):
    """The index does not match the store's history and must be reloaded."""


class ChangeSlice(Struct, frozen=True):
    """Changes ready to apply to an index: one record per change, what changed, and the resulting head."""

    records: list[Record]
    texts: dict[int, tuple[str | None, ...]]
    head: Head
    attributes: dict[int, str | None]
    events: NewEvents | None = None
    tie_times: Mapping[tuple[int, int, int], int] = {}

    @property
    def entries(self) -> int:
        """The number of customer entries in all records, and of events."""
        events = 0 if self.events is None else len(self.events.rows)
        return sum(len(record.entries) for record in self.records) + events


async def next_slice(
    snapshot: Snapshot, site: int, head: Head, limit: int, *, with_attributes: bool = False
) -> ChangeSlice:
    """Up to `limit` changes of a site after `head`. Raises OutOfStepError or UnknownFormatError.

    with_attributes: read changed attributes, too.
    """
    rows = await snapshot.changes(site, head.number, limit)
    reached, records = chained(head, rows), whole(rows)
    numbers = {entry.number for record in records for entry in record.entries if entry.texts and not entry.gone}
    texts = dict(await snapshot.texts(site, sorted(numbers))) if numbers else {}
    attributes: dict[int, str | None] = {}
    if with_attributes:
        changed = {
            entry.number for record in records for entry in record.entries if entry.attributes and not entry.gone
        }
        attributes = dict(await snapshot.attributes(site, sorted(changed))) if changed else {}
    return ChangeSlice(records, texts, reached, attributes)


async def changed_times(
    snapshot: Snapshot, site: int, records: Sequence[Record], known: Container[tuple[int, int]]
) -> dict[tuple[int, int, int], int]:
    """The times of the changed ties that hold, by (customer, relation, object): of those relations and objects."""
    asked: dict[tuple[int, int], set[int]] = {}
    for record in records:
        for entry in record.entries:
            for key in (*((relation, target) for relation, target, _ in entry.ties), *entry.moved):
                if key in known and not entry.gone:
                    asked.setdefault(key, set()).add(entry.number)
    found = {}
    for key, numbers in asked.items():
        for number, at in await snapshot.tie_times(site, *key, sorted(numbers)):
            found[number, *key] = at
    return found


_EVENTS_AT_A_TIME: Final = 1_000


async def new_events(snapshot: Snapshot, site: int, seen: int) -> NewEvents | None:
    """The events after the number `seen`; None if there are too many to follow."""
    rows: list[EventRow] = []
    after = seen
    while more := await snapshot.events(site, after, _EVENTS_AT_A_TIME):
        rows += more
        after = more[-1].number
        if len(rows) > MOST_FOLLOWED:
            return None
        if len(more) < _EVENTS_AT_A_TIME:
            break
    names = names_in(rows)
    return NewEvents(rows, after, await snapshot.object_numbers(site, names) if names else {})


_MOST_CHANGES: Final = 2_000
_MOST_EVENTS: Final = 20_000
_AT_A_TIME: Final = 50


async def written_since(snapshot: Snapshot, site: int, seen: int, event: int, head: Head) -> BitMap | None:
    """The customers whom writes since a change and an event were about, up to `head`.

    None if that cannot be told: changes were pruned, concern everybody, or are too many to look through.
    """
    written = BitMap()
    if head.number - seen > _MOST_CHANGES:
        return None
    try:
        while seen < head.number:
            rows = await snapshot.changes(site, seen, _AT_A_TIME)
            reached = chained(Head(seen, rows[0].previous if rows else 0), rows)
            for record in whole(rows):
                if record.cleared or record.rebuild:
                    return None
                written.update(entry.number for entry in record.entries)
            seen = reached.number
    except (OutOfStepError, UnknownFormatError):
        return None
    events = await snapshot.events(site, event, _MOST_EVENTS)
    written.update(row.customer for row in events)
    return written if len(events) < _MOST_EVENTS else None


def chained(head: Head, rows: Sequence[ChangeRow]) -> Head:
    """The head after the rows. Raises OutOfStepError unless they are complete changes that continue `head`."""
    if not rows:
        raise OutOfStepError(f"change {head.number + 1} is missing")
    starts = True
    for row in rows:
        if starts:
            if row.number != head.number + 1:
                raise OutOfStepError(f"change {head.number + 1} is missing; the next one is {row.number}")
            if row.previous != head.token:
                raise OutOfStepError(f"change {row.number} does not follow change {head.number}: the tokens differ")
            head = Head(row.number, row.token)
        elif row.number != head.number:
            raise OutOfStepError(f"change {head.number} is incomplete")
        starts = row.last
    if not starts:
        raise OutOfStepError(f"change {head.number} is incomplete")
    return head


def whole(rows: Sequence[ChangeRow]) -> list[Record]:
    """Assemble one record per change from its parts. Raises UnknownFormatError."""
    records: list[Record] = []
    continues = False
    for row in rows:
        part = decode(row.body)
        if continues:
            whole = records[-1]
            whole.entries += part.entries
            whole.cleared += part.cleared
            whole.rebuild |= part.rebuild
            whole.notes_attributes &= part.notes_attributes
            whole.activities = None if None in (whole.activities, part.activities) else part.activities
        else:
            records.append(part)
        continues = not row.last
    return records
