"""TieTimes: since when customers are tied to one object."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import from_ordinals
from regulars.audience.structures.events import Spans, within_spans
from regulars.audience.structures.missing import MissingColumnError

TieKey = tuple[int, int]
"""The code of a relation, and the number of an object."""

_MOST_CHANGED: Final = 1_000


class TieTimes:
    """The times (ms) of the ties that hold, by ordinal: sorted arrays, and what has changed since as a mapping."""

    def __init__(self, ordinals: Iterable[int], at: Iterable[int]) -> None:
        self._ordinals: NDArray[np.uint32] = np.array([*ordinals], dtype=np.uint32)
        self._at: NDArray[np.int64] = np.array([*at], dtype=np.int64)
        self._changed: dict[int, int | None] = {}
        order = np.argsort(self._ordinals)
        self._ordinals, self._at = self._ordinals[order], self._at[order]

    def set(self, ordinal: int, at: int | None) -> None:
        """The tie holds since `at`; None: it does not hold."""
        self._changed[ordinal] = at
        if len(self._changed) > _MOST_CHANGED + self._ordinals.size // 8:
            self._merge()

    def get(self, ordinal: int) -> int | None:
        """Since when the tie holds, None if it does not."""
        if ordinal in self._changed:
            return self._changed[ordinal]
        place = int(np.searchsorted(self._ordinals, np.uint32(ordinal)))
        is_there = place < self._ordinals.size and int(self._ordinals[place]) == ordinal
        return int(self._at[place]) if is_there else None

    def matching(self, spans: Spans, within: BitMap) -> BitMap:
        """The ordinals in `within` whose tie is of a time in the spans."""
        found = from_ordinals(self._ordinals[within_spans(self._at, spans)])
        if self._changed:
            found -= BitMap(self._changed)
            known = {ordinal: at for ordinal, at in self._changed.items() if at is not None}
            fits = within_spans(np.array([*known.values()], dtype=np.int64), spans)
            found |= from_ordinals(np.array([*known], dtype=np.uint32)[fits])
        return found & within

    def items(self) -> dict[int, int]:
        """The times by ordinal."""
        found: dict[int, int | None] = dict(zip(self._ordinals.tolist(), self._at.tolist(), strict=True))
        found.update(self._changed)
        return {ordinal: at for ordinal, at in found.items() if at is not None}

    def cost(self) -> float:
        """The approximate cost of `matching`, in microseconds."""
        return 20 + self._ordinals.size / 300 + len(self._changed)

    def _merge(self) -> None:
        known = self.items()
        merged = TieTimes(known, known.values())
        self._ordinals, self._at, self._changed = merged._ordinals, merged._at, {}

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return self._ordinals.nbytes + self._at.nbytes + 100 * len(self._changed)


class TieTimesTable:
    """The times of ties by (relation, object). Those of an object are read when they are first asked for."""

    def __init__(self) -> None:
        self._columns: dict[TieKey, TieTimes] = {}
        self._asked: dict[TieKey, float] = {}

    def __iter__(self) -> Iterator[TieKey]:
        return iter(list(self._columns))

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, key: object) -> bool:
        return key in self._columns

    def columns(self, keys: Sequence[TieKey]) -> list[TieTimes]:
        """The times of ties to these objects. Raises MissingColumnError, which names all that are missing."""
        missing = [key for key in keys if key not in self._columns]
        if missing:
            raise MissingColumnError(missing)
        now = time.monotonic()
        for key in keys:
            self._asked[key] = now
        return [self._columns[key] for key in keys]

    def install(self, key: TieKey, column: TieTimes) -> None:
        """Take the times of an object in."""
        self._columns[key] = column
        self._asked[key] = time.monotonic()

    def changed(self, ordinal: int, key: TieKey, at: int | None) -> None:
        """A tie holds since `at`, or not at all (None)."""
        if (column := self._columns.get(key)) is not None:
            column.set(ordinal, at)

    def drop(self, key: TieKey) -> None:
        """Drop the times of an object."""
        self._columns.pop(key, None)
        self._asked.pop(key, None)

    def clear(self) -> None:
        """Drop all: changes cannot be followed."""
        self._columns.clear()
        self._asked.clear()

    def drop_idle(self, seconds: float) -> None:
        """Drop what nobody has asked for so long."""
        now = time.monotonic()
        for key in [key for key, at in self._asked.items() if now - at > seconds]:
            self.drop(key)

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return sum(column.nbytes for column in list(self._columns.values()))
