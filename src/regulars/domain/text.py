"""Text as stored, compared and searched, computed only here, so that it is the same on every engine.

Three forms of a text, from the strictest to the loosest:

* `composed`: NFC. Keys, tags, groups and customer_ids are stored so: what looks the same is the same.
* `fold`: also without case. Names of objects, coupon codes and addresses are compared so. It is
  stored: changing it needs a migration.
* `search_key`: also without marks, invisible characters and repeated spaces. Everything that is searched or sorted
  uses it. It is in the index and in the titles of objects, which `regulars reindex` recomputes.
"""

import re
import unicodedata
from typing import Final


def composed(text: str) -> str:
    """The text in NFC: one form for composed and decomposed letters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """The form in which names and codes are compared: casefold(NFC(text))."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).casefold()


def search_key(text: str) -> str:
    """The form in which texts are searched and sorted; of a search key it is the key itself.

    Compatibility forms are unified (NFKC), upper and lower case too, marks go from Latin, Greek, Cyrillic, Arabic and
    Hebrew letters, typographic apostrophes, accents in place of one and dashes are ' and -, each run of white space is
    one space, and invisible characters are dropped. "" for a text in which nothing is left.
    """
    if text.isascii():
        text = text.lower().replace("`", "'")
        if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
            return text
        return " ".join(_INVISIBLE.sub("", text).split())
    # Before anything else: an invisible character keeps the marks on its two sides from their canonical order.
    text = _INVISIBLE.sub("", text)
    try:
        text = "".join(map(_KEYS.__getitem__, unicodedata.normalize("NFC", text)))
    except KeyError:
        text = _without_marks(text)
    return " ".join(text.split())


def _without_marks(text: str) -> str:
    """A search key but for white space, which is as it was."""
    text = unicodedata.normalize("NFKD", text.translate(_PUNCTUATION)).translate(_PUNCTUATION)
    text = _MARKS.sub("", _ACUTE.sub("'", _INVISIBLE.sub("", text))).casefold()
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text).translate(_BASE_LETTERS))
    return unicodedata.normalize("NFC", text)


def is_storable(text: str) -> bool:
    """False for text that no engine can store: with NUL or an unpaired surrogate."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


INDEXED_BYTES: Final = 2_000
"""The longest text (bytes of UTF-8) that is looked up: a PostgreSQL index entry holds at most 2,700."""


def fits_an_index(text: str) -> bool:
    """Whether every engine can look a text up."""
    return len(text) * 4 <= INDEXED_BYTES or len(text.encode("utf-8", "surrogatepass")) <= INDEXED_BYTES


def is_blank(value: object) -> bool:
    """Whether a value is blank text: empty, or only white space and invisible characters."""
    if not isinstance(value, str):
        return False
    return not value or value.isspace() or (not value.isascii() and _BLANK.fullmatch(value) is not None)


def trim(text: str) -> str:
    """The text without white space and invisible characters at its ends.

    Joiners and variation selectors stay: they belong to the character before them.
    """
    text = text.strip()
    return text if text.isascii() else _EDGES.sub("", text)


def is_digits(text: str) -> bool:
    """Whether a text consists of ASCII digits. `str.isdigit` alone also accepts the digits of other scripts."""
    return text.isascii() and text.isdigit()


def whole_number(text: str, *, longest: int) -> int | None:
    """The number that a text of ASCII digits names; None for any other text, and for one of more than `longest` digits.

    The bound keeps `int` away from texts that it would take long to read.
    """
    return int(text) if is_digits(text) and len(text) <= longest else None


# -- the characters ---------------------------------------------------------------------------------------------------

_FORMAT: Final = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u115f\u1160\u17b4\u17b5\u3164\uffa0"
    "\u2800\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Invisible characters: Unicode's default ignorable ones, and the empty Braille pattern."""

_JOINING: Final = "\u034f\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Invisible characters that change how their neighbours are displayed."""

_CONTROLS: Final = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
"""Control characters that are no white space."""

_INVISIBLE: Final = re.compile(f"[{_FORMAT}{_JOINING}{_CONTROLS}]")
_BLANK: Final = re.compile(rf"[\s{_FORMAT}{_JOINING}{_CONTROLS}]*")
_EDGES: Final = re.compile(rf"\A[\s{_FORMAT}]+|[\s{_FORMAT}]+\Z")

_ALPHABETS: Final = (
    r"\sA-Za-z"
    "\u00aa\u00ba\u00c0-\u02ff\u1d00-\u1dbf\u1e00-\u1eff\u2071\u207f\u2090-\u209c\u2c60-\u2c7f\ua722-\ua7ff"
    "\uab30-\uab6f"  # Latin
    "\u0370-\u03ff\u1f00-\u1fff"  # Greek
    "\u0400-\u0481\u048a-\u052f\u1c80-\u1c8f\ua640-\ua69d"  # Cyrillic
    "\u05d0-\u05f4"  # Hebrew
    "\u0620-\u064a\u066e\u066f\u0671-\u06d5\u06ee-\u06ff\u0750-\u077f\u0870-\u088e\u08a0-\u08c9"  # Arabic
)
"""The letters from which marks are removed, decomposed. Of other scripts marks are vowels, or letters of their own."""

_MARK: Final = (
    "\u0300-\u034e\u0350-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    "\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0897-\u089f\u08ca-\u08e1\u08e3-\u08ff"
    "\u1ab0-\u1ace\u1dc0-\u1dff\u20d0-\u20f0\u2de0-\u2dff\ua66f\ua674-\ua67d\ua69e\ua69f\ufe20-\ufe2f"
)
_MARKS: Final = re.compile(rf"(?:\A|(?<=[{_ALPHABETS}]))[{_MARK}]+")

_PUNCTUATION: Final = {
    **dict.fromkeys(map(ord, "`\u1fef\u2018\u2019\u201b\u2032\u02bb\u02bc\u02bd"), "'"),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
}
"""Apostrophes and dashes: keyboards, word processors and copied names have different ones in the same name."""

_ACUTE: Final = re.compile(rf"\s[{_MARK}]*\u0301[{_MARK}]*")
"""An accent that stands alone and for an apostrophe: decomposed, it is a space and a mark."""

_LETTER_WITH: Final = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH ")


def _base_letters() -> dict[int, str]:
    """Small Latin letters that Unicode does not take apart into letter and mark, such as the Polish l or Danish o."""
    found = {ord("\u0131"): "i", ord("\u0237"): "j", ord("\u00e6"): "ae", ord("\u0153"): "oe"}
    for code in (*range(0x80, 0x2B0), *range(0x1D00, 0x1F00), *range(0x2C60, 0x2C80), *range(0xA720, 0xA800)):
        base = _LETTER_WITH.match(unicodedata.name(chr(code), ""))
        if base is not None and not unicodedata.decomposition(chr(code)):
            found[code] = base[1].lower()
    return found


_BASE_LETTERS: Final = _base_letters()


class _Keys(dict[str, str]):
    """What each character comes to in a search key; a KeyError for one that depends on its neighbours."""

    def __missing__(self, char: str) -> str:
        first = unicodedata.normalize("NFKD", char)[0]
        is_joining = unicodedata.category(first)[0] == "M" or (_JAMO.match(first) and not _SYLLABLE.match(char))
        if is_joining:
            raise KeyError(char)
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[char] = _without_marks(char)
        return found


_REMEMBERED: Final = 10_000
_JAMO: Final = re.compile("[\u1100-\u11ff]")
_SYLLABLE: Final = re.compile("[\uac00-\ud7a3]")
_KEYS: Final = _Keys()
