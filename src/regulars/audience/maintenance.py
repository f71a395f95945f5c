"""Background work on large sites: building word indexes and bands, reading snapshots ahead, and writing new ones.

No question waits for it; similarity searches are slower until the word index is built.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from regulars.audience.index import SORTED_TEXTS, SiteIndex
from regulars.audience.loaded import LoadedSite
from regulars.audience.snapshot_directory import SnapshotDirectory, trouble
from regulars.audience.snapshots import pieces
from regulars.audience.structures.archive import DamagedError
from regulars.audience.structures.segments import Segment
from regulars.audience.structures.text import TextColumn
from regulars.audience.worker_thread import WorkerThread

_SOONEST: Final = 60.0
"""Minimum seconds between two snapshots of a site."""


class Maintenance:
    """Runs the background work of one audience.

    background: the thread for long work. directory: where snapshots are stored, if at all. large, save_every,
    save_after: as in `Audience`. invalidate: called with an index that must be dropped, and the reason. `saves` counts
    snapshots written.
    """

    def __init__(
        self,
        background: WorkerThread,
        *,
        directory: SnapshotDirectory | None,
        large: int,
        save_every: float,
        save_after: int,
        invalidate: Callable[[int, LoadedSite, str], None],
    ) -> None:
        self._background = background
        self._directory = directory
        self._large = large
        self._save_every = save_every
        self._save_after = save_after
        self._invalidate = invalidate
        self._saving: asyncio.Task[None] | None = None
        self.saves = 0

    async def close(self) -> None:
        """Cancel a snapshot that is being written."""
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)

    def look_after(self, site: int, loaded: LoadedSite) -> None:
        """Start any work that is due: column bands, a new snapshot."""
        self.cut_if_due(site, loaded)
        self.save_if_due(site, loaded)

    def warm(self, site: int, loaded: LoadedSite) -> None:
        """Build the word indexes of a large site in the background; it takes seconds."""
        if loaded.warming is None and _lacking_words(loaded.index):
            loaded.warming = asyncio.create_task(self._sound(site, loaded, self._warmed))

    async def _warmed(self, loaded: LoadedSite) -> None:
        try:
            while segments := _lacking_words(loaded.index):
                for segment in segments:
                    await self._background.run(segment.words)
        finally:
            loaded.warming = None

    def cut_if_due(self, site: int, loaded: LoadedSite) -> None:
        """Start building bands for columns that are queried repeatedly."""
        if loaded.cutting is None and loaded.index.due_bandings:
            loaded.cutting = asyncio.create_task(self._sound(site, loaded, self._cut))

    async def _cut(self, loaded: LoadedSite) -> None:
        try:
            for banding in loaded.index.due_bandings:
                async with loaded.lock:
                    cut_it = await self._background.run(banding.capture)
                await self._background.run(cut_it)
        finally:
            loaded.cutting = None

    def read_ahead(self, site: int, loaded: LoadedSite) -> None:
        """Start reading the parts of the index that are still in its snapshot file."""
        loaded.reading = asyncio.create_task(self._sound(site, loaded, self._read))

    async def _read(self, loaded: LoadedSite) -> None:
        """Read the slow parts of the snapshot file before a question has to wait for them."""
        for order in loaded.index.orders.values():
            async with loaded.lock:
                await self._background.run(order.read)
        for column in loaded.index.texts.values():
            for segment in column.segments if isinstance(column, TextColumn) else ():
                await self._background.run(segment.read)

    async def _sound(self, site: int, loaded: LoadedSite, work: Callable[[LoadedSite], Awaitable[None]]) -> None:
        """Do the work; invalidate the index if its snapshot turns out to be damaged."""
        try:
            await work(loaded)
        except DamagedError as error:
            self._invalidate(site, loaded, str(error))

    def save_if_due(self, site: int, loaded: LoadedSite) -> None:
        """Start writing a snapshot of a large site if it has none or an old one."""
        if (
            self._directory is None
            or self._saving is not None
            or loaded.index.size < self._large
            or loaded.warming is not None
            or loaded.invalid
        ):
            return
        age = asyncio.get_running_loop().time() - loaded.saved_at
        new = loaded.index.head.number - (loaded.saved or 0)
        if loaded.saved is None or (new > 0 and age > self._save_every) or (new > self._save_after and age > _SOONEST):
            self._saving = asyncio.create_task(self._saved(site, loaded, self._directory))

    async def _saved(self, site: int, loaded: LoadedSite, directory: SnapshotDirectory) -> None:
        try:
            await self.save(site, loaded, directory)
        except (OSError, DamagedError) as error:
            trouble.warning("a snapshot could not be written", site=site, reason=str(error))
        finally:
            loaded.saved_at = asyncio.get_running_loop().time()
            loaded.saved = loaded.saved or 0
            self._saving = None

    async def save(self, site: int, loaded: LoadedSite, directory: SnapshotDirectory) -> None:
        """Write a site's snapshot piece by piece, so a question waits for at most one piece. Raises OSError."""
        writing = directory.writing(site)
        writer = await self._background.run(writing.__enter__)
        number = loaded.index.head.number
        try:
            if writer is not None:
                for piece in pieces(loaded.index):
                    async with loaded.lock:
                        if loaded.invalid:
                            raise DamagedError("the index was dropped in the meantime")
                        write = await self._background.run(piece)
                    await self._background.run(partial(write, writer))
        except BaseException as error:
            writing.__exit__(type(error), error, error.__traceback__)
            raise
        await self._background.run(partial(writing.__exit__, None, None, None))
        loaded.saved = number
        self.saves += writer is not None


def _lacking_words(index: SiteIndex) -> list[Segment]:
    return [
        segment
        for name in SORTED_TEXTS
        if isinstance(column := index.texts[name], TextColumn)
        for segment in column.lacks_words
    ]
