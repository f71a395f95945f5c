"""References to objects: a number, or the caller's own key."""

import re
from typing import Final

from regulars.domain.text import fold

Reference = int | str
"""An object's number (int) or key (str). A key is never all digits, so neither is mistaken for the other."""

LARGEST: Final = 2**53 - 1
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f,\ud800-\udfff]")


def parse_reference(value: object, kind: str, *, longest: int = 128) -> Reference:
    """Read a number (1 to 2^53 - 1, also as digits) or a key. Raises ValueError with a sentence.

    A coupon's key is its code, compared as folded text and never taken for a number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if 1 <= value <= LARGEST:
            return value if kind != "coupon" else str(value)
    elif isinstance(value, str):
        text = value.strip()
        if kind == "coupon":
            text = fold(text)
        elif _DIGITS.fullmatch(text) and len(text) <= 16 and 1 <= int(text) <= LARGEST:
            return int(text)
        if (
            1 <= len(text) <= longest
            and not _FORBIDDEN.search(text)
            and (kind == "coupon" or not _DIGITS.fullmatch(text))
        ):
            return text
    raise ValueError(f"must be a {kind}'s number or key (1 to {longest} characters, no commas or control characters)")
