"""Rate counters: how many requests each API key made in the last second, in memory that all workers share.

A counter is a sliding window: a second in SLICES parts, each with the requests that were admitted in it. So no second,
wherever it begins, has more of them than the rate allows (but for one part's worth).
"""

import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, Self

SLICES: Final = 32
"""Parts of a second. A refused caller may retry as soon as the oldest part has passed."""

FILE_VARIABLE: Final = "_REGULARS_RATE_COUNTERS"
"""The environment variable with the name of the file that all workers share."""

_KEYS: Final = 1 << 13
"""The number of counters; keys with larger numbers share the counters of smaller ones."""

_LATEST, _COUNTS = 0, 1
_FIELDS: Final = _COUNTS + SLICES
_FIELD_BYTES: Final = 8
_COUNTER_BYTES: Final = _FIELDS * _FIELD_BYTES
_BYTES: Final = _KEYS * _COUNTER_BYTES


class Admission(NamedTuple):
    """Whether a request may pass, how many more may, and the seconds until all (if admitted) or one may again."""

    is_admitted: bool
    remaining: int
    seconds: float


class RateCounters:
    """The counters of one server. `clock` gives ns, and is the same for every process of the machine."""

    def __init__(self, file: int | None = None, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._file = file
        self._clock = clock
        self._memory = mmap.mmap(-1 if file is None else file, _BYTES)
        self._fields = memoryview(self._memory).cast("q")

    @classmethod
    def open(cls, *, clock: Callable[[], int] = time.monotonic_ns) -> Self:
        """The counters that the server's processes share; a single process has its own."""
        path = os.environ.get(FILE_VARIABLE)
        return cls(None if path is None else os.open(path, os.O_RDWR | os.O_CLOEXEC), clock=clock)

    def admit(self, key: int, rate: int, cost: int = 1, *, counted: int = 0) -> Admission:
        """Count a request of a key with a limit of `rate` per second, if it may pass. Refused requests are not counted.

        cost: how many requests it stands for; more than `rate` never pass. counted: how many of them have been counted
        already.
        """
        place = key % _KEYS
        with self._locked(place):
            fields = self._fields[place * _FIELDS : (place + 1) * _FIELDS]
            counts = fields[_COUNTS:]
            now = self._clock() * SLICES // 1_000_000_000
            _forget(fields, now)
            used = sum(counts) - counted
            if used + cost > rate:
                counts[now % SLICES] -= counted
                return Admission(False, max(rate - used, 0), _wait(counts, now, used + cost - rate))
            counts[now % SLICES] += cost - counted
            return Admission(True, rate - used - cost, 1.0)

    def close(self) -> None:
        """Release the memory."""
        self._fields.release()
        self._memory.close()
        if self._file is not None:
            os.close(self._file)

    @contextmanager
    def _locked(self, place: int) -> Iterator[None]:
        """Lock one counter for a few microseconds. The lock of a killed process is released."""
        if self._file is None:
            yield
            return
        start = place * _COUNTER_BYTES
        fcntl.lockf(self._file, fcntl.LOCK_EX, _COUNTER_BYTES, start)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _COUNTER_BYTES, start)


@contextmanager
def shared_file() -> Iterator[None]:
    """Make the processes that are started in the block share counters."""
    with tempfile.NamedTemporaryFile(prefix="regulars-rates-") as file:
        os.posix_fallocate(file.fileno(), 0, _BYTES)  # a full disk is told now, not by a signal later on
        os.environ[FILE_VARIABLE] = file.name
        try:
            yield
        finally:
            del os.environ[FILE_VARIABLE]


def _forget(fields: memoryview, now: int) -> None:
    """Clear the parts of the window that have passed since the last use."""
    latest = fields[_LATEST]
    for passed in range(max(latest, now - SLICES) + 1, now + 1):
        fields[_COUNTS + passed % SLICES] = 0
    fields[_LATEST] = max(latest, now)


def _wait(counts: memoryview, now: int, needed: int) -> float:
    """Seconds until a number of the counted requests are a second old."""
    for age in range(SLICES - 1, -1, -1):
        needed -= counts[(now - age) % SLICES]
        if needed <= 0:
            return (SLICES - age) / SLICES
    return 1.0
