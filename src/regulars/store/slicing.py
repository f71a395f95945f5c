"""Slicing: many rows are fetched some at a time, so that the event loop goes on between."""

import asyncio
from collections.abc import Iterator
from itertools import islice

from regulars.store.engine import SLICE, Row


async def fetch_rest(rows: list[Row], cursor: Iterator[Row]) -> None:
    """Add the rows that a cursor still has, a slice in each turn of the event loop."""
    while True:
        await asyncio.sleep(0)
        if not (more := list(islice(cursor, SLICE))):
            return
        rows += more
