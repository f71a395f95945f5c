"""The check of a site: the changes form one chain, the next numbers are free, rows are consistent, and index = store.

Everything is read from one snapshot, so servers can keep writing.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from regulars.audience.catching_up import advance
from regulars.audience.difference import differences
from regulars.audience.history import OutOfStepError, chained
from regulars.audience.index import OutOfOrderError, SiteIndex
from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.audience.structures.archive import DamagedError, OtherFormatError
from regulars.checking_columns import (
    begin_attributes,
    build_attributes,
    build_events,
    common_attributes,
    common_events,
    followed_paths,
)
from regulars.domain.changes import Head, UnknownFormatError
from regulars.domain.relations import BY_CODE
from regulars.store import change_statements as sql
from regulars.store import outbox
from regulars.store.following import StoreSnapshot
from regulars.store.inspection import (
    audience_problems,
    contradictions,
    drip_problems,
    last_tied,
    lost_visitors,
    numbers_of,
    without_object,
)
from regulars.store.object_lists import wrong_counts, wrong_titles
from regulars.store.site_settings import revenue_problems
from regulars.store.store import Store

_SLICE = 50
"""Changes that are replayed at a time."""

_MOST = 20
"""The number of problems of one kind that are listed individually."""

_START = Head(0, 0)


class Report(Struct, frozen=True):
    """The result of checking one site: its counts and its problems."""

    customers: int
    changes: int
    problems: list[str]


async def check_site(store: Store, site: int, snapshots: Path | None = None) -> Report:
    """Check one site. The numbers of a problem are those of customers within the site.

    snapshots: the folder of the snapshots; a site's is checked too, brought up to date as a server does it. One that a
    server would ignore, of another history or format, is ignored here.
    """
    async with store.changes.snapshot() as snapshot:
        head = await snapshot.head(site)
        if head is None:
            return Report(0, 0, [f"site {site} has no head, so it cannot be written"])
        problems = [
            f"the next {kind} would get number {following}, but number {largest} already exists"
            for kind, following, largest in await numbers_of(snapshot.connection, site)
            if following <= largest
        ]
        problems += [each async for each in _first(contradictions(snapshot.connection, site))]
        problems += [each async for each in _first(wrong_titles(snapshot.connection, site))]
        problems += await wrong_counts(snapshot.connection, site)
        problems += await drip_problems(snapshot.connection, site, _MOST)
        problems += await lost_visitors(snapshot.connection, site, _MOST)
        problems += await revenue_problems(snapshot.connection, site, _MOST)
        problems += await audience_problems(snapshot.connection, site, _MOST)
        loaded, strangers = await _loaded(snapshot, site, head)
        problems += strangers[:_MOST]
        for relation, item in (await without_object(snapshot.connection, site, loaded.ties))[:_MOST]:
            problems.append(f"there are ties {BY_CODE[relation].name} to {item}, which has no row")
        problems += [each async for each in _first(outbox.problems(snapshot.connection, site, head))]
        starts = [SiteIndex()]
        starts[0].finish(_START)
        try:
            saved = None if snapshots is None else await _saved(SnapshotDirectory(snapshots), snapshot, site, head)
        except DamagedError as error:
            saved = None
            problems.append(_damage(error))
        paths = followed_paths(saved, await common_attributes(snapshot, site))
        await build_attributes(snapshot, site, loaded, paths)
        events = await common_events(snapshot, site)
        try:
            await build_events(snapshot, site, loaded, events, follows=False)
        except msgspec.MsgspecError as error:
            problems.append(f"the details of an event cannot be read: {error}")
            events = {}
        begin_attributes(starts[0], paths)
        if saved is not None:
            starts.append(saved)
        oldest = await _oldest(snapshot, site)
        if oldest > 1:
            del starts[0]  # the first changes are pruned: nobody can follow them from the beginning
            problems += await _broken(snapshot, site, head, oldest)
        for start in starts:
            since = "the beginning" if start.head == _START else f"the snapshot of change {start.head.number}"
            replayed = _Replay(snapshot, site, head, start)
            try:
                await replayed.run()
                if not replayed.problems:
                    await build_events(snapshot, site, replayed.index, events, follows=True)
                found = differences(loaded, replayed.index) if not replayed.problems else []
            except DamagedError as error:
                problems.append(_damage(error))
                continue
            problems += replayed.problems
            problems += [f"{each} (first: the customers; second: the changes since {since})" for each in found]
    return Report(len(loaded), head.number, problems)


async def _saved(directory: SnapshotDirectory, snapshot: StoreSnapshot, site: int, head: Head) -> SiteIndex | None:
    """The index of a site's snapshot, None if a server would not use it. Raises DamagedError."""
    try:
        saved = directory.load(site)
        if saved.horizon > head.number:
            return None
        if saved.head != head:
            chained(saved.head, await snapshot.changes(site, saved.head.number, 1))
    except (FileNotFoundError, OtherFormatError, OutOfStepError):
        return None
    return saved


def _damage(error: DamagedError) -> str:
    return f"the snapshot is damaged: {error}; `regulars reindex` deletes it, and a server writes a new one"


async def _oldest(snapshot: StoreSnapshot, site: int) -> int:
    """The number of the oldest stored change; 1 if there is none yet."""
    row = await snapshot.connection.one(sql.OLDEST_CHANGE, {"site": site})
    return 1 if row is None or row[0] is None else int(row[0])


async def _broken(snapshot: StoreSnapshot, site: int, head: Head, oldest: int) -> list[str]:
    """The problems of the chain of stored changes, which begins with `oldest`."""
    rows = await snapshot.changes(site, oldest - 1, 1)
    reached = Head(oldest - 1, rows[0].previous)
    try:
        while reached.number < head.number:
            reached = chained(reached, await snapshot.changes(site, reached.number, _SLICE))
    except OutOfStepError as error:
        return [str(error)]
    return [] if reached == head else [f"the newest change is {_name(reached)}, the head says {_name(head)}"]


async def _first(problems: AsyncIterator[str]) -> AsyncIterator[str]:
    """The first problems, and the number of others."""
    count = 0
    async for each in problems:
        count += 1
        if count <= _MOST:
            yield each
    if count > _MOST:
        yield f"and {count - _MOST} more"


async def _loaded(snapshot: StoreSnapshot, site: int, head: Head) -> tuple[SiteIndex, list[str]]:
    """The index as a server loads it, and the ties that it leaves out."""
    index = SiteIndex()
    strangers: list[str] = []
    async for rows in snapshot.customers(site):
        index.load_customers(rows)
    async for relation, target, numbers in snapshot.ties(site):
        known = np.isin(np.array(numbers, dtype=np.uint32), index.numbering.values)
        if not bool(known.all()) and len(strangers) < _MOST:
            name = BY_CODE[relation].name
            unknown = [number for number, is_known in zip(numbers, known.tolist(), strict=True) if not is_known]
            strangers.append(f"customer {unknown[0]}: does not exist, but has a tie {name} to {target}")
        index.load_ties(relation, target, numbers)
    last = await last_tied(snapshot.connection, site)  # a load ends with the last customer, and sees none beyond
    if last > (index.numbering.values[-1] if index.size else 0):
        strangers.append(f"customer {last}: does not exist, but has ties")
    index.finish(head)
    return index, strangers


class _Replay:
    """The index after following every change since `start`, or the problem with the changes."""

    def __init__(self, snapshot: StoreSnapshot, site: int, head: Head, start: SiteIndex) -> None:
        self.index = start
        self.problems: list[str] = []
        self._snapshot = snapshot
        self._site = site
        self._head = head

    async def run(self) -> None:
        while not self.problems and self.index.head.number < self._head.number:
            index = self.index
            try:
                await advance(
                    self._site, index, self._snapshot, self._head, most=_SLICE, run=_inline, heeds_rebuild=False
                )
            except OutOfStepError as error:
                self.problems.append(str(error))
            except (UnknownFormatError, OutOfOrderError) as error:
                self.problems.append(f"after change {index.head.number}: {error}")
        if not self.problems and self.index.head != self._head:
            self.problems.append(f"the newest change is {_name(self.index.head)}, the head says {_name(self._head)}")


async def _inline(work: Callable[[], None]) -> None:
    work()


def _name(head: Head) -> str:
    return f"{head.number} (token {head.token})"
