"""Stalls: measures how long the event loop is blocked, while every other call waits."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

STALL_SECONDS: Final = 0.25
"""A loop that is blocked for longer counts as a stall, which is counted and logged."""

RECENT_SECONDS: Final = 60
"""How long a lag counts as recent: at least one scrape interval of a usual collector."""

_INTERVAL: Final = 0.05
_SILENT_SECONDS: Final = 10
_log = structlog.get_logger("regulars.stalls")


class StallWatch:
    """Measures the lag of the event loop: how late a sleeping task is woken.

    A block that begins while the task sleeps is up to 50 ms longer than the measured lag.

    stalls: how many lags were longer than STALL_SECONDS since the start. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.stalls = 0
        self._clock = clock
        self._silent_until = clock()
        self._untold = 0
        self._recent: deque[tuple[float, float]] = deque()
        """(when, lag) of the recent lags that no later one exceeds, so that they fall from first to last."""

    @property
    def max_lag(self) -> float:
        """The largest lag of the last RECENT_SECONDS, in seconds."""
        self._drop_old(self._clock())
        return self._recent[0][1] if self._recent else 0.0

    async def watch(self) -> None:
        """Measure, until cancelled."""
        while True:
            asleep = self._clock()
            await asyncio.sleep(_INTERVAL)
            self.note(self._clock() - asleep - _INTERVAL)

    def note(self, lag: float) -> None:
        """Record a lag; stalls are logged at most once in ten seconds."""
        now = self._clock()
        self._drop_old(now)
        while self._recent and self._recent[-1][1] <= lag:
            self._recent.pop()
        self._recent.append((now, lag))
        if lag <= STALL_SECONDS:
            return
        self.stalls += 1
        self._untold += 1
        if now >= self._silent_until:
            self._silent_until = now + _SILENT_SECONDS
            _log.warning("the event loop was blocked", seconds=round(lag, 3), stalls=self._untold)
            self._untold = 0

    def _drop_old(self, now: float) -> None:
        while self._recent and self._recent[0][0] <= now - RECENT_SECONDS:
            self._recent.popleft()
