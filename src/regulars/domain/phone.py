"""Phone numbers in any common writing, as E.164.

A number in E.164 does not need the library, which is large.
"""

import re
import unicodedata
from typing import Final

from regulars.domain import libraries

_COUNTRY_CODE: Final = (
    r"1|7|2(?:[07]|1[12368]|[2346]\d|5[0-8]|9[01789])|3(?:[0-4]|6|9|5\d|7[0-8]|8[0-35-79])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|0\d|9\d)|6(?:[0-6]|7[02-9]|8[0-35-9]|9[0-2])|8(?:[1246]|0[08]|5[02356]|7[08]|8[0-368])"
    r"|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68])"
)
"""The country codes that are assigned."""

_E164: Final = re.compile(rf"\+(?=[0-9]{{6,14}}$)(?:{_COUNTRY_CODE})[0-9]+", re.ASCII)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_INTERNATIONAL: Final = re.compile(r"(?:tel:)?\s*[(\uff08]?\s*[+\uff0b]", re.IGNORECASE)
_LONGEST: Final = 64
_FEWEST_DIGITS: Final = 6


def parse_phone(value: object, *, country: str | None = None) -> str:
    """A number in E.164, from any common spelling that begins with + and the country code.

    A number without those is read as a national number of `country` (ISO 3166 alpha-2), if that is given. Raises
    ValueError with a sentence.
    """
    if isinstance(value, str):
        text = value.strip()
        if _E164.fullmatch(text):
            return text
        text = _INVISIBLE.sub("", text[:_LONGEST])
        is_national = _INTERNATIONAL.match(text) is None
        if len(value) <= _LONGEST and not (is_national and country is None):
            library = libraries.phones()
            try:
                number = library.parse(text, country if is_national else None)
            except library.NumberParseException:
                pass
            else:
                found: str = library.format_number(number, library.PhoneNumberFormat.E164)
                # A national number must exist by the country's plan: a local one would become somebody else's.
                is_plausible = not is_national or library.is_valid_number(number)
                if number.extension is None and is_plausible and _E164.fullmatch(found):
                    return found
    where = "" if country is None else f", or be a national number of {country}"
    raise ValueError(
        "must have + and the country code, with 6 to 14 digits in total, such as +919742888933 or +91 97428 88933"
        + where
    )


def is_writing_of(text: str, number: str) -> bool:
    """Whether a text is a writing of this number (E.164), international or national."""
    values = (unicodedata.decimal(each, None) for each in text[:_LONGEST])
    digits = "".join(str(value) for value in values if value is not None).lstrip("0")
    if len(digits) >= _FEWEST_DIGITS and number.endswith(digits):
        return True
    try:
        return parse_phone(text) == number
    except ValueError:
        return False
