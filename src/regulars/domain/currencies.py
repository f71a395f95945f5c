"""How amounts are written for people."""

from typing import Final

from regulars.domain.money import decimal_text

NONE: Final = "XXX"
"""The code of ISO 4217 for no currency: an amount that names none, on a site without one."""

_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$", "AUD": "A$", "CAD": "CA$"}


def symbol_of(currency: str) -> str:
    """The symbol of a currency, or its code where that is more usual."""
    return _SYMBOLS.get(currency, currency)


def formatted(cents: int, currency: str) -> str:
    """An amount with its symbol, such as $10.00, or with its code, such as CHF 10.00."""
    symbol = symbol_of(currency)
    sign, amount = ("-" if cents < 0 else ""), decimal_text(abs(cents))
    return f"{sign}{symbol} {amount}" if symbol == currency else f"{sign}{symbol}{amount}"
