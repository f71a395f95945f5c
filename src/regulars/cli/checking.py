"""The check of a site: its changes form one chain, its numbers are ahead, and index = store.

All of it is read from one snapshot, so that a server may go on writing.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from regulars.audience.archive import DamagedError, OtherFormatError
from regulars.audience.difference import differences
from regulars.audience.history import OutOfStepError, chained
from regulars.audience.index import OutOfOrderError, SiteIndex
from regulars.audience.shelf import Shelf
from regulars.domain.changes import ChangeRow, Head, Record, UnknownFormatError, decode
from regulars.store import change_statements as sql
from regulars.store.following import StoreSnapshot
from regulars.store.inspection import numbers_of
from regulars.store.store import Store

_SLICE = 50
"""Changes that are replayed at a time."""

_START = Head(0, 0)


class Report(Struct, frozen=True):
    """What the check of one site found: what there is, and what is wrong with it."""

    customers: int
    changes: int
    problems: list[str]


async def check_site(store: Store, site: int, snapshots: Path | None = None) -> Report:
    """Check one site. The numbers of a problem are those of customers within the site.

    snapshots: the folder of the snapshots; a site's is checked too, brought up to date as a server does it. One that a
    server would pass over, of another history or format, is passed over here.
    """
    async with store.changes.snapshot() as snapshot:
        head = await snapshot.head(site)
        if head is None:
            return Report(0, 0, [f"site {site} has no head: it cannot be written to"])
        problems = [
            f"the next {kind} gets number {following}, but there is a number {largest} already"
            for kind, following, largest in await numbers_of(snapshot.connection, site)
            if following <= largest
        ]
        loaded = await _loaded(snapshot, site, head)
        starts = [SiteIndex()]
        starts[0].finish(_START)
        try:
            saved = None if snapshots is None else await _saved(Shelf(snapshots), snapshot, site, head)
        except DamagedError as error:
            saved = None
            problems.append(_damage(error))
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
                found = differences(loaded, replayed.index) if not replayed.problems else []
            except DamagedError as error:
                problems.append(_damage(error))
                continue
            problems += replayed.problems
            problems += [f"{each} (first: the customers; second: the changes since {since})" for each in found]
    return Report(len(loaded), head.number, problems)


async def _saved(shelf: Shelf, snapshot: StoreSnapshot, site: int, head: Head) -> SiteIndex | None:
    """The index of a site's snapshot, None where a server would use none. Raises DamagedError."""
    try:
        saved = shelf.load(site)
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
    """The number of the oldest change that is kept; 1 if there is none yet."""
    row = await snapshot.connection.one(sql.OLDEST_CHANGE, {"site": site})
    return 1 if row is None or row[0] is None else int(row[0])


async def _broken(snapshot: StoreSnapshot, site: int, head: Head, oldest: int) -> list[str]:
    """What is wrong with the chain of the changes that are kept, the first of which is `oldest`."""
    rows = await snapshot.changes(site, oldest - 1, 1)
    reached = Head(oldest - 1, rows[0].previous)
    try:
        while reached.number < head.number:
            reached = chained(reached, await snapshot.changes(site, reached.number, _SLICE))
    except OutOfStepError as error:
        return [str(error)]
    return [] if reached == head else [f"the newest change is {_name(reached)}, the head says {_name(head)}"]


async def _loaded(snapshot: StoreSnapshot, site: int, head: Head) -> SiteIndex:
    """The index as a server loads it."""
    index = SiteIndex()
    async for rows in snapshot.customers(site):
        index.load_customers(rows)
    async for relation, target, numbers in snapshot.ties(site):
        index.load_ties(relation, target, numbers)
    index.finish(head)
    return index


class _Replay:
    """The index as it would be had it followed every change since `start`; or what is wrong with the changes."""

    def __init__(self, snapshot: StoreSnapshot, site: int, head: Head, start: SiteIndex) -> None:
        self.index = start
        self.problems: list[str] = []
        self._snapshot = snapshot
        self._site = site
        self._head = head

    async def run(self) -> None:
        while not self.problems and self.index.head.number < self._head.number:
            rows = await self._snapshot.changes(self._site, self.index.head.number, _SLICE)
            try:
                await self._apply(rows)
            except (UnknownFormatError, OutOfOrderError) as error:
                self.problems.append(f"after change {self.index.head.number}: {error}")
        if not self.problems and self.index.head != self._head:
            self.problems.append(f"the newest change is {_name(self.index.head)}, the head says {_name(self._head)}")

    async def _apply(self, rows: Sequence[ChangeRow]) -> None:
        records = []
        reached = self.index.head
        for number, parts in groupby(rows, key=lambda row: row.number):
            change = list(parts)
            self._judge(reached, change)
            records.append(_whole(change))
            reached = Head(number, change[0].token)
        if reached == self.index.head:
            self.problems.append(f"change {reached.number + 1} is missing; the head is {self._head.number}")
        if self.problems:
            return
        wanted = {entry.number for record in records for entry in record.entries if entry.texts and not entry.gone}
        texts = dict(await self._snapshot.texts(self._site, sorted(wanted))) if wanted else {}
        self.index.apply(records, texts, reached, horizon=self._head.number)

    def _judge(self, before: Head, change: Sequence[ChangeRow]) -> None:
        """Whether a change, in its parts, follows the one before it."""
        number = change[0].number
        if number != before.number + 1:
            self.problems.append(f"change {before.number + 1} is missing; the next one is {number}")
        elif any(row.previous != before.token for row in change):
            self.problems.append(f"change {number} does not follow change {before.number}: its token is another one")
        if [row.last for row in change] != [False] * (len(change) - 1) + [True]:
            self.problems.append(f"change {number} is incomplete")


def _whole(change: Sequence[ChangeRow]) -> Record:
    """The record of a change, put together from its parts. Raises UnknownFormatError."""
    whole, *rest = (decode(row.body) for row in change)
    for part in rest:
        whole.entries += part.entries
        whole.cleared += part.cleared
    return whole


def _name(head: Head) -> str:
    return f"{head.number} (token {head.token})"
