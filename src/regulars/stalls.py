"""Stalls: how long the event loop is held at a time, during which every other call waits."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

STALL_SECONDS: Final = 0.25
"""A loop that was held for longer is a stall, which is counted and told."""

_INTERVAL: Final = 0.05
_SILENT_SECONDS: Final = 10
_log = structlog.get_logger("regulars.stalls")


class StallWatch:
    """Measures the lag of the event loop: how much later than asked a sleeping task is woken.

    max_lag: the largest lag since the start, in seconds. stalls: how many lags were longer than STALL_SECONDS.
    `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_lag = 0.0
        self.stalls = 0
        self._clock = clock
        self._silent_until = clock()
        self._untold = 0

    async def watch(self) -> None:
        """Measure, until cancelled."""
        while True:
            asleep = self._clock()
            await asyncio.sleep(_INTERVAL)
            self.note(self._clock() - asleep - _INTERVAL)

    def note(self, lag: float) -> None:
        """Take a lag in; stalls are told in one line in ten seconds."""
        self.max_lag = max(self.max_lag, lag)
        if lag <= STALL_SECONDS:
            return
        self.stalls += 1
        self._untold += 1
        now = self._clock()
        if now >= self._silent_until:
            self._silent_until = now + _SILENT_SECONDS
            _log.warning("the event loop was held", seconds=round(lag, 3), stalls=self._untold)
            self._untold = 0
