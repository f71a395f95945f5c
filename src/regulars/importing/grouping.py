"""Grouping: finds the lines of a file that concern the same customer, by reading the file once before importing it.

Such lines may contradict each other. Applied one by one, re-importing the file would write the customer back and forth.
As a group, only their combined result counts (`domain.commands.UpsertGroup`).
"""

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from regulars.domain.identity import bare_address
from regulars.domain.text import fold
from regulars.importing.lines import Line

LARGEST_GROUP: Final = 1_000
"""Largest group of lines for one customer; if there are more, each line is imported on its own."""

_BREATH: Final = 1_000


class _Naming(Struct):
    """The identifiers in a line, of any type, as they are not validated yet."""

    email: Any = None
    customer_id: Any = None
    uuid: Any = None


_decode: Final = msgspec.json.Decoder(_Naming).decode


async def repeated_customers(lines: Iterable[Line], on_breath: Callable[[int], object] | None = None) -> dict[int, int]:
    """{line number: number of the last line of its group} for each line that shares an identifier with others.

    on_breath: called periodically with the number of lines read. Lines that are not valid JSON objects are skipped.
    """
    names, numbers = array("q"), array("Q")
    for count, line in enumerate(lines, 1):
        for name in _names(line.raw):
            names.append(hash(name))  # a hash collision only groups lines unnecessarily
            numbers.append(line.number)
        if count % _BREATH == 0:
            if on_breath is not None:
                on_breath(count)
            await asyncio.sleep(0)
    return _last_of_each(np.array(names, dtype=np.int64), np.array(numbers, dtype=np.uint64))


def group_by_customer(lines: Iterable[Line], last: Mapping[int, int]) -> Iterator[list[Line]]:
    """Yield lines one by one, but the lines of one customer as a group, at the position of the last of them.

    last: the result of `repeated_customers`.
    """
    held: dict[int, list[Line]] = {}
    for line in lines:
        end = last.get(line.number)
        if end is None:
            yield [line]
            continue
        held.setdefault(end, []).append(line)
        if line.number == end:
            yield held.pop(end)
    yield from held.values()


def _names(raw: bytes) -> list[tuple[str, str]]:
    try:
        found = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    named = (("email", bare_address(found.email)), ("customer_id", found.customer_id), ("uuid", found.uuid))
    return [(kind, fold(text)) for kind, value in named if value is not None and (text := str(value).strip())]


def _last_of_each(names: np.ndarray[Any, Any], numbers: np.ndarray[Any, Any]) -> dict[int, int]:
    order = np.argsort(names, kind="stable")
    names, numbers = names[order], numbers[order]
    is_same = names[1:] == names[:-1]
    leaders: dict[int, int] = {}
    for one, other in zip(numbers[:-1][is_same].tolist(), numbers[1:][is_same].tolist(), strict=True):
        first, second = sorted((_leader(leaders, one), _leader(leaders, other)))
        leaders[first], leaders[second] = second, second
    members: dict[int, list[int]] = {}
    for number in leaders:
        members.setdefault(_leader(leaders, number), []).append(number)
    return {number: end for end, each in members.items() if len(each) <= LARGEST_GROUP for number in each}


def _leader(leaders: dict[int, int], number: int) -> int:
    """The last line known to belong to this line's group."""
    while (above := leaders.get(number, number)) != number:
        leaders[number] = leaders.get(above, above)
        number = above
    return number
