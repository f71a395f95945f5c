"""Reads the change log for an index: verifies that rows form an unbroken chain and assembles them into changes."""

from collections.abc import Sequence

from msgspec import Struct

from regulars.audience.source import ChangeRow, Head, Snapshot
from regulars.domain.changes import Record, decode


class OutOfStepError(Exception):
    """The index does not match the store's history and must be reloaded."""


class ChangeSlice(Struct, frozen=True):
    """Changes ready to apply to an index: one record per change, what changed, and the resulting head."""

    records: list[Record]
    texts: dict[int, tuple[str | None, ...]]
    head: Head
    attributes: dict[int, str | None]

    @property
    def entries(self) -> int:
        """The number of customer entries in all records."""
        return sum(len(record.entries) for record in self.records)


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
        else:
            records.append(part)
        continues = not row.last
    return records
