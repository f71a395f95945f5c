"""Slices: long lists are rendered some at a time, and come out as short ones do."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert found == [msgspec.Raw(b'"1"'), msgspec.Raw(b'"2"'), msgspec.Raw(b'"3"')]


async def test_a_single_item_is_left_as_it_was_made_however_long_that_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "HELD_SECONDS", -1)
    assert await slices.rendered([1], lambda item: {"id": item}) == [{"id": 1}]


async def test_what_is_drained_is_freed_as_it_is_rendered() -> None:
    items = list(range(3 * slices.ITEMS))
    left = [len(items) for item in slices.drained(items) if item % slices.ITEMS == 0]
    assert left == [3 * slices.ITEMS - 1, 2 * slices.ITEMS - 1, slices.ITEMS - 1]


_value = st.one_of(st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=3))
_sliced = st.lists(st.one_of(_value, _value.map(lambda each: msgspec.Raw(msgspec.json.encode(each)))), max_size=4)


@given(
    document=st.one_of(_value, _sliced, st.dictionaries(st.text(max_size=3), st.one_of(_value, _sliced), max_size=4))
)
def test_a_document_in_pieces_is_the_document(document: Any) -> None:
    assert b"".join(bytes(memoryview(piece)) for piece in slices.encoded(document)) == msgspec.json.encode(document)


async def test_a_long_document_is_sent_a_slice_at_a_time() -> None:
    items = await slices.rendered(range(5 * slices.ITEMS), lambda item: {"id": item})
    pieces = slices.encoded({"data": {"id": 1}, "included": items, "links": {}})
    assert max(bytes(memoryview(piece)).count(b'"id"') for piece in pieces) <= slices.ITEMS


def test_a_long_reply_in_a_list_is_a_piece_of_its_own() -> None:
    long = msgspec.Raw(msgspec.json.encode(["x" * 100_000]))
    pieces = slices.encoded([{"status_code": 200}, long, long, {"status_code": 404}])
    assert max(len(memoryview(piece)) for piece in pieces) == len(memoryview(long))
