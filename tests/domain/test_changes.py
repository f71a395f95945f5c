"""Change records: round trip, parts of a bounded size, and formats of other programs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.changes import COLUMNS, FORMAT, NULL, PART_BYTES, TEXTS, Entry, UnknownFormatError, decode, encode

numbers = st.integers(1, 2**32)
entries = st.lists(
    st.builds(
        Entry,
        numbers,
        st.booleans(),
        st.lists(
            st.tuples(st.integers(0, len(COLUMNS) - 1), st.just(NULL) | st.integers(-(10**17), 10**17)), max_size=3
        ),
        st.lists(st.integers(0, len(TEXTS) - 1), max_size=3),
        st.lists(st.tuples(st.integers(1, 40), st.integers(0, 2**53), st.booleans()), max_size=3),
    ),
    max_size=5,
)


@given(entries, st.lists(st.tuples(st.integers(1, 40), numbers), max_size=3), st.booleans())
def test_what_is_written_reads_back(listed: list[Entry], cleared: list[tuple[int, int]], rebuild: bool) -> None:
    (part,) = encode(listed, cleared=cleared, rebuild=rebuild)
    record = decode(part)
    assert (record.format, record.entries, record.cleared, record.rebuild) == (FORMAT, listed, cleared, rebuild)


@pytest.mark.parametrize("count", [1, 3, 7000, 30_000])
def test_a_large_record_is_kept_in_parts_of_bounded_size(count: int) -> None:
    listed = [Entry(number, columns=[(0, 10**14), (3, number)], texts=[0, 1]) for number in range(1, count + 1)]
    parts = encode(listed, cleared=[(8, 1)])
    assert (len(parts) > 1) == (count > 7000)
    assert max(map(len, parts)) <= PART_BYTES
    records = [decode(part) for part in parts]
    assert [entry for record in records for entry in record.entries] == listed
    assert [record.cleared for record in records] == [[(8, 1)]] + [[]] * (len(parts) - 1)


def test_one_customer_with_very_many_ties_is_split_too() -> None:
    ties = [(19, number, True) for number in range(2**40, 2**40 + 60_000)]
    parts = encode([Entry(1), Entry(2, columns=[(0, 1)], texts=[0], ties=ties), Entry(3, gone=True)])
    assert max(map(len, parts)) <= PART_BYTES
    told = [entry for part in parts for entry in decode(part).entries]
    assert [entry.number for entry in told] == [1, *[2] * (len(told) - 2), 3]
    assert [tie for entry in told for tie in entry.ties] == ties
    assert [entry.columns for entry in told if entry.columns] == [[(0, 1)]]
    assert told[-1].gone


@pytest.mark.parametrize(
    "part",
    [b"", b"\x00", b"{}", msgspec.msgpack.encode([2, [], [], False, "more"]), msgspec.msgpack.encode(["1", []])],
)
def test_a_record_of_another_format_is_known_as_such(part: bytes) -> None:
    with pytest.raises(UnknownFormatError, match="format"):
        decode(part)


def test_a_field_added_later_is_passed_over() -> None:
    assert decode(msgspec.msgpack.encode([1, [[5]], [], False, True, None, 7, "new"])).entries == [Entry(5)]


def test_stored_codes_never_move() -> None:
    assert (COLUMNS[0], COLUMNS[3], COLUMNS[14]) == ("created_at", "net_revenue", "updated_at")
    assert (TEXTS[0], TEXTS[1], TEXTS[9]) == ("name", "email", "address_zip")


def test_a_record_of_an_older_program_says_so() -> None:
    older = decode(msgspec.msgpack.encode([1, [[5, False, [], [], []]], [], False]))
    assert not older.notes_attributes
    assert all(decode(part).notes_attributes for part in encode([Entry(5, attributes=True)]))


def test_a_record_tells_how_far_events_go() -> None:
    assert decode(msgspec.msgpack.encode([1, [], [], False, True])).activities is None  # of an older program
    entries = [Entry(number, ties=[(16, item, True) for item in range(1_000)]) for number in range(200)]
    parts = encode(entries, activities=70)
    assert len(parts) > 1
    assert {decode(part).activities for part in parts} == {70}
    assert decode(encode([Entry(5, moved=[(16, 3)])])[0]).entries[0].moved == [(16, 3)]
