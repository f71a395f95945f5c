"""References: numbers and keys are never mistaken for each other."""

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from regulars.domain.references import LARGEST, parse_reference


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        *((1, 1), (LARGEST, LARGEST), ("7", 7), (" 007 ", "007"), (str(LARGEST), LARGEST)),
        *(
            ("grp_x", "grp_x"),
            (" weekly promo ", "weekly promo"),
            ("x" * 128, "x" * 128),
            ("Grüße", "Grüße"),
            ("-1", "-1"),
            ("00123", "00123"),
            (str(LARGEST + 1), str(LARGEST + 1)),
            (1234567890123456789, "1234567890123456789"),
            ("Cafe\u0301", "Caf\u00e9"),
            ("\u200bvip\ufeff", "vip"),
        ),
    ],
)
def test_numbers_and_keys(value: object, reference: object) -> None:
    assert parse_reference(value, "group") == reference


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, -1, 1.5, [], {}, "", " ", "0", "\u200b", "9" * 129, "x" * 129),
        *("a,b", "a\0", "a\nb", "\ud800", "\x7f"),
    ],
)
def test_everything_else_is_refused_in_words(value: object) -> None:
    with pytest.raises(ValueError, match="must be a group's number or key"):
        parse_reference(value, "group")


def test_a_coupon_is_its_folded_code_also_when_it_is_digits() -> None:
    assert parse_reference("SAVE10", "coupon") == "save10"
    assert parse_reference("Straße", "coupon") == "strasse"
    assert parse_reference("0100", "coupon") == "0100"
    assert parse_reference(25, "coupon") == "25"


@given(st.text() | st.integers(), st.sampled_from(["group", "coupon"]))
def test_reading_what_was_read_changes_nothing(value: object, kind: str) -> None:
    try:
        reference = parse_reference(value, kind)
    except ValueError:
        reject()  # hypothesis complains when too few are left
    assert parse_reference(reference, kind) == reference
    assert parse_reference(str(reference), kind) == reference
