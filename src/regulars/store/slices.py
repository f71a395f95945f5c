"""Slices: what one transaction of a backfill does."""

from typing import NamedTuple


class Slice(NamedTuple):
    """What one transaction of a backfill did: how many rows it went through, and where the next one goes on.

    position: any text that the backfill understands; None when there is nothing left.
    """

    rows: int
    position: str | None
