"""Loader: builds the index of a site, from its snapshot or from the store."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import Final

from regulars.audience.history import OutOfStepError, chained
from regulars.audience.index import SiteIndex, Tuning
from regulars.audience.snapshot_directory import SnapshotDirectory, trouble
from regulars.audience.source import ChangeSource
from regulars.audience.worker_thread import WorkerThread
from regulars.domain.faults import UnknownSiteError

INLINE_ENTRIES: Final = 200
"""Up to this many customers or ties are applied on the event loop (about 10 us each); more go to the pool thread."""


class Loader:
    """Loads sites.

    background: the thread for long work. large: sites with this many customers get their text orders at once.
    """

    def __init__(
        self,
        source: ChangeSource,
        background: WorkerThread,
        *,
        directory: SnapshotDirectory | None,
        tuning: Tuning | None,
        large: int,
    ) -> None:
        self._source = source
        self._background = background
        self._directory = directory
        self._tuning = tuning
        self._large = large

    async def from_snapshot(self, site: int) -> SiteIndex | None:
        """The index from the newest snapshot; None unless there is one that matches the store's history."""
        if self._directory is None:
            return None
        index = await self._background.run(partial(self._directory.read, site, self._tuning))
        if index is None:
            return None
        async with self._source.snapshot() as snapshot:
            head = await snapshot.head(site)
            if head is None:
                raise UnknownSiteError(site)
            try:
                if index.horizon > head.number:
                    raise OutOfStepError(f"change {index.horizon} does not exist")
                if index.head != head:
                    chained(index.head, await snapshot.changes(site, index.head.number, 1))
            except OutOfStepError as error:
                trouble.warning("a snapshot was ignored", site=site, reason=str(error))
                self._directory.discard(site)
                return None
        return index

    async def from_store(self, site: int) -> SiteIndex:
        """Build the index from the current contents of the store."""
        index = SiteIndex(self._tuning)
        async with self._source.snapshot() as snapshot:
            head = await snapshot.head(site)
            if head is None:
                raise UnknownSiteError(site)
            async for rows in snapshot.customers(site):
                await self._quickly(len(rows), partial(index.load_customers, rows))
            async with aclosing(snapshot.ties(site)) as ties:
                inline = 0
                async for relation, target, numbers in ties:
                    await self._quickly(len(numbers), partial(index.load_ties, relation, target, numbers))
                    inline += len(numbers) + 1
                    if inline > INLINE_ENTRIES:  # there may be as many chunks as ties, each of them short
                        inline = 0
                        await asyncio.sleep(0)
        await self._quickly(index.size, partial(index.finish, head))
        if index.size >= self._large:
            for order in index.orders.values():
                await self._background.run(partial(order.refresh, index.size))
        return index

    async def measured(self, index: SiteIndex) -> int:
        """The approximate memory use of an index, in bytes."""
        if index.size <= INLINE_ENTRIES:
            return index.approximate_bytes()
        return await self._background.run(index.approximate_bytes)

    async def _quickly(self, entries: int, work: Callable[[], object]) -> None:
        """Run the work on the event loop if there are few entries, else in the background."""
        if entries <= INLINE_ENTRIES:
            work()
        else:
            await self._background.run(work)
