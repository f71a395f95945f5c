"""Members of audiences as they are stored."""

import pyroaring
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from regulars.audience.structures.membership import joined, parts_of

numbers = st.integers(0, 5) | st.integers(16_380, 16_390) | st.integers(0, 2**32 - 1)
bitmaps = st.sets(numbers, max_size=12).map(BitMap)


@given(bitmaps, bitmaps)
def test_changed_parts_make_the_members_of_before_those_of_after(before: BitMap, after: BitMap) -> None:
    stored = dict(parts_of(before, before))
    assert all(stored.values())
    stored.update(parts_of(after, before ^ after))
    assert joined((place, body) for place, body in stored.items() if body) == after


def test_the_stored_form_never_changes() -> None:
    (part,) = parts_of(BitMap([16_384, 16_387]), BitMap([16_387]))
    assert part == (1, bytes.fromhex("3a300000010000000000010010000000" + "00000300"))
    assert parts_of(BitMap(), BitMap([5])) == [(0, b"")]
    assert pyroaring.BitMap.deserialize(part[1]) == BitMap([0, 3])
