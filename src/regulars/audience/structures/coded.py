"""CodedColumn: a text field with few distinct values, such as a country, with a bitmap for each value.

It has the same query interface as `TextColumn`; substring searches scan only the distinct values.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from sys import intern
from typing import Final

import msgspec
import numpy as np
from pyroaring import BitMap

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.bitmaps import approximate_bytes, from_mask, from_ordinals, to_ordinals, union
from regulars.audience.structures.columns import Growable
from regulars.audience.structures.text import TextColumn
from regulars.domain.text import search_key

_UNSET: Final = -1
_MANY: Final = 2_000
"""Up to this many customers there are no bitmaps, and up to this many distinct values there is no index of them."""

_FEW: Final = 1_024
"""Up to this many matching values, their bitmaps are united; beyond, every customer's code is looked up."""


class CodedColumn:
    """Search keys of texts by ordinal, as codes of distinct values. Values no longer in use keep their code."""

    def __init__(self) -> None:
        self._codes = Growable(np.int32, _UNSET)
        self._values: list[str] = []
        self._code_of: dict[str, int] = {}
        self._members: list[BitMap] | None = None  # None: there are so few customers that codes are compared
        self._texts: TextColumn | None = None  # of the distinct values, by code; None while there are few

    def load(self, start: int, texts: Sequence[str | None]) -> None:
        """Add the display texts of consecutive ordinals from `start` on, in ascending order; call `finish` last."""
        # Compute a search key once per distinct value, not once per text.
        codes = {text: _UNSET if text is None else self._code(search_key(text)) for text in dict.fromkeys(texts)}
        stop = start + len(texts)
        self._codes.grow(stop)
        self._codes.values[start:stop] = [codes[text] for text in texts]

    def finish(self, *, index: bool) -> None:
        """Complete the load by building the bitmaps of all values. `index` is ignored."""
        if self._codes.size > _MANY:
            self._make_members()

    def _make_members(self) -> None:
        codes = self._codes.values
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(self._values) + 1))
        self._members = [from_ordinals(order[a:b]) for a, b in pairwise(bounds)]

    def capture(self, name: str) -> Callable[[Writer], None]:
        """Return a function that writes the column as it is now under this name, whatever changes meanwhile."""
        codes = self._codes.values.copy()
        values = list(self._values)

        def write(writer: Writer) -> None:
            writer.put(f"{name}/codes", codes)
            writer.put(f"{name}/values", msgspec.msgpack.encode(values))

        return write

    def restore(self, reader: Reader, name: str, size: int) -> None:
        """Restore what was written under this name for the first `size` customers into this new column."""
        self._codes.adopt(reader.array(f"{name}/codes")[:size])
        for text in msgspec.msgpack.decode(reader.bytes(f"{name}/values"), type=list[str]):
            self._code(text)
        self.finish(index=False)

    def set(self, ordinal: int, text: str | None) -> None:
        """Set or clear the search key of the customer's text."""
        if ordinal < self._codes.size:
            old = int(self._codes.values[ordinal])
            if old != _UNSET:
                if self._members is not None:
                    self._members[old].discard(ordinal)
                self._codes[ordinal] = _UNSET
        if text is not None:
            code = self._code(text)
            self._codes.grow(ordinal + 1)
            self._codes[ordinal] = code
            if self._members is not None:
                self._members[code].add(ordinal)
            elif self._codes.size > _MANY:
                self._make_members()

    def get(self, ordinal: int) -> str | None:
        """The customer's text, None if it has none."""
        code = int(self._codes.values[ordinal]) if ordinal < self._codes.size else _UNSET
        return None if code == _UNSET else self._values[code]

    def items(self) -> Iterator[tuple[int, str]]:
        """(ordinal, text) of every customer that has one."""
        for ordinal, code in enumerate(self._codes.values.tolist()):
            if code != _UNSET:
                yield ordinal, self._values[code]

    def contains(self, needle: str, within: BitMap) -> BitMap:
        """The ordinals in `within` whose text contains the folded needle."""
        return self._having(list(self._holding(needle)), within)

    def equals(self, text: str, within: BitMap) -> BitMap:
        """The ordinals in `within` whose text equals this folded one."""
        code = self._code_of.get(text)
        if code is None:
            return BitMap()
        return (from_mask(self._codes.values == code) if self._members is None else self._members[code]) & within

    def at_edge(self, needle: str, within: BitMap, *, at_end: bool) -> BitMap:
        """The ordinals in `within` whose text starts with the folded needle, or with `at_end` ends with it."""
        is_there = str.endswith if at_end else str.startswith
        return self._having([code for code in self._holding(needle) if is_there(self._values[code], needle)], within)

    def present(self, within: BitMap) -> BitMap:
        """The ordinals in `within` that have a text."""
        return from_mask(self._codes.values != _UNSET) & within

    def groups(self, within: BitMap, most: int) -> list[tuple[str, BitMap]]:
        """The commonest texts in `within`, at most so many, each with the ordinals that have it."""
        ordinals = to_ordinals(within)
        ordinals = ordinals[ordinals < self._codes.size]
        codes = self._codes.values[ordinals]
        ordinals, codes = ordinals[codes != _UNSET], codes[codes != _UNSET]
        counts = np.bincount(codes, minlength=len(self._values))
        common = np.argsort(-counts, kind="stable")[:most]
        return [
            (self._values[code], from_ordinals(ordinals[codes == code])) for code in common.tolist() if counts[code]
        ]

    def _having(self, codes: Sequence[int], within: BitMap) -> BitMap:
        """The ordinals in `within` whose text has one of these codes."""
        if self._members is not None and len(codes) <= _FEW:
            return union(self._members[code] for code in codes) & within
        chosen = np.zeros(len(self._values) + 1, dtype=np.bool_)  # the last element is for the code "unset"
        chosen[np.array(codes, dtype=np.int64)] = True
        return from_mask(chosen[self._codes.values]) & within

    def _holding(self, needle: str) -> BitMap:
        """The codes of the distinct values that contain the needle."""
        if self._texts is None:
            return BitMap([code for code, text in enumerate(self._values) if needle in text])
        return self._texts.contains(needle, BitMap(range(len(self._values))))

    def cost(self, needle: str, size: int) -> float:
        """The approximate cost of `contains`, in microseconds."""
        values = 0.05 * len(self._values) if self._texts is None else self._texts.cost(needle, len(self._values))
        return 5 + values + self._codes.size / 2_000

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        members = approximate_bytes(self._members or [])
        texts = 0 if self._texts is None else self._texts.nbytes
        return self._codes.nbytes + 200 * len(self._values) + members + texts

    def _code(self, text: str) -> int:
        code = self._code_of.get(text)
        if code is None:
            text = intern(text)  # thousands of sites have customers in the same cities
            code = self._code_of[text] = len(self._values)
            self._values.append(text)
            if self._members is not None:
                self._members.append(BitMap())
            if self._texts is not None:
                self._texts.set(code, text)
            elif code >= _MANY:
                self._texts = TextColumn()
                for each, value in enumerate(self._values):
                    self._texts.set(each, value)
        return code
