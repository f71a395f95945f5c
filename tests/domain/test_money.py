"""Money: cents inside, decimals outside."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.money import LIMIT_CENTS, decimal_text, number, parse_cents


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        *((0, 0), (120, 12000), (-3, -300), (120.5, 12050), (19.990000000000002, 1999), (0.1 + 0.2, 30)),
        *(("19.99", 1999), (" 5 ", 500), ("+1.5", 150), ("-0.01", -1), ("1.5000", 150)),
        *((10**12, LIMIT_CENTS), (-(10**12), -LIMIT_CENTS), ("1000000000000", LIMIT_CENTS), (1e12, LIMIT_CENTS)),
    ],
)
def test_numbers_and_decimal_text(value: object, cents: int) -> None:
    assert parse_cents(value) == cents


@pytest.mark.parametrize(
    "value",
    [
        *(19.999, 0.004, -1.005),
        *(
            None,
            True,
            False,
            [],
            {},
            "",
            "free",
            "1e3",
            "1e400",
            "NaN",
            "inf",
            "1,50",
            "1.005",
            "0x10",
            "1_0",
            "٣",
            "²",
        ),
        *(float("nan"), float("inf"), float("-inf"), 1e300, 10**400, 10**12 + 1, 1e12 + 1, "1000000000000.01"),
    ],
)
def test_everything_else_is_refused_in_words(value: object) -> None:
    with pytest.raises(ValueError, match=r"must be an amount .* within"):
        parse_cents(value)


@given(st.integers(-LIMIT_CENTS, LIMIT_CENTS))
def test_what_is_shown_reads_back(cents: int) -> None:
    text = decimal_text(cents)
    assert parse_cents(text) == cents
    assert Decimal(text) * 100 == cents
    assert parse_cents(number(cents)) == cents


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "0.00"), (12050, "120.50"), (9999, "99.99"), (-5, "-0.05"), (-1000, "-10.00"), (101, "1.01")],
)
def test_there_are_always_two_decimals(cents: int, text: str) -> None:
    assert decimal_text(cents) == text


def test_a_whole_amount_is_a_whole_number() -> None:
    assert repr(number(12000)) == "120"
    assert repr(number(12050)) == "120.5"
