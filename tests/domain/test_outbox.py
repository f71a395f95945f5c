"""The outbox's format: codes that never move, parts of a bounded size, and nothing of a person."""

import msgspec
import pytest
from msgspec.structs import fields

from regulars.domain.customer import Customer
from regulars.domain.outbox import (
    BEGINNING,
    FIELDS,
    NOT_TOLD,
    PART_SIZE,
    TYPES,
    WHOLE,
    ActivityRecorded,
    AudienceEntered,
    AudienceLeft,
    ConsentChanged,
    ConsentRequested,
    Cursor,
    CustomerCreated,
    CustomerDeleted,
    CustomerMerged,
    CustomerSplit,
    CustomerUpdated,
    Happening,
    MailStatus,
    TieAdded,
    TieEnded,
    TiesCleared,
    UnknownFormatError,
    decode,
    encode,
    parse_cursor,
)

ONE_OF_EACH: list[Happening] = [
    CustomerCreated(7),
    CustomerUpdated(7, (2, 6)),
    CustomerDeleted(7, b"0123456789abcdef"),
    CustomerMerged(7, 8, b"0123456789abcdef"),
    ConsentChanged(7, 3, True, False),
    TieAdded(7, 16, 5),
    TieEnded(7, 1),
    MailStatus(7, 4, 10),
    ActivityRecorded(7, 9, "tag_added"),
    TiesCleared(16, 5),
    AudienceEntered(7, 3, 21, 5_000, 1, "/any/1"),
    AudienceLeft(7, 3, 21, 5_000, 0),
    CustomerSplit(7, 8, b"0123456789abcdef"),
    ConsentRequested(7, 4, 2),
]


def test_stored_codes_never_move() -> None:
    stored = msgspec.msgpack.decode(encode(ONE_OF_EACH)[0].body)
    uuid = b"0123456789abcdef"
    assert stored == [
        1,
        [
            [1, 7],
            [2, 7, [2, 6]],
            [3, 7, uuid],
            [4, 7, 8, uuid],
            [5, 7, 3, True, False],
            [6, 7, 16, 5],
            [7, 7, 1, 0],
            [8, 7, 4, 10],
            [9, 7, 9, "tag_added"],
            [10, 16, 5],
            [11, 7, 3, 21, 5_000, 1, "/any/1"],
            [12, 7, 3, 21, 5_000, 0, ""],
            [13, 7, 8, uuid],
            [14, 7, 4, 2],
        ],
    ]
    assert FIELDS[:8] == (
        "uuid", "created_at", "email", "customer_id", "joined_at", "last_request_at", "name", "firstname",
    )  # fmt: skip
    assert len(FIELDS) == 38
    assert len(TYPES) == len(ONE_OF_EACH)


def test_what_is_stored_is_read_as_it_was() -> None:
    (part,) = encode(ONE_OF_EACH)
    assert decode(part.body) == ONE_OF_EACH
    assert [ONE_OF_EACH[1].fields, ONE_OF_EACH[5].relation, ONE_OF_EACH[7].status] == [  # type: ignore[union-attr]
        ("email", "name"),
        "tag.has",
        "delivered",
    ]


def test_every_field_of_a_customer_is_told_or_left_out_on_purpose() -> None:
    assert {field.name for field in fields(Customer)} == set(FIELDS) | NOT_TOLD


@pytest.mark.parametrize("count", [0, 1, PART_SIZE, PART_SIZE + 1, 3 * PART_SIZE])
def test_parts_are_bounded_and_leave_nothing_out(count: int) -> None:
    happenings: list[Happening] = [CustomerCreated(number) for number in range(count)]
    parts = encode(happenings)
    assert [each for part in parts for each in decode(part.body)] == happenings
    assert [part.position for part in parts] == list(range(0, max(count, 1), PART_SIZE))
    assert all(part.size == len(decode(part.body)) <= PART_SIZE for part in parts)


@pytest.mark.parametrize("body", [b"", b"\x92\x02\x90", b"\x92\x01\x91\x92\x0b\x07", b"text"])
def test_another_format_is_not_guessed_at(body: bytes) -> None:
    with pytest.raises(UnknownFormatError):
        decode(body)


@pytest.mark.parametrize("cursor", [BEGINNING, Cursor(12, 3, 2**62 - 1), Cursor(2**40, WHOLE, 1)])
def test_a_cursor_is_read_as_it_is_written(cursor: Cursor) -> None:
    assert parse_cursor(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "1.2", "1.2.3.4", "1.2.x", "-1.2.3", "1.2.٣", f"1.2.{2**63}", "1.2.3 ", "1..3"])
def test_other_text_is_no_cursor(text: str) -> None:
    assert parse_cursor(text) is None
