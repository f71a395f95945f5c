"""Loaded sites: an index in memory, with what is known of it and of what is being done for it."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from regulars.audience.index import SiteIndex
from regulars.audience.source import Head, Name
from regulars.domain.changes import CUSTOMER_NAMES

_MOST_NAMES: Final = 32
"""Names of objects whose numbers are kept with a site: those of the questions that come again and again."""


class LoadedSite:
    """A site whose index is in memory."""

    def __init__(self, index: SiteIndex, size: int) -> None:
        self.index = index
        self.lock = asyncio.Lock()
        self.bytes = size
        self.measured = index.head.number  # the change at which `bytes` was taken
        self.invalid = False  # it cannot be continued, and is or was being loaded anew
        self.asked = asyncio.get_running_loop().time()
        self.warming: asyncio.Task[None] | None = None
        self.reading: asyncio.Task[None] | None = None
        self.cutting: asyncio.Task[None] | None = None
        self.saved: int | None = None  # the change up to which there is a snapshot; None: there is none
        self.saved_at = self.asked
        self.lag = 0  # changes that it was behind the store when it was last brought up to date
        self.is_calm = True  # nothing had been written when the store was last looked at
        self._numbers: dict[Name, int | None] = {}
        self._numbered_at = index.head

    @property
    def tasks(self) -> tuple[asyncio.Task[None] | None, ...]:
        """What may be under way for it."""
        return self.warming, self.reading, self.cutting

    def numbers(self, names: Iterable[Name]) -> dict[Name, int | None] | None:
        """The numbers of what is named (None: unknown) as of the index's head; None unless all have been noted."""
        known = self._numbers if self._numbered_at == self.index.head else {}
        try:
            return {name: known[name] for name in names}
        except KeyError:
            return None

    def note(self, head: Head, names: Iterable[Name], numbers: Mapping[Name, int]) -> None:
        """Keep the numbers of objects as they are at a head: what changes them changes the site, and moves its head."""
        if self._numbered_at != head:
            self._numbers = {}
            self._numbered_at = head
        noted = {name: numbers.get(name) for name in names if name[0] not in CUSTOMER_NAMES}
        if len(noted) > _MOST_NAMES:
            return
        self._numbers |= noted
        for name in [*self._numbers][: max(len(self._numbers) - _MOST_NAMES, 0)]:
            del self._numbers[name]
