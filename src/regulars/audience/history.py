"""The change log as an index reads it: rows in an unbroken chain, put together to whole changes."""

from regulars.audience.source import ChangeRow, Head
from regulars.domain.changes import Record, decode


class OutOfStepError(Exception):
    """The index does not continue the store's history: it must be loaded anew."""


def chained(head: Head, rows: list[ChangeRow]) -> Head:
    """The head that the rows lead to. Raises OutOfStepError unless they are whole changes that continue `head`."""
    if not rows or not rows[-1].last:
        raise OutOfStepError(f"change {head.number + 1} is missing")
    starts = True
    for row in rows:
        if starts:
            if row.number != head.number + 1:
                raise OutOfStepError(f"change {head.number + 1} is missing")
            if row.previous != head.token:
                raise OutOfStepError(f"change {row.number} follows another history")
            head = Head(row.number, row.token)
        elif row.number != head.number:
            raise OutOfStepError(f"change {head.number} is incomplete")
        starts = row.last
    return head


def whole(rows: list[ChangeRow]) -> list[Record]:
    """One record a change, put together from its parts. Raises UnknownFormatError."""
    records: list[Record] = []
    continues = False
    for row in rows:
        part = decode(row.body)
        if continues:
            whole = records[-1]
            whole.entries += part.entries
            whole.cleared += part.cleared
            whole.rebuild |= part.rebuild
        else:
            records.append(part)
        continues = not row.last
    return records
