"""Slices: renders long lists in parts, so that other calls can run in between."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec

ITEMS: Final = 1_000
"""Items that are rendered in one turn of the event loop at most."""

HELD_SECONDS: Final = 0.005
"""How long a turn may last; items may be large."""

_Item = TypeVar("_Item")
_encode: Final = msgspec.json.Encoder().encode


async def rendered(items: Iterable[_Item], show: Callable[[_Item], Any]) -> list[Any]:
    """What `show` makes of each item, to be put into a JSON document.

    Where it takes more than a turn, what was made in a turn is encoded at its end, so that the document is no long work
    when it is encoded as a whole, and the last turn is over when this returns. The list then has one `msgspec.Raw` for
    the items of each turn, joined by commas.
    What is made of a single item is never encoded.
    """
    found: list[Any] = []
    encoded = 0
    began = time.perf_counter()
    for item in items:
        if len(found) - encoded >= ITEMS or (found and time.perf_counter() - began > HELD_SECONDS):
            found[encoded:] = [msgspec.Raw(_encode(found[encoded:])[1:-1])]
            encoded = len(found)
            await asyncio.sleep(0)
            began = time.perf_counter()
        found.append(show(item))
    if encoded:
        found[encoded:] = [msgspec.Raw(_encode(found[encoded:])[1:-1])]
        await asyncio.sleep(0)
    return found


def drained(items: list[_Item]) -> Iterator[_Item]:
    """The items of a list, each taken out of it: to free 100,000 objects at once takes a turn of its own."""
    items.reverse()
    while items:
        yield items.pop()
