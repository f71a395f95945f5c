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


def encoded(value: Any) -> list[bytes | msgspec.Raw]:
    """A JSON document in pieces that are sent one after the other: one, unless it has or is a list in slices.

    A document of 28 MB as one piece would hold the event loop for as long as it takes to copy it, several times.
    """
    if _is_sliced(value):
        pieces, kept = _sliced(value, [])
        return [*pieces, b"".join(kept)]
    if not isinstance(value, dict) or not any(_is_sliced(each) for each in value.values()):
        return [_encode(value)]
    pieces, kept = [], []
    for name, each in value.items():
        kept += [b"," if kept or pieces else b"{", _encode(name), b":"]
        if not _is_sliced(each):
            kept.append(_encode(each))
            continue
        more, kept = _sliced(each, kept)
        pieces += more
    return [*pieces, b"".join([*kept, b"}"])]


def _sliced(items: list[Any], kept: list[bytes]) -> tuple[list[bytes | msgspec.Raw], list[bytes]]:
    """The pieces of a list in slices, after the bytes that are kept, and the bytes kept for the next piece."""
    pieces: list[bytes | msgspec.Raw] = []
    for place, item in enumerate(items):
        kept.append(b"," if place else b"[")
        if isinstance(item, msgspec.Raw):
            pieces += [b"".join(kept), item]
            kept = []
        else:
            kept.append(_encode(item))
    return pieces, [*kept, b"]"]


def _is_sliced(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, msgspec.Raw) for item in value)
