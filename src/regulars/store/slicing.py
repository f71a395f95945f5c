"""Slicing: fetches large results in slices, so that the event loop is not blocked."""

import asyncio
from collections.abc import Iterator
from itertools import islice

from regulars.store.engine import SLICE, Row


async def fetch_rest(rows: list[Row], cursor: Iterator[Row]) -> None:
    """Append a cursor's remaining rows, one slice per turn of the event loop."""
    while True:
        await asyncio.sleep(0)
        if not (more := list(islice(cursor, SLICE))):
            return
        rows += more
