"""A world to ask questions in: one site of a real database, a clock, and several audiences that tell one truth.

With SQLite each world is a file of its own; on PostgreSQL it is a new site of a database that all worlds share.
"""

import atexit
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from regulars.audience import Audience, Sort
from regulars.audience.filters.catalogue import BY_NAME, audience_of, parse
from regulars.audience.index import Tuning
from regulars.audience.page_slice import PageSlice
from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.audience.source import ChangeSource, Snapshot
from regulars.domain.commands import Command
from regulars.domain.faults import RefusedError
from regulars.store import control
from regulars.store.store import Store

from .audience_truth import Asked, Record, answer, records
from .databases import ENGINES, drop_database, new_database, url_of, write_empty_file
from .store.running import NOW

SORTS = [
    f"{sign}{name}"
    for sign in ("", "-")
    for name in ("created_at", "updated_at", "name", "email", "net_revenue", "last_request_at")
]
_accounts = count(1)


@cache
def _shared() -> Path:
    """The database of all worlds on PostgreSQL; it goes with the process."""
    path = new_database(Path(tempfile.mkdtemp()), "postgresql", "worlds")
    atexit.register(drop_database, path)
    return path


class Switchable:
    """What an audience follows: a store, in whose place another one can be put."""

    def __init__(self, source: ChangeSource) -> None:
        self.source = source
        self.is_remote = source.is_remote

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        return self.source.snapshot()


class World:
    """One site, a clock, and several audiences."""

    def __init__(self, folder: Path, tuning: Tuning | None = None, engine: str = "sqlite") -> None:
        self.folder = folder
        self.path = _shared() if engine == "postgresql" else folder / "world.db"
        if engine == "sqlite":
            write_empty_file(self.path)
        self.now = NOW
        self.tuning = tuning
        self.directory = SnapshotDirectory(folder / "directory")
        self.audiences: list[Audience] = []
        self.sources: list[Switchable] = []
        self._stores: list[Store] = []

    async def open(self) -> "World":
        self.store = await self.open_store()
        engine = self.store.engine
        number = next(_accounts)
        account = await control.create_account(engine, f"account-{number}", now=NOW)
        self.site = (await control.create_site(engine, account, f"world-{number}", now=NOW)).id
        return self

    async def open_store(self) -> Store:
        """The database as one more process opens it."""
        store = await Store.open(url_of(self.path), clock=lambda: self.now)
        self._stores.append(store)
        return store

    async def close_stores(self) -> None:
        for store in self._stores:
            await store.close()
        self._stores.clear()

    async def close(self) -> None:
        for audience in self.audiences:
            await audience.close()
        await self.close_stores()

    async def audience(self, *, directory: bool = False, **more: Any) -> Audience:
        """An audience of a process of its own."""
        store = await self.open_store()
        given = {
            "tuning": self.tuning,
            "large": 0,
            "directory": self.directory if directory else None,
            "load_wait": 30,
            **more,
        }
        self.sources.append(Switchable(store.changes))
        self.audiences.append(Audience(self.sources[-1], **given))
        return self.audiences[-1]

    async def do(self, *commands: Command) -> None:
        for command in commands:
            await self.store.ledger.submit(self.site, command)

    async def together(self, *commands: Command) -> None:
        """Commands in one batch; refused ones change nothing."""
        await self.store.ledger.submit_all(self.site, commands)

    async def attempt(self, *commands: Command) -> None:
        """Commands some of which name what belongs to somebody else; those are refused and change nothing."""
        for command in commands:
            try:
                await self.do(command)
            except RefusedError as refusal:
                assert refusal.code == "identity_conflict"

    async def save(self, audience: Audience) -> None:
        """Write the snapshot of what an audience has loaded."""
        await self.ask(audience, [])
        await audience.maintenance.save(self.site, audience.loaded[self.site], self.directory)

    async def ask(
        self, audience: Audience, asked: Asked, sort: str = "created_at", skip: int = 0, take: int = 1000
    ) -> tuple[int, list[int]]:
        parts = [parse(BY_NAME[name], value, self.now) for name, value in asked]
        predicate = audience_of(parts, hidden_asked=any(name == "is_hidden" for name, _ in asked))
        order = Sort(sort.removeprefix("-"), sort.startswith("-"))
        async with audience.ask(self.site, predicate, sort=order, page_slice=PageSlice(skip, take)) as found:
            return found.total, found.numbers

    def people(self) -> list[Record]:
        """What the tables say now."""
        return records(self.path, self.site)

    async def check(self, asked: Asked, sort: str = "created_at", skip: int = 0, take: int = 1000) -> list[int]:
        """All audiences say what the tables say; returns the page. A uuid is written as a customer's number."""
        people = self.people()
        asked = [(name, _uuid_of(int(value), people) if name == "uuid" else value) for name, value in asked]
        everybody = answer(people, asked, sort, self.now)
        expected = (len(everybody), everybody[skip : skip + take])
        for audience in self.audiences:
            assert await self.ask(audience, asked, sort, skip, take) == expected, (asked, sort, skip, take)
        return expected[1]


def _uuid_of(number: int, people: Sequence[Record]) -> str:
    """The uuid of a customer, or of nobody."""
    found = next((bytes(each["uuid"]) for each in people if each["number"] == number), bytes(16))
    return str(UUID(bytes=found))


@asynccontextmanager
async def world(tuning: Tuning | None = None, engine: str = "sqlite") -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        made = await World(Path(folder), tuning, engine).open()
        try:
            yield made
        finally:
            await made.close()


Test = Callable[[World], Awaitable[None]]


def in_a_world(engines: Sequence[str] = ENGINES) -> Callable[[Test], Callable[[str], Awaitable[None]]]:
    """An async test that gets a world, once on each engine."""

    def around(test: Test) -> Callable[[str], Awaitable[None]]:
        @pytest.mark.parametrize("engine", [each for each in engines if each in ENGINES])
        async def run(engine: str) -> None:
            async with world(engine=engine) as made:
                await test(made)

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return around
