"""CodedColumn: a text field that few values fill, such as a country; a bitmap of each distinct value.

It answers like a `TextColumn`; a substring is looked for in the distinct values only.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from pyroaring import BitMap

from regulars.audience.bitmaps import approximate_bytes, from_ordinals, union
from regulars.audience.columns import Growable

_UNSET = -1


class CodedColumn:
    """Folded texts by ordinal, as codes of distinct values. Values that nobody has any more keep their code."""

    def __init__(self) -> None:
        self._codes = Growable(np.int32, _UNSET)
        self._values: list[str] = []
        self._code_of: dict[str, int] = {}
        self._members: list[BitMap] = []

    def load(self, ordinal: int, text: str) -> None:
        """Take a text while the column is being loaded; ordinals ascend, `finish` comes last."""
        self._codes.grow(ordinal + 1)
        self._codes[ordinal] = self._code(text)

    def finish(self, *, index: bool) -> None:
        """The load is complete: make the bitmaps of all values at once. `index` is of no meaning here."""
        codes = self._codes.values
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(self._values) + 1))
        self._members = [from_ordinals(order[a:b]) for a, b in pairwise(bounds)]

    def set(self, ordinal: int, text: str | None) -> None:
        """The customer's text is now this one, or none."""
        if ordinal < self._codes.size:
            old = int(self._codes.values[ordinal])
            if old != _UNSET:
                self._members[old].discard(ordinal)
                self._codes[ordinal] = _UNSET
        if text is not None:
            code = self._code(text)
            self._codes.grow(ordinal + 1)
            self._codes[ordinal] = code
            self._members[code].add(ordinal)

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
        """Those of `within` whose text contains the folded needle."""
        members = self._members
        return union(members[code] for code, value in enumerate(self._values) if needle in value) & within

    def equals(self, text: str, within: BitMap) -> BitMap:
        """Those of `within` whose text is this folded one."""
        code = self._code_of.get(text)
        return BitMap() if code is None else self._members[code] & within

    def cost(self, needle: str, size: int) -> float:
        """About how long `contains` takes, in microseconds."""
        return 5 + 0.04 * len(self._values)

    @property
    def nbytes(self) -> int:
        """About how much memory it takes, in bytes."""
        return self._codes.nbytes + 200 * len(self._values) + approximate_bytes(self._members)

    def _code(self, text: str) -> int:
        code = self._code_of.get(text)
        if code is None:
            code = self._code_of[text] = len(self._values)
            self._values.append(text)
            self._members.append(BitMap())
        return code
