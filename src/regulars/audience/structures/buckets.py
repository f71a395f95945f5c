"""Buckets: the control bucket of every customer, 1 to 100, which is drawn once and never changes.

Read when it is first asked for. Later only new customers have to be read.
"""

import time

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import from_mask
from regulars.audience.structures.columns import Growable
from regulars.audience.structures.missing import MissingColumnError

_NONE = 0


class Buckets:
    """The buckets by ordinal, if they are built."""

    def __init__(self) -> None:
        self._values: Growable | None = None
        self._asked = 0.0

    @property
    def is_built(self) -> bool:
        """Whether new customers have to be told."""
        return self._values is not None

    def install(self, ordinals: NDArray[np.int64], buckets: NDArray[np.int8], size: int) -> None:
        """Take in the buckets of all customers below an ordinal."""
        values = Growable(np.int8, _NONE)
        values.grow(size)
        values.values[ordinals] = buckets
        self._values, self._asked = values, time.monotonic()

    def set(self, ordinal: int, bucket: int) -> None:
        """Set the bucket of a new customer."""
        if self._values is not None:
            self._values.grow(ordinal + 1)
            self._values[ordinal] = bucket

    def matching(self, bucket: int, within: BitMap) -> BitMap:
        """The ordinals in `within` with this bucket. Raises MissingColumnError."""
        return from_mask(self._built().values == bucket) & within

    def cost(self) -> float:
        """The approximate cost of `matching`, in microseconds. Raises MissingColumnError."""
        return 10 + self._built().size / 5_000

    def drop_idle(self, seconds: float) -> None:
        """Drop them if nobody has asked for them so long."""
        if time.monotonic() - self._asked > seconds:
            self._values = None

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return 0 if self._values is None else self._values.nbytes

    def _built(self) -> Growable:
        if self._values is None:
            raise MissingColumnError
        self._asked = time.monotonic()
        return self._values
