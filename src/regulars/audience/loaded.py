"""Loaded sites: an index in memory, with its bookkeeping and background tasks."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from regulars.audience.index import SiteIndex
from regulars.audience.source import Head, Name
from regulars.domain.changes import CUSTOMER_NAMES, SITE_CURRENCY

_log = structlog.get_logger("regulars.audience")

_MOST_NAMES: Final = 32
"""Object names whose numbers are cached per site, for questions that are asked repeatedly."""


class LoadedSite:
    """A site whose index is in memory."""

    def __init__(self, index: SiteIndex, size: int) -> None:
        self.index = index
        self.lock = asyncio.Lock()
        self.bytes = size
        self.measured = index.head.number  # the change at which `bytes` was measured
        self.invalid = False  # it cannot be brought up to date and is being replaced
        self.asked = asyncio.get_running_loop().time()
        self.warming: asyncio.Task[None] | None = None
        self.reading: asyncio.Task[None] | None = None
        self.cutting: asyncio.Task[None] | None = None
        self.building: asyncio.Task[None] | None = None
        self.saved: int | None = None  # the last change in its snapshot; None: there is no snapshot
        self.saved_at = self.asked
        self.lag = 0  # how many changes it was behind the store at the last catch-up
        self.is_calm = True  # there were no new writes when the store was last read
        self._numbers: dict[Name, int | None] = {}
        self._numbered_at = index.head

    @property
    def tasks(self) -> tuple[asyncio.Task[None] | None, ...]:
        """The background tasks that may be running for it."""
        return self.warming, self.reading, self.cutting, self.building

    def numbers(self, names: Iterable[Name]) -> dict[Name, int | None] | None:
        """The cached numbers of the names (None: unknown) as of the index's head; None unless all are cached."""
        known = self._numbers if self._numbered_at == self.index.head else {}
        try:
            return {name: known[name] for name in names}
        except KeyError:
            return None

    def note(self, head: Head, names: Iterable[Name], numbers: Mapping[Name, int]) -> None:
        """Cache object numbers as of a head. They stay valid until the head moves, as every change moves it."""
        if self._numbered_at != head:
            self._numbers = {}
            self._numbered_at = head
        noted = {name: numbers.get(name) for name in names if name[0] not in CUSTOMER_NAMES and name != SITE_CURRENCY}
        if len(noted) > _MOST_NAMES:
            return
        self._numbers |= noted
        for name in [*self._numbers][: max(len(self._numbers) - _MOST_NAMES, 0)]:
            del self._numbers[name]


_SMALL_AT_A_TIME: Final = 100
"""How many small sites one round of following covers; the rounds take turns."""


class Turns:
    """Which sites are due in a round of following: all large ones, and a few of the small ones, which catch up quickly.

    large: customers from which a site is large.
    """

    def __init__(self, large: int) -> None:
        self._large = large
        self._turn = 0

    def due(self, every: list[tuple[int, LoadedSite]]) -> list[tuple[int, LoadedSite]]:
        """The sites that are due in this round."""
        small = [each for each in every if each[1].index.size < self._large]
        start = self._turn % len(small) if small else 0
        self._turn = start + _SMALL_AT_A_TIME
        due = small[start : start + _SMALL_AT_A_TIME]
        return due if len(small) == len(every) else [each for each in every if each[1].index.size >= self._large] + due


def superfluous(loaded: Mapping[int, LoadedSite], kept: int, *, most: int) -> list[int]:
    """The sites to release so that all take at most `most` bytes: the least recently used, but never `kept`."""
    total, found = sum(each.bytes for each in loaded.values()), []
    for site in loaded:
        if total <= most:
            break
        if site != kept:
            total -= loaded[site].bytes
            found.append(site)
    return found


def log_follow_error(site: int, error: Exception) -> None:
    """Log that a site could not be followed."""
    _log.error("a site could not be followed; the next query catches up", site=site, exc_info=error)
