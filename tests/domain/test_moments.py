"""Moments: what is read as a time, and how it is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.moments import iso, iso_or_none, parse_moment

FIRST, LAST = -62135596800000, 253402300799999


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (0, 0),
        (1706702400, 1706702400000),
        (-1, -1000),
        (1.5, 1500),
        ("1706702400", 1706702400000),
        (" 1706702400.25 ", 1706702400250),
        ("2024-01-31T12:00:00Z", 1706702400000),
        ("2024-01-31T14:00:00+02:00", 1706702400000),
        ("2024-01-31T12:00:00", 1706702400000),
        ("2024-01-31", 1706659200000),
        ("2024-01-31 12:00:00.123456", 1706702400123),
        ("20240131", 1706659200000),
        (" 19691231 ", -86400000),
        (20240131, 20240131000),
        ("20240131.0", 20240131000),
        ("020240131", 20240131000),
        ("0001-01-01T00:00:00Z", FIRST),
        ("9999-12-31T23:59:59.999Z", LAST),
    ],
)
def test_unix_seconds_and_iso_8601(value: object, moment: int) -> None:
    assert parse_moment(value) == moment


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, [], {}, "", "soon", "-5", "12:00", "2024-13-01", "2024-01-31T25:00", "1e5", "²", "٣", "1_000"),
        *(float("nan"), float("inf"), 1e306, 10**30, 10**400, -(10**400), "9" * 20, LAST // 1000 + 1),
        *("20241301", "20230229", "00000000", "99999999"),
        *("0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"),
    ],
)
def test_everything_else_is_refused_in_words(value: object) -> None:
    with pytest.raises(ValueError, match="must be a time as Unix seconds or ISO 8601"):
        parse_moment(value)


@given(st.integers(FIRST, LAST))
def test_what_is_shown_reads_back(moment: int) -> None:
    assert parse_moment(iso(moment)) == moment
    assert iso_or_none(moment) == iso(moment)


@given(st.text() | st.floats() | st.integers())
def test_no_value_fails_otherwise(value: object) -> None:
    try:
        assert FIRST <= parse_moment(value) <= LAST
    except ValueError as error:
        assert str(error).startswith("must be a time")


def test_the_form_of_the_seed() -> None:
    assert iso(1727931444000) == "2024-10-03T04:57:24.000Z"
    assert iso(FIRST) == "0001-01-01T00:00:00.000Z"
    assert iso_or_none(None) is None
