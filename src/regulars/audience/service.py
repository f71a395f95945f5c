"""Audience: keeps the indexes of the sites in step with a store and answers questions from them.

Each answer uses ONE snapshot of the store. The head, the changes missing from the index and the rows of the page are
all read through it, so a page never shows a row that does not match and committed writes are always visible.

An index is modified only under its site's lock, either without awaiting or in the pool thread. Cheap questions to an
up-to-date index are answered on the event loop without the lock; heavy ones hold it while a thread evaluates them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

from pyroaring import BitMap

from regulars.audience.answering import (
    Answer,
    Asked,
    Found,
    LoadingError,
    NoPageDetails,
    PageDetails,
    Prepare,
    Question,
    QuestionsFullError,
    Study,
    is_in_step,
    is_stale,
    optimistic,
)
from regulars.audience.catching_up import advance
from regulars.audience.column_building import building
from regulars.audience.filters.predicates import All, Predicate, keys, resolve
from regulars.audience.filters.sorts import Sort
from regulars.audience.history import OutOfStepError
from regulars.audience.index import OutOfOrderError, SiteIndex, Tuning
from regulars.audience.loaded import LoadedSite, Turns, log_follow_error, superfluous
from regulars.audience.loading import Loader
from regulars.audience.maintenance import Maintenance
from regulars.audience.page_slice import PageSlice
from regulars.audience.snapshot_directory import SnapshotDirectory, trouble
from regulars.audience.source import ChangeSource, Head, Snapshot
from regulars.audience.structures.archive import DamagedError
from regulars.audience.structures.missing import MissingColumnError
from regulars.audience.worker_thread import WorkerThread, is_cancelling
from regulars.domain.changes import UnknownFormatError
from regulars.domain.faults import UnknownSiteError

MEBIBYTE: Final = 1024 * 1024

_T = TypeVar("_T")


class Audience:
    """The question-answering side of a store.

    loaded: the sites whose indexes are in memory, least recently used first. index_memory: limit in bytes for loaded
    indexes; beyond it the least recently used are evicted. load_wait: seconds that a caller waits for a load.
    pool_above: estimated cost in microseconds above which a question goes to the worker thread. most_heavy: limit on
    heavy questions waiting or running at once. slice_changes: changes that a catch-up applies per step. tail_every:
    seconds between rounds of `follow`. tail_for: seconds after the last question during which a site is followed.
    directory: where snapshots are stored. Sites with at least `large` customers get one, written every `save_every`
    seconds or `save_after` changes, at most once a minute. on_follow_error: called from the exception handler with each
    site that `follow` failed to update. Counters: `loads` (`restored` of them from a snapshot), `rebuilds`, `applied`
    (changes), `pooled` (questions), `follow_errors`.
    """

    def __init__(
        self,
        source: ChangeSource,
        *,
        index_memory: int = 512 * MEBIBYTE,
        tuning: Tuning | None = None,
        load_wait: float = 5.0,
        pool_above: float = 1_000.0,
        most_heavy: int = 16,
        slice_changes: int = 64,
        tail_every: float = 0.1,
        tail_for: float = 600.0,
        directory: SnapshotDirectory | None = None,
        large: int = 20_000,
        save_every: float = 600.0,
        save_after: int = 5_000,
        on_follow_error: Callable[[int, Exception], None] = log_follow_error,
    ) -> None:
        self._source = source
        self._on_follow_error = on_follow_error
        self._index_memory = index_memory
        self._load_wait = load_wait
        self._pool_above = pool_above
        self._most_heavy = most_heavy
        self._slice_changes = slice_changes
        self._tail_every = tail_every
        self.tail_for = tail_for
        self._directory = directory
        self._large = large
        self.worker = WorkerThread()
        self._background = WorkerThread()  # for long-running work, so that no question queues behind it
        self._columns = WorkerThread()  # for columns that a question waits for
        self.maintenance = Maintenance(
            self._background,
            directory=directory,
            large=large,
            save_every=save_every,
            save_after=save_after,
            invalidate=self._rebuild,
        )
        self._loader = Loader(source, self._background, directory=directory, tuning=tuning, large=large)
        self._turns = Turns(large)
        self.loaded: OrderedDict[int, LoadedSite] = OrderedDict()
        self._loading: dict[int, asyncio.Task[LoadedSite]] = {}
        self._heavy = 0
        self.loads = 0
        self.rebuilds = 0
        self.applied = 0
        self.pooled = 0
        self.follow_errors = 0
        self.restored = 0

    @asynccontextmanager
    async def ask(
        self,
        site: int,
        predicate: Asked,
        *,
        sort: Sort | None = None,
        page_slice: PageSlice | None = None,
        details: PageDetails | None = None,
        prepare: Prepare | None = None,
    ) -> AsyncIterator[Answer]:
        """Answer a question about the site's customers as of now.

        If the predicate depends on the current time, pass a function. It is called when the store is read, after any
        wait for the index, and may be called more than once. details: what to read of the customers on the page.
        prepare: awaited with each snapshot before. Raises UnknownSiteError, LoadingError and QuestionsFullError.
        """
        question = Question(predicate, sort or Sort(), page_slice or PageSlice(), details or NoPageDetails(), prepare)
        async with self._asked(site, question) as answer:
            yield answer

    @asynccontextmanager
    async def study(
        self,
        site: int,
        sets: Callable[[], Sequence[Predicate]],
        work: Callable[[SiteIndex, Sequence[BitMap]], Any],
        *,
        prepare: Prepare | None = None,
    ) -> AsyncIterator[Answer]:
        """What `work` (see Study; it may run on a thread) makes of several sets of customers, all as of now.

        `Answer.value` holds it. prepare: as in `ask`. Raises as `ask` does.
        """
        asked = Study(lambda: All(tuple(sets())), Sort(), PageSlice(0, 0), NoPageDetails(), prepare, work=work)
        async with self._asked(site, asked) as answer:
            yield answer

    @asynccontextmanager
    async def _asked(self, site: int, question: Question) -> AsyncIterator[Answer]:
        is_optimistic = self._source.is_remote
        while True:
            loaded, missing = await self._loaded(site), None
            async with self._source.snapshot() as snapshot:
                try:
                    if question.prepare is not None:
                        await question.prepare(snapshot)
                    answer = await self._answer(site, loaded, snapshot, question, is_optimistic=is_optimistic)
                except MissingColumnError as error:
                    answer, missing = None, error
                if answer is not None:
                    yield answer
                    return
            if missing is not None:  # outside of the snapshot, as building opens another one
                asked, catch_up = question.predicate(), partial(self._catch_up, site, loaded)
                lane = self._columns
                if (task := building(self._source, lane, site, loaded, asked, missing, catch_up)) is not None:
                    await self._waited_for(site, task)
                    loaded.measured = 0
                    self._measure(site, loaded)
            is_optimistic = False

    @property
    def is_loading(self) -> bool:
        """Whether a site that was asked about is being loaded."""
        return bool(self._loading)

    async def follow(self) -> None:
        """Keep recently queried sites up to date, until cancelled."""
        while True:
            await asyncio.sleep(self._tail_every)
            await self.follow_once()

    async def follow_once(self) -> None:
        """One round of `follow`: bring the sites that are due up to date."""
        since = asyncio.get_running_loop().time() - self.tail_for
        for site, loaded in self._turns.due(list(self.loaded.items())):
            if loaded.asked < since or loaded.lock.locked():
                continue
            try:
                loaded.index.drop_idle(self.tail_for)
                await self._tail(site, loaded)
                self.maintenance.look_after(site, loaded)
            except Exception as error:
                self.follow_errors += 1
                self._on_follow_error(site, error)

    async def drop(self, site: int) -> None:
        """Drop the site's index; the next question reloads it."""
        self._release(site)
        if (task := self._loading.pop(site, None)) is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop loads and the pool threads; the audience cannot be used afterwards."""
        tasks: list[asyncio.Task[Any] | None] = [*self._loading.values()]
        tasks += [task for each in self.loaded.values() for task in each.tasks]
        for site in [*self.loaded, *self._loading]:
            await self.drop(site)
        await self.maintenance.close()
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
        await asyncio.gather(*(each.close() for each in (self._background, self._columns, self.worker)))

    # Answering

    async def _answer(
        self, site: int, loaded: LoadedSite, snapshot: Snapshot, question: Question, *, is_optimistic: bool
    ) -> Answer | None:
        """The answer, or None if the question must be retried with a newer snapshot or index.

        The head does not move while nothing is written. The optimistic path therefore answers from the current index
        and reads the details together with the head: if the head has not moved, the answer is valid.
        """
        seen, details = loaded.index.head, question.details
        try:
            guess = optimistic(loaded, question, self._pool_above) if is_optimistic and loaded.is_calm else None
            if guess is not None:
                look = await snapshot.look(site, queries=details.queries(guess.shown.numbers), last=details.complete)
                loaded.is_calm = look.head == seen
                return guess.answer(snapshot, look.read) if loaded.is_calm else None
            found = await self._found(site, loaded, snapshot, question)
        except DamagedError as error:  # in a part of the index snapshot that is only read now
            self._rebuild(site, loaded, str(error))
            return None
        if found is None:
            return None
        return found.answer(snapshot, await snapshot.read(details.queries(found.shown.numbers), last=details.complete))

    async def _found(self, site: int, loaded: LoadedSite, snapshot: Snapshot, question: Question) -> Found | None:
        """The result at the snapshot's head, or None if a newer snapshot or index is needed."""
        seen = loaded.index.head
        names = keys(asked := question.predicate())
        look = await snapshot.look(site, names)
        head = look.head
        if head is None:
            await self.drop(site)
            raise UnknownSiteError(site)
        loaded.is_calm = head == seen
        if seen.number > head.number:  # `seen` was read first, so the store has lost changes
            self._rebuild(site, loaded, f"change {seen.number} no longer exists")
            return None
        if self._source.is_remote:
            loaded.note(head, names, look.numbers)
        index, sort, predicate = loaded.index, question.sort, resolve(asked, look.numbers)
        if not is_in_step(index, head) or is_stale(index, sort) or self._is_heavy(index, predicate, question):
            async with loaded.lock:
                if not await self._catch_up(site, loaded, snapshot, head):
                    return None
                if self._is_heavy(index, predicate, question):
                    return await self._heavily(lambda: question.found(index, predicate))
                return question.found(index, predicate)
        return question.found(index, predicate)

    def _is_heavy(self, index: SiteIndex, predicate: Predicate, question: Question) -> bool:
        return question.cost(index, predicate) > self._pool_above

    async def _heavily(self, evaluation: Callable[[], _T]) -> _T:
        if self._heavy >= self._most_heavy:
            raise QuestionsFullError
        self._heavy += 1
        self.pooled += 1
        try:
            return await self.worker.run(evaluation)
        finally:
            self._heavy -= 1

    # Catching up

    async def _tail(self, site: int, loaded: LoadedSite) -> None:
        seen = loaded.index.head.number
        async with self._source.snapshot() as snapshot:
            head = await snapshot.head(site)
            if head is None:
                await self.drop(site)
            elif seen > head.number:
                self._rebuild(site, loaded, f"change {seen} no longer exists")
            elif not is_in_step(loaded.index, head):
                async with loaded.lock:
                    await self._catch_up(site, loaded, snapshot, head)

    async def _catch_up(self, site: int, loaded: LoadedSite, snapshot: Snapshot, head: Head) -> bool:
        """Bring the index to the snapshot's head, holding its lock. False if a newer snapshot or index is needed."""
        index = loaded.index
        if loaded.invalid or max(index.head.number, index.horizon) > head.number:
            return False
        loaded.lag = head.number - index.head.number
        try:
            while index.head != head:
                self.applied += await advance(
                    site, index, snapshot, head, most=self._slice_changes, run=self.worker.run
                )
        except (OutOfStepError, OutOfOrderError, UnknownFormatError, DamagedError) as error:
            self._rebuild(site, loaded, str(error))
            return False
        if index.is_untidy:
            await self.worker.run(index.tidy)
            self.maintenance.warm(site, loaded)  # a merged segment has lost its word index
        self._measure(site, loaded)
        return True

    def _rebuild(self, site: int, loaded: LoadedSite, why: str) -> None:
        """Drop an index that can no longer be brought up to date."""
        if not loaded.invalid:
            loaded.invalid = True
            if self.loaded.get(site) is loaded:
                self._release(site)
            if self._directory is not None:
                newest = self._directory.head(site)
                if newest is None or newest.number <= loaded.index.head.number:
                    self._directory.discard(site)  # it is no newer; a newer snapshot might still be usable
            self.rebuilds += 1
            trouble.warning("an index is dropped and reloaded", site=site, reason=why)

    # Loading

    async def _loaded(self, site: int) -> LoadedSite:
        """The loaded site; concurrent callers share one load."""
        loaded = self.loaded.get(site)
        if loaded is None:
            task = self._loading.get(site)
            if task is None:
                task = self._loading[site] = asyncio.create_task(self._load(site))
                task.add_done_callback(lambda done: self._load_ended(site, done))
            loaded = await self._waited_for(site, task)
        if site in self.loaded:
            self.loaded.move_to_end(site)
        loaded.asked = asyncio.get_running_loop().time()
        return loaded

    async def _waited_for(self, site: int, task: asyncio.Task[_T]) -> _T:
        """The result of the site's load. Raises LoadingError if it takes too long."""
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._load_wait)
        except TimeoutError:
            raise LoadingError(f"site {site} is being loaded") from None
        except asyncio.CancelledError:
            if task.cancelled() and not is_cancelling():  # dropped while it was being loaded
                raise LoadingError(f"site {site} is being loaded") from None
            raise

    def _load_ended(self, site: int, task: asyncio.Task[LoadedSite]) -> None:
        if self._loading.get(site) is task:
            del self._loading[site]
        if not task.cancelled():
            task.exception()  # mark it as retrieved: every caller may have gone

    async def _load(self, site: int) -> LoadedSite:
        index = await self._loader.from_snapshot(site)
        saved = None if index is None else index.head.number
        self.restored += index is not None
        index = index or await self._loader.from_store(site)
        loaded = self.loaded[site] = LoadedSite(index, await self._loader.measured(index))
        loaded.saved = saved
        self.loads += 1
        self.maintenance.warm(site, loaded)
        if saved is not None:
            self.maintenance.read_ahead(site, loaded)
        self._evict(site)
        return loaded

    def _measure(self, site: int, loaded: LoadedSite) -> None:
        """Measure an index again after many changes."""
        changes = loaded.index.head.number - loaded.measured
        if changes > 1_000 + loaded.index.size // 10:
            loaded.measured += changes
            loaded.bytes = loaded.index.approximate_bytes()
            self.maintenance.warm(site, loaded)
            self._evict(site)

    def _evict(self, kept: int) -> None:
        for site in superfluous(self.loaded, kept, most=self._index_memory):
            self._release(site)

    def _release(self, site: int) -> None:
        loaded = self.loaded.pop(site, None)
        for task in () if loaded is None else loaded.tasks:
            if task is not None and task is not asyncio.current_task():
                task.cancel()
