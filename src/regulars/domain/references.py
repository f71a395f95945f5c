"""References to objects: a number or the caller's own key."""

import re
from typing import Final

from regulars.domain.object_kinds import OBJECT_KIND
from regulars.domain.text import composed, fold, trim

Reference = int | str
"""An object's number (int) or key (str). Digits without a leading zero up to LARGEST are a number, never a key."""

LARGEST: Final = 2**53 - 1
_DIGITS: Final = re.compile(r"[1-9][0-9]*", re.ASCII)
_LONGEST: Final = len(str(LARGEST))
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f,\ud800-\udfff]")


def number_of(text: str) -> int | None:
    """The number that digits stand for: 1 to 2^53 - 1, without a leading zero. None for any other text."""
    if len(text) <= _LONGEST and _DIGITS.fullmatch(text) and (number := int(text)) <= LARGEST:
        return number
    return None


def parse_reference(value: object, kind: str, *, longest: int = 128) -> Reference:
    """Read a number (1 to 2^53 - 1, also as digits) or a key, kept in NFC. Raises ValueError with a sentence.

    Digits that such a number would not give back, as 00123 and what is beyond, are a key. A coupon's key is its code,
    compared as folded text and never taken for a number.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        value = str(value)
    if isinstance(value, str):
        text = composed(trim(value))
        by_code = OBJECT_KIND[kind].by_code
        if by_code:
            text = fold(text)
        elif (number := number_of(text)) is not None:
            return number
        if 1 <= len(text) <= longest and not _FORBIDDEN.search(text) and (by_code or text != "0"):
            return text
    article = "an" if kind[0] in "aeio" else "a"
    raise ValueError(
        f"must be {article} {kind}'s number or key (1 to {longest} characters, no commas or control characters)"
    )
