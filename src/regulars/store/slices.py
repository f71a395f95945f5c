"""Slices: the unit of work of one backfill transaction."""

from typing import NamedTuple


class Slice(NamedTuple):
    """The result of one backfill transaction: the number of rows processed, and the position of the next slice.

    position: text that only the backfill interprets; None when the backfill is complete.
    """

    rows: int
    position: str | None
