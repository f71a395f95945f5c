"""AttributeColumn: one attribute of every customer, as codes of its distinct JSON values.

Conditions are decided once per distinct value; customers are then selected by their codes. Equal values share a code,
and values that are no longer in use keep theirs.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.attribute_values import (
    Comparison,
    Path,
    Scalar,
    equality_of,
    plain,
    value_at,
)
from regulars.audience.structures.bitmaps import from_mask, from_ordinals, to_ordinals
from regulars.audience.structures.columns import Growable
from regulars.audience.structures.value_codes import UNSET, ValueCodes

_FEW: Final = 8
"""With fewer than one candidate in this many customers, their codes are gathered."""

_decode: Final = msgspec.json.Decoder().decode


class AttributeColumn:
    """The values of one path within the attributes, by ordinal. null and what is absent are unset."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._codes = Growable(np.int32, UNSET)
        self._kept = ValueCodes()

    def set(self, ordinal: int, document: str | None) -> None:
        """Set the value to that in the attributes of the customer, a JSON object as text."""
        self._codes.grow(ordinal + 1)
        self._codes[ordinal] = self._code(document)

    def get(self, ordinal: int) -> Any:
        """The customer's value, None if it has none."""
        code = int(self._codes.values[ordinal]) if ordinal < self._codes.size else UNSET
        return None if code == UNSET else self._kept.values[code]

    def load(self, ordinals: NDArray[np.int64], texts: Sequence[bytes]) -> None:
        """Set the values of many customers. ordinals: -1 is passed over. texts: their values as JSON."""
        codes = np.array(self._kept.codes_of_texts(texts), dtype=np.int32)
        known = ordinals >= 0
        if known.any():
            self._codes.grow(int(ordinals.max()) + 1)
            self._codes.values[ordinals[known]] = codes[known]

    def capture(self, name: str) -> Callable[[Writer], None]:
        """Return a function that writes the column as it is now under this name, whatever changes meanwhile."""
        codes, values = self._codes.values.copy(), list(self._kept.values)

        def write(writer: Writer) -> None:
            writer.put(f"{name}/codes", codes)
            writer.put(f"{name}/values", msgspec.json.encode(values))

        return write

    def restore(self, reader: Reader, name: str, size: int) -> None:
        """Restore what was written under this name for the first `size` customers into this new column."""
        self._codes.adopt(reader.array(f"{name}/codes")[:size])
        for value in _decode(reader.bytes(f"{name}/values")):
            self._kept.code(value)
        if self._codes.size and int(self._codes.values.max()) >= len(self._kept):
            raise ValueError(f"{name} has codes without values")

    def matching(self, comparison: Comparison, within: BitMap) -> BitMap:
        """The ordinals in `within` whose value passes the comparison."""
        chosen = self._kept.passing(comparison)
        codes = self._codes.values
        if len(within) * _FEW < codes.size:
            ordinals = to_ordinals(within)
            ordinals = ordinals[ordinals < codes.size]
            return from_ordinals(ordinals[chosen[codes[ordinals]]])
        return from_mask(chosen[codes]) & within

    def present(self, within: BitMap) -> BitMap:
        """The ordinals in `within` that have a value."""
        return from_mask(self._codes.values != UNSET) & within

    def cost(self) -> float:
        """The approximate cost of `matching`, in microseconds."""
        return 20 + len(self._kept.values) / 2 + self._codes.size / 500

    def items(self) -> Iterable[tuple[int, Any]]:
        """(ordinal, value) of every customer that has one."""
        for ordinal, code in enumerate(self._codes.values.tolist()):
            if code != UNSET:
                yield ordinal, self._kept.values[code]

    def groups(self, within: BitMap, most: int) -> list[tuple[Scalar, BitMap]]:
        """The commonest scalars in `within`, at most so many, each with the ordinals of all values that equal it."""
        values = self._kept.values
        ordinals = to_ordinals(within)
        ordinals = ordinals[ordinals < self._codes.size]
        codes = self._codes.values[ordinals]
        ordinals, codes = ordinals[codes != UNSET], codes[codes != UNSET]
        counts = np.bincount(codes, minlength=len(values))
        alike: dict[tuple[str, Scalar], list[int]] = {}
        for code in np.flatnonzero(counts).tolist():
            equality = equality_of(values[code])
            if equality is not None:
                alike.setdefault(equality, []).append(code)
        common = sorted(alike.values(), key=lambda listed: -int(counts[listed].sum()))[:most]
        group_of = np.full(len(values), len(common), dtype=np.int32)
        for place, listed in enumerate(common):
            group_of[listed] = place
        groups = group_of[codes]
        order = np.argsort(groups, kind="stable")
        ends = np.searchsorted(groups[order], np.arange(len(common)), side="right").tolist()
        parts = np.split(ordinals[order], ends)
        return [(plain(values[listed[0]]), from_ordinals(part)) for listed, part in zip(common, parts, strict=False)]

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return self._codes.nbytes + self._kept.nbytes

    def _code(self, document: str | None) -> int:
        return self._kept.code(None if document is None else value_at(_decode(document), self.path))
