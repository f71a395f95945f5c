"""Slices: long lists are rendered some at a time, and come out as short ones do."""

import asyncio

import msgspec
import pytest

from regulars.http import slices


@pytest.mark.parametrize("count", [0, 1, slices.ITEMS - 1, slices.ITEMS, 3 * slices.ITEMS + 7])
async def test_others_get_their_turn_after_each_slice(count: int) -> None:
    made: list[int] = []
    largest = 0

    def show(item: int) -> dict[str, int]:
        made.append(item)
        return {"id": item}

    async def others() -> None:
        nonlocal largest
        seen = 0
        while seen < count:
            largest = max(largest, len(made) - seen)
            seen = len(made)
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    found = await slices.rendered(range(count), show)
    await beside
    assert msgspec.json.decode(msgspec.json.encode(found)) == [{"id": item} for item in range(count)]
    assert made == list(range(count))
    assert largest <= slices.ITEMS


async def test_large_items_end_a_slice_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "HELD_SECONDS", -1)
    found = await slices.rendered([1, 2, 3], str)
    assert found == [msgspec.Raw(b'"1"'), msgspec.Raw(b'"2"'), "3"]


async def test_a_single_item_is_left_as_it_was_made_however_long_that_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "HELD_SECONDS", -1)
    assert await slices.rendered([1], lambda item: {"id": item}) == [{"id": 1}]
