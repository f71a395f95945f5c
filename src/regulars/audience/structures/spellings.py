"""Spellings: how the texts of a column differ from their search keys, to sort texts that have the same key.

A spelling is a short string that encodes where a text differs from its key. For texts with the same key, spellings sort
like the texts, by code point. There are few distinct ones, as most names just have a capital at the start of each word.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.bitmaps import Ordinals
from regulars.audience.structures.columns import Growable

_LESS, SAME, _MORE = "\x00", "\x01", "\x02"
_NEAR: Final = 0x7F
_FARTHEST: Final = 0xD000
_CASES: Final = bytes(65 if 65 <= byte <= 90 else 97 for byte in range(256))
_REMEMBERED: Final = 10_000


def spelling_of(key: str, text: str) -> str:
    """The spelling of a text with this search key; SAME if it is its key."""
    found = []
    for at in range(max(len(key), len(text))):
        more = (ord(text[at]) if at < len(text) else 0) - (ord(key[at]) if at < len(key) else 0)
        # A text with a smaller character sorts before its key, and further before it the earlier and larger the
        # difference is. A text with a greater character sorts after its key, likewise.
        if more < 0:
            by = chr(_NEAR + more) if _NEAR + more >= 0x20 else f"\x01{_char(0x10F800 + more)}"
            found.append(f"{_LESS}{_char(at + 0x20)}{by}")
        elif more > 0:
            found.append(f"{_MORE}{chr(max(_FARTHEST - at, 1))}{_char(more)}")
    return "".join(found) + SAME


def _char(number: int) -> str:
    """Maps numbers to characters in ascending order, skipping the surrogates, which UTF-8 cannot encode."""
    return chr(max(number, 0) if number < 0xD800 else min(number + 0x800, 0x10FFFF))


class Spellings:
    """The spelling of every text of a column, by ordinal. form: converts a text before comparing it with its key."""

    def __init__(self, form: Callable[[str], str] | None = None) -> None:
        self._form = form
        self._codes = Growable(np.int32, 0)
        self._spellings: list[str] = [SAME]
        self._code_of: dict[str, int] = {SAME: 0}
        self._code_of_case: dict[bytes, int] = {}

    def set(self, ordinal: int, key: str, text: str) -> None:
        """Set the customer's text, which has this search key."""
        code = self.code(key, text)
        if ordinal >= self._codes.size:
            if not code:
                return
            self._codes.grow(ordinal + 1)
        self._codes[ordinal] = code

    def code(self, key: str, text: str) -> int:
        """The code of the spelling of a text with this search key."""
        if self._form is not None:
            text = self._form(text)
        if text == key:
            return 0
        if not (text.isascii() and text.lower() == key):
            return self._code(spelling_of(key, text))
        case = text.encode().translate(_CASES)
        code = self._code_of_case.get(case)
        if code is None:
            if len(self._code_of_case) >= _REMEMBERED:
                self._code_of_case.clear()
            code = self._code_of_case[case] = self._code(spelling_of(key, text))
        return code

    def _code(self, spelling: str) -> int:
        code = self._code_of.get(spelling)
        if code is None:
            code = self._code_of[spelling] = len(self._spellings)
            self._spellings.append(spelling)
        return code

    def get(self, ordinal: int) -> str:
        """The spelling of the customer's text."""
        return self._spellings[self._codes.values[ordinal]] if ordinal < self._codes.size else SAME

    def of(self, ordinals: Ordinals) -> tuple[list[bytes], NDArray[np.int64]]:
        """(distinct spellings, sorted, as UTF-8; for each ordinal, the position of its spelling among them)."""
        order = sorted(range(len(self._spellings)), key=self._spellings.__getitem__)
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        codes = np.zeros(ordinals.size, dtype=np.int64)
        known = ordinals < self._codes.size
        codes[known] = self._codes.values[ordinals[known]]
        return [self._spellings[code].encode() for code in order], places[codes]

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return self._codes.nbytes + 200 * len(self._spellings) + 150 * len(self._code_of_case)

    def capture(self, name: str) -> Callable[[Writer], None]:
        """Return a function that writes the spellings as they are now under this name, whatever changes meanwhile."""
        codes, spellings = self._codes.values.copy(), list(self._spellings)

        def write(writer: Writer) -> None:
            writer.put(f"{name}/codes", codes)
            writer.put(f"{name}/spellings", msgspec.msgpack.encode(spellings))

        return write

    def restore(self, reader: Reader, name: str, size: int) -> None:
        """Restore what was written under this name for the first `size` customers into this new object."""
        self._codes.adopt(reader.array(f"{name}/codes")[:size])
        self._spellings = msgspec.msgpack.decode(reader.bytes(f"{name}/spellings"), type=list[str])
        self._code_of = {spelling: code for code, spelling in enumerate(self._spellings)}
