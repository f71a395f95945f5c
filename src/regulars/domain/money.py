"""Money: whole cents internally, decimals outside. A cent is a hundredth of the unit in every currency."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

LIMIT_CENTS: Final = 10**14
"""Amounts lie within +-10^12 (in whole units of the currency)."""

ALLOWED: Final = "must be an amount with at most two decimal places, within +-1000000000000"
_PLAIN: Final = re.compile(r"[+-]?\d{1,13}(\.\d{1,64})?", re.ASCII)
_TO_CENTS: Final = Decimal(1)


class Amount(NamedTuple):
    """An amount that was read. is_exact: False if it had more than two decimal places and was rounded."""

    cents: int
    is_exact: bool


def parse_cents(value: object) -> int:
    """Read an amount of at most two decimal places. Raises ValueError with a sentence that says what is allowed."""
    cents, is_exact = read_amount(value)
    if not is_exact:
        raise ValueError(ALLOWED)
    return cents


def read_amount(value: object) -> Amount:
    """Read a JSON number or a decimal string, rounded to the cent, half a cent up.

    Binary fractions that JSON clients compute (19.990000000000002) count as exact. Raises ValueError with a sentence
    that says what is allowed.
    """
    is_exact = True
    if isinstance(value, bool):
        raise ValueError(ALLOWED)
    if isinstance(value, int):
        cents = value * 100
    elif isinstance(value, float):
        if not abs(value) <= LIMIT_CENTS:
            raise ValueError(ALLOWED)
        cents = round(value * 100)
        if abs(value * 100 - cents) > 1e-6 * max(1.0, abs(value)):
            cents, is_exact = _rounded(Decimal(repr(value))), False
    elif isinstance(value, str) and _PLAIN.fullmatch(text := value.strip()):
        exact = Decimal(text)
        cents = _rounded(exact)
        is_exact = cents == exact * 100
    else:
        raise ValueError(ALLOWED)
    if abs(cents) > LIMIT_CENTS:
        raise ValueError(ALLOWED)
    return Amount(cents, is_exact)


def _rounded(amount: Decimal) -> int:
    return int((amount * 100).quantize(_TO_CENTS, ROUND_HALF_UP))


def decimal_text(cents: int) -> str:
    """The amount as JSON:API shows it, always with two decimals: "0.00", "120.50", "99.99"."""
    sign = "-" if cents < 0 else ""
    units, rest = divmod(abs(cents), 100)
    return f"{sign}{units}.{rest:02d}"


def number(cents: int) -> int | float:
    """The amount as a JSON number: whole where it is whole."""
    return cents // 100 if cents % 100 == 0 else cents / 100
