"""The pace of an import: how many lines go into a batch, so that other writers wait for a short time only.

Each batch holds the write lock for at most about LONGEST_HOLD. If the import has to wait for the lock, others are
writing too: it then pauses for as long as it held the lock, so that it takes half of the capacity, and its next batches
are shorter.
"""

import asyncio
from typing import Final

from regulars.store.engine import Engine

LARGEST_CHUNK: Final = 2_000
"""Lines per transaction; beyond it the fixed costs are negligible. The store must be opened with this batch size."""

SMALLEST_CHUNK: Final = 50
FIRST_CHUNK: Final = 200
"""Lines of the first transaction; how long it takes tells how many come next."""

LONGEST_HOLD: Final = 0.05
HOLD_BESIDE_OTHERS: Final = 0.02
"""Longest time, in seconds, that a batch should hold the write lock: alone, and while others are writing."""

_REMEMBERED: Final = 20
"""Batches for which another writer counts after it was noticed."""

_NOTICED_WAIT: Final = 0.001

_LET_OTHERS_IN: Final = 0.003
"""Pause, in seconds, after each batch. The lock is not handed over: without a pause, the import would take it again
before a process that is waiting for it wakes up. The next batch is parsed meanwhile.
"""


class Pace:
    """The size of the next batch, from how long the last one held the lock."""

    def __init__(self, engine: Engine) -> None:
        self.chunk_size = min(FIRST_CHUNK, LARGEST_CHUNK)
        self._engine = engine
        self._others = 0
        """Batches for which another writer still counts."""

    async def make_room(self) -> None:
        """Adapt the chunk size to how long a batch may hold the lock, and let others have it."""
        held, is_noticed = self._engine.last_hold, self._engine.last_wait > _NOTICED_WAIT
        self._others = _REMEMBERED if is_noticed else max(self._others - 1, 0)
        longest = HOLD_BESIDE_OTHERS if self._others else LONGEST_HOLD
        if held > longest:
            self.chunk_size = max(SMALLEST_CHUNK, int(self.chunk_size * longest / held))
        elif held < longest / 2:
            self.chunk_size = min(LARGEST_CHUNK, self.chunk_size + self.chunk_size // 4)
        await asyncio.sleep(held if is_noticed else _LET_OTHERS_IN)
