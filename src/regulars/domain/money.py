"""Money: whole cents internally, decimals outside. One currency per site."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

LIMIT_CENTS: Final = 10**14
"""Amounts lie within +-10^12 (in whole units of the currency)."""

_ALLOWED: Final = "must be an amount with at most two decimal places, within +-1000000000000"
_PLAIN: Final = re.compile(r"[+-]?\d{1,13}(\.\d{1,2}0*)?", re.ASCII)


def parse_cents(value: object) -> int:
    """Read a JSON number or a decimal string. Raises ValueError with a sentence that says what is allowed.

    Binary fractions that JSON clients compute (19.990000000000002) are rounded to the cent; text must be exact.
    """
    if isinstance(value, bool):
        raise ValueError(_ALLOWED)
    if isinstance(value, int):
        cents = value * 100
    elif isinstance(value, float):
        if not abs(value) <= LIMIT_CENTS:
            raise ValueError(_ALLOWED)
        cents = round(value * 100)
        if abs(value * 100 - cents) > 1e-6 * max(1.0, abs(value)):
            raise ValueError(_ALLOWED)
    elif isinstance(value, str) and _PLAIN.fullmatch(text := value.strip()):
        try:
            cents = int(Decimal(text) * 100)
        except InvalidOperation:
            raise ValueError(_ALLOWED) from None
    else:
        raise ValueError(_ALLOWED)
    if abs(cents) > LIMIT_CENTS:
        raise ValueError(_ALLOWED)
    return cents


def decimal_text(cents: int) -> str:
    """The amount as JSON:API shows it, always with two decimals: "0.00", "120.50", "99.99"."""
    sign = "-" if cents < 0 else ""
    units, rest = divmod(abs(cents), 100)
    return f"{sign}{units}.{rest:02d}"


def number(cents: int) -> int | float:
    """The amount as a JSON number: whole where it is whole."""
    return cents // 100 if cents % 100 == 0 else cents / 100
