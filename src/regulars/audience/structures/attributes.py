"""AttributeColumn: one attribute of every customer, as codes of its distinct JSON values.

Conditions are decided once per distinct value; customers are then selected by their codes. Equal values share a code,
and values that are no longer in use keep theirs.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.attribute_values import Comparison, Path, value_at
from regulars.audience.structures.bitmaps import from_mask, from_ordinals, to_ordinals
from regulars.audience.structures.columns import Growable

_UNSET: Final = -1
_FEW: Final = 8
"""With fewer than one candidate in this many customers, their codes are gathered."""

_MOST_DECIDED: Final = 32
"""Comparisons whose outcome is kept for each distinct value."""

_NOTHING_KNOWN: Final = np.zeros(0, dtype=np.bool_)
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.Decoder().decode


class AttributeColumn:
    """The values of one path within the attributes, by ordinal. null and what is absent are unset."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._codes = Growable(np.int32, _UNSET)
        self._values: list[Any] = []
        self._code_of: dict[bytes, int] = {}
        self._decided: OrderedDict[Comparison, NDArray[np.bool_]] = OrderedDict()  # by code, as far as codes went then

    def set(self, ordinal: int, document: str | None) -> None:
        """Set the value to that in the attributes of the customer, a JSON object as text."""
        self._codes.grow(ordinal + 1)
        self._codes[ordinal] = self._code(document)

    def get(self, ordinal: int) -> Any:
        """The customer's value, None if it has none."""
        code = int(self._codes.values[ordinal]) if ordinal < self._codes.size else _UNSET
        return None if code == _UNSET else self._values[code]

    def load(self, ordinals: Sequence[int], documents: Iterable[str]) -> None:
        """Set the values of many customers."""
        if not len(ordinals):
            return
        self._codes.grow(max(ordinals) + 1)
        codes = [self._code(document) for document in documents]
        self._codes.values[np.array(ordinals, dtype=np.int64)] = codes

    def matching(self, comparison: Comparison, within: BitMap) -> BitMap:
        """The ordinals in `within` whose value passes the comparison."""
        chosen = self._chosen(comparison)
        codes = self._codes.values
        if len(within) * _FEW < codes.size:
            ordinals = to_ordinals(within)
            ordinals = ordinals[ordinals < codes.size]
            return from_ordinals(ordinals[chosen[codes[ordinals]]])
        return from_mask(chosen[codes]) & within

    def present(self, within: BitMap) -> BitMap:
        """The ordinals in `within` that have a value."""
        return from_mask(self._codes.values != _UNSET) & within

    def cost(self) -> float:
        """The approximate cost of `matching`, in microseconds."""
        return 20 + len(self._values) / 2 + self._codes.size / 500

    def items(self) -> Iterable[tuple[int, Any]]:
        """(ordinal, value) of every customer that has one."""
        for ordinal, code in enumerate(self._codes.values.tolist()):
            if code != _UNSET:
                yield ordinal, self._values[code]

    def groups(self, within: BitMap, most: int) -> list[tuple[Any, BitMap]]:
        """The commonest values in `within`, at most so many, each with the ordinals that have it."""
        ordinals = to_ordinals(within)
        ordinals = ordinals[ordinals < self._codes.size]
        codes = self._codes.values[ordinals]
        ordinals, codes = ordinals[codes != _UNSET], codes[codes != _UNSET]
        counts = np.bincount(codes, minlength=len(self._values))
        common = np.argsort(-counts, kind="stable")[:most]
        return [
            (self._values[code], from_ordinals(ordinals[codes == code])) for code in common.tolist() if counts[code]
        ]

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        decided = sum(each.nbytes for each in list(self._decided.values()))
        return self._codes.nbytes + 250 * len(self._values) + decided

    def _chosen(self, comparison: Comparison) -> NDArray[np.bool_]:
        """Whether each code passes the comparison; the last element is for the code "unset"."""
        known = self._decided.pop(comparison, _NOTHING_KNOWN)
        passes = comparison.passes
        fresh = np.array([passes(value) for value in self._values[known.size :]], dtype=np.bool_)
        decided = self._decided[comparison] = np.concatenate((known, fresh)) if fresh.size else known
        if len(self._decided) > _MOST_DECIDED:
            self._decided.popitem(last=False)
        return np.append(decided, np.False_)

    def _code(self, document: str | None) -> int:
        value = None if document is None else value_at(_decode(document), self.path)
        if value is None:
            return _UNSET
        key = _encode(value)
        code = self._code_of.get(key)
        if code is None:
            code = self._code_of[key] = len(self._values)
            self._values.append(value)
        return code
