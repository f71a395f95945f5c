"""A line of an import: one JSON object, and the record of a table that it comes from."""

from typing import NamedTuple

from regulars.domain.faults import FieldWarning, RefusedError


class Record(NamedTuple):
    """A record of a table. part: its place in the file, if that has several tables. line: where it begins, from 1.

    refusal: why it could not be read. warnings: cells that were not taken as they are. others: the cells of further
    records of the same order.
    """

    part: int
    line: int
    cells: list[str]
    refusal: RefusedError | None = None
    warnings: tuple[FieldWarning, ...] = ()
    others: tuple[list[str], ...] = ()


class Line(NamedTuple):
    """A line with its number, from 1, which no other line of the file has. raw: a body as JSON."""

    number: int
    raw: bytes
    record: Record | None = None

    @property
    def place(self) -> int:
        """The line of the file where it begins."""
        return self.number if self.record is None else self.record.line
