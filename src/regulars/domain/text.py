"""Text as it is compared: casefold(NFC(x)), computed here and nowhere else, on every engine."""

import unicodedata
from typing import Final


def fold(text: str) -> str:
    """The form in which two texts are compared, searched and sorted."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).casefold()


def is_storable(text: str) -> bool:
    """False for text that no store takes: NUL, or a lone surrogate."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


INDEXED_BYTES: Final = 2_000
"""The longest text (bytes of UTF-8) that is looked up: an entry of PostgreSQL's indexes takes no more than 2,700."""


def fits_an_index(text: str) -> bool:
    """Whether every engine can look a text up."""
    return len(text) * 4 <= INDEXED_BYTES or len(text.encode("utf-8", "surrogatepass")) <= INDEXED_BYTES


def is_blank(value: object) -> bool:
    """Whether a value is a text that says nothing: empty, or white space only."""
    return isinstance(value, str) and (not value or value.isspace())
