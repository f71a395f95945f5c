"""The pace of an import: how many lines go into a batch, so that other writers wait for a short time only.

Each batch holds the write lock for at most about LONGEST_HOLD. If the import has to wait for the lock, others are
writing too; it then pauses for as long as it held the lock, so that it takes half of the capacity.
"""

import asyncio
from typing import Final

from regulars.store.engine import Engine

LARGEST_CHUNK: Final = 2_000
"""Lines per transaction; beyond it the fixed costs are negligible. The store must be opened with this batch size."""

SMALLEST_CHUNK: Final = 100
FIRST_GUEST_CHUNK: Final = 200
"""Lines of the first transaction in a process that serves others; how long it takes tells how many come next."""

LONGEST_HOLD: Final = 0.05
"""Longest time, in seconds, that a batch should hold the write lock."""

_NOTICED_WAIT: Final = 0.001


class Pace:
    """The size of the next batch, from how long the last one held the lock. size: of the first; None: the largest."""

    def __init__(self, engine: Engine, size: int | None = None) -> None:
        self.chunk_size = size or LARGEST_CHUNK
        self._engine = engine

    async def make_room(self) -> None:
        """Adapt the chunk size to LONGEST_HOLD, and pause if others are waiting for the lock."""
        held = self._engine.last_hold
        if held > LONGEST_HOLD:
            self.chunk_size = max(SMALLEST_CHUNK, int(self.chunk_size * LONGEST_HOLD / held))
        elif held < LONGEST_HOLD / 2:
            self.chunk_size = min(LARGEST_CHUNK, self.chunk_size + self.chunk_size // 4)
        if self._engine.last_wait > _NOTICED_WAIT:
            await asyncio.sleep(held)
