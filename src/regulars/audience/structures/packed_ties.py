"""PackedTies: the ties of a small site in three arrays; hundreds of tiny bitmaps would take ten times the memory."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import Ordinals, from_ordinals

_TARGET_BITS: Final = 54
"""Object numbers are below 2**53."""

TieKey = tuple[int, int]


class PackedTies:
    """A source of bitmaps for `BitmapTable`; implements both `Bodies` and its `rows`."""

    def __init__(self, keys: Sequence[TieKey], sizes: Sequence[int], ordinals: Ordinals) -> None:
        """Key i owns the next sizes[i] ordinals. A key may occur several times."""
        codes = np.array([relation << _TARGET_BITS | target for relation, target in keys], dtype=np.int64)
        owned = np.repeat(codes, sizes)
        order = np.lexsort((ordinals, owned))
        narrow = np.uint16 if not ordinals.size or int(ordinals.max()) < 1 << 16 else np.uint32
        self._ordinals = ordinals[order].astype(narrow)
        self._codes, starts = np.unique(owned[order], return_index=True)
        self._bounds = np.append(starts, ordinals.size).astype(np.uint32)
        self._gone: set[int] = set()

    @property
    def rows(self) -> "PackedTies":
        """The row of each key."""
        return self

    def get(self, key: TieKey) -> int | None:
        """The row of a key, None if it does not exist or was removed."""
        code = key[0] << _TARGET_BITS | key[1]
        row = int(np.searchsorted(self._codes, code))
        return row if row < self._codes.size and int(self._codes[row]) == code and row not in self._gone else None

    def pop(self, key: TieKey, default: None = None) -> int | None:
        """Remove a key and return its row."""
        row = self.get(key)
        if row is not None:
            self._gone.add(row)
        return row

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and self.get(key) is not None

    def __len__(self) -> int:
        return int(self._codes.size) - len(self._gone)

    def __iter__(self) -> Iterator[TieKey]:
        for row, code in enumerate(self._codes.tolist()):
            if row not in self._gone:
                yield code >> _TARGET_BITS, code & ((1 << _TARGET_BITS) - 1)

    def size(self, row: int) -> int:
        """The number of members of a bitmap."""
        return int(self._bounds[row + 1]) - int(self._bounds[row])

    def read(self, row: int) -> BitMap:
        """A bitmap."""
        return from_ordinals(self._ordinals[self._bounds[row] : self._bounds[row + 1]])

    def raw(self, row: int) -> bytes:
        """A bitmap in serialised form."""
        return self.read(row).serialize()

    @property
    def nbytes(self) -> int:
        """Memory use in bytes."""
        return self._ordinals.nbytes + self._codes.nbytes + self._bounds.nbytes
