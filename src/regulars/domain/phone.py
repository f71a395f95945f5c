"""Phone numbers: common spellings of international numbers, converted to E.164.

The library is large. A number in E.164 does not need it. A server loads it before it listens (`load`), so
that no request waits for it; commands that read no numbers never load it.
"""

import re
from functools import cache
from typing import Any, Final

_E164: Final = re.compile(r"\+[1-9][0-9]{5,13}", re.ASCII)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_INTERNATIONAL: Final = re.compile(r"(?:tel:)?\s*[+\uff0b]", re.IGNORECASE)
_LONGEST: Final = 64


@cache
def load() -> Any:
    """The library `phonenumbers`, loaded once."""
    import phonenumbers

    return phonenumbers


def parse_phone(value: object) -> str:
    """A number in E.164, from any common spelling that begins with + and the country code.

    Raises ValueError with a sentence.
    """
    if isinstance(value, str):
        text = value.strip()
        if _E164.fullmatch(text):
            return text
        text = _INVISIBLE.sub("", text[:_LONGEST])
        if len(value) <= _LONGEST and _INTERNATIONAL.match(text):
            library = load()
            try:
                number = library.parse(text)
            except library.NumberParseException:
                pass
            else:
                found: str = library.format_number(number, library.PhoneNumberFormat.E164)
                if number.extension is None and _E164.fullmatch(found):
                    return found
    raise ValueError(
        "must have + and the country code, with 6 to 14 digits in total, such as +919742888933 or +91 97428 88933"
    )
