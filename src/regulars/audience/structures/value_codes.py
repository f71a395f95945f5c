"""ValueCodes: the distinct JSON values of a column, each under a code, and which of them pass a comparison.

A comparison is decided once per distinct value. Equal values share a code, and values no longer in use keep theirs.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from regulars.audience.structures.attribute_values import Comparison, number_of

UNSET: Final = -1
"""The code of no value. null is no value either."""

_MOST_DECIDED: Final = 32
"""Comparisons whose outcome is kept for each distinct value."""

_NOTHING_KNOWN: Final = np.zeros(0, dtype=np.bool_)
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class ValueCodes:
    """`values` holds the distinct values by code."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._code_of: dict[bytes, int] = {b"null": UNSET}
        self._decided: OrderedDict[Comparison, NDArray[np.bool_]] = OrderedDict()  # by code, as far as codes went then
        self._numbers: NDArray[np.float64] = np.zeros(0, dtype=np.float64)

    def __len__(self) -> int:
        return len(self.values)

    def code(self, value: Any) -> int:
        """The code of a value; a new one gets the next."""
        if value is None:
            return UNSET
        key = _encode(value)
        code = self._code_of.get(key)
        if code is None:
            code = self._code_of[key] = len(self.values)
            self.values.append(value)
        return code

    def codes_of_texts(self, texts: Sequence[bytes]) -> list[int]:
        """The codes of values given as JSON text. Texts as this encodes them, of known values, are not decoded."""
        known = self._code_of
        try:
            return list(map(known.__getitem__, texts))
        except KeyError:
            return [known[text] if text in known else self.code(_decode(text)) for text in texts]

    def passing(self, comparison: Comparison) -> NDArray[np.bool_]:
        """Whether each code passes the comparison; the last element is for UNSET, which passes none."""
        known = self._decided.pop(comparison, _NOTHING_KNOWN)
        passes = comparison.passes
        fresh = np.array([passes(value) for value in self.values[known.size :]], dtype=np.bool_)
        decided = self._decided[comparison] = np.concatenate((known, fresh)) if fresh.size else known
        if len(self._decided) > _MOST_DECIDED:
            self._decided.popitem(last=False)
        return np.append(decided, np.False_)

    def numbers(self) -> NDArray[np.float64]:
        """The number that each code's value is; NaN if it is none. The last element is for UNSET."""
        if self._numbers.size < len(self.values):
            fresh = [number_of(value) for value in self.values[self._numbers.size :]]
            more = np.array([np.nan if each is None else each for each in fresh], dtype=np.float64)
            self._numbers = np.concatenate((self._numbers, more))
        return np.append(self._numbers, np.nan)

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        decided = sum(each.nbytes for each in list(self._decided.values()))
        return 250 * len(self.values) + self._numbers.nbytes + decided
