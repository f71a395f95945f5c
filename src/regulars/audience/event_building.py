"""Building event columns and times of ties: from the store, while the index goes on following changes."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from regulars.audience.history import new_events
from regulars.audience.index import SiteIndex
from regulars.audience.loaded import LoadedSite
from regulars.audience.source import ChangeSource, EventRow, Head, Name, Snapshot
from regulars.audience.structures.bitmaps import to_ordinals
from regulars.audience.structures.event_facets import Happening
from regulars.audience.structures.event_table import Wanted, decoded, names_in
from regulars.audience.structures.events import EventColumn
from regulars.audience.structures.tie_times import TieKey, TieTimes
from regulars.audience.worker_thread import WorkerThread

CatchUp = Callable[[Snapshot, Head], Awaitable[bool]]
"""Brings the index to the head of a snapshot; False if it became invalid or is ahead of the snapshot."""


class _EventsOfName:
    """A column in the making. Events are kept by the numbers of customers, who may be newer than the index."""

    def __init__(self, name: str, facets: frozenset[Any]) -> None:
        self.column = EventColumn(name, facets)
        self.numbers: dict[Name, int] = {}

    def take(self, rows: Sequence[EventRow]) -> None:
        """Take in events with what the facets are made of."""
        happenings = [Happening(row.log, detail, self.numbers) for row, detail in zip(rows, decoded(rows), strict=True)]
        self._take([(row.customer, row.at) for row in rows], happenings)

    def take_times(self, rows: Sequence[tuple[int, int]]) -> None:
        """Take in events of which nothing more is needed."""
        self._take(rows, ())

    def _take(self, rows: Sequence[tuple[int, int]], happenings: Sequence[Happening]) -> None:
        if rows:
            both = np.array(rows, dtype=np.int64)
            self.column.extend(both[:, 0].astype(np.uint32), both[:, 1].copy(), happenings)

    def finished(self, index: SiteIndex) -> EventColumn:
        """The column, by ordinals. The index must know all customers."""
        self.column.renumber(index.numbering.values)
        return self.column


async def build_events(
    source: ChangeSource,
    lane: WorkerThread,
    site: int,
    loaded: LoadedSite,
    wanted: Wanted,
    catch_up: CatchUp,
) -> None:
    """Build columns and install them in the index, unless it became invalid meanwhile.

    Most is read from one snapshot without holding up anybody; what is new since, under the lock from another one, to
    which the index is brought first.
    """
    readings = [_EventsOfName(name, facets) for name, facets in wanted.items()]
    async with source.snapshot() as snapshot:
        seen = await snapshot.last_event(site)
        for reading in readings:
            await _read(snapshot, lane, site, reading, seen)
            await lane.run(reading.column.tidy)
    async with loaded.lock, source.snapshot() as snapshot:
        head = await snapshot.head(site)
        if head is None or not await catch_up(snapshot, head):
            return
        events = await new_events(snapshot, site, seen)
        if events is None:
            return
        for reading in readings:
            reading.numbers.update(events.numbers)
            name = reading.column.name
            await lane.run(partial(reading.take, [row for row in events.rows if row.name == name]))
        columns = [await lane.run(partial(reading.finished, loaded.index)) for reading in readings]
        loaded.index.events.install(columns, events.seen)


async def _read(snapshot: Snapshot, lane: WorkerThread, site: int, reading: _EventsOfName, until: int) -> None:
    name = reading.column.name
    if not reading.column.facets:
        async for times in snapshot.times_named(site, name, until):
            await lane.run(partial(reading.take_times, times))
        return
    async for rows in snapshot.events_named(site, name, until):
        names = [each for each in await lane.run(partial(names_in, rows)) if each not in reading.numbers]
        if names:
            reading.numbers.update(await snapshot.object_numbers(site, names))
        await lane.run(partial(reading.take, rows))


async def build_tie_times(
    source: ChangeSource, site: int, loaded: LoadedSite, keys: Sequence[TieKey], catch_up: CatchUp
) -> None:
    """Read the times of the ties to some objects, under the lock, from a snapshot to which the index is brought."""
    index = loaded.index
    async with loaded.lock, source.snapshot() as snapshot:
        head = await snapshot.head(site)
        if head is None or not await catch_up(snapshot, head):
            return
        for key in keys:
            tied = index.ties.get(key)
            members = np.zeros(0, dtype=np.uint32) if tied is None else to_ordinals(tied & index.alive)
            numbers: list[int] = index.numbering.numbers(members).tolist()
            times = dict(await snapshot.tie_times(site, *key, numbers)) if numbers else {}
            found = [(ordinal, times.get(number)) for ordinal, number in zip(members.tolist(), numbers, strict=True)]
            known = [(ordinal, at) for ordinal, at in found if at is not None]
            index.tie_times.install(key, TieTimes([each for each, _ in known], [at for _, at in known]))
