"""Stores on real files, opened and closed for a test, and what the tests ask of their tables."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from regulars.domain.activity import parse_activity
from regulars.domain.commands import (
    DefinitionChange,
    PlanChange,
    RecordActivity,
    SaveAudience,
    SaveDripCampaign,
    SaveObject,
    Upsert,
)
from regulars.domain.customer import Customer, index_columns
from regulars.domain.outcome import Outcome
from regulars.domain.profile import parse_profile
from regulars.domain.relations import Tie
from regulars.store import control
from regulars.store.store import Store

from ..databases import CHANGED_AT, ENGINES, TIES, empty_database, query, url_of

NOW = 1_800_000_000_000


class Running:
    """An open store with sites 1 .. n, and a clock that ticks a millisecond a reading."""

    def __init__(self, store: Store, path: Path) -> None:
        self.store = store
        self.path = path

    async def upsert(self, site: int = 1, **body: Any) -> Outcome:
        """POST /customers."""
        return await self.store.ledger.submit(site, Upsert(parse_profile(body)))

    async def record(self, event: str, site: int = 1, **body: Any) -> Outcome:
        """POST /event."""
        return await self.store.ledger.submit(site, activity(event, **body))

    def rows(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """What another process sees in the database; `?` stands for a value."""
        return query(self.path, text, *values)

    def head(self, site: int = 1) -> tuple[int, int]:
        """The site's head and token."""
        ((head, token),) = self.rows("SELECT head, token FROM site_heads WHERE site_id = ?", site)
        return head, token


def upsert(**body: Any) -> Upsert:
    """The command of POST /customers."""
    return Upsert(parse_profile(body))


def activity(event: str, **body: Any) -> RecordActivity:
    """The command of POST /event."""
    return RecordActivity(parse_activity({"event": event, **body}, now=NOW))


def campaign(key: str, *delays: int) -> SaveDripCampaign:
    """The command that creates a drip campaign with a step for each delay (seconds)."""
    steps = tuple((delay, f"tem_{delay}") for delay in delays)
    return SaveDripCampaign(SaveObject(kind="sequence", key=key, name=key), PlanChange(enabled=True, steps=steps))


def audience(key: str, question: str | None = None, *refers: str) -> SaveAudience:
    """The command that creates an audience; one without a question is a list."""
    change = DefinitionChange(kind="list" if question is None else "dynamic", question=question, refers=refers)
    return SaveAudience(SaveObject(kind="audience", key=key, name=key), change)


async def prepare(store: Store, sites: int = 1) -> None:
    """An account with sites 1 .. n."""
    account = await control.create_account(store.engine, "acme", now=NOW)
    for number in range(1, sites + 1):
        site = await control.create_site(store.engine, account, f"site-{number}", now=NOW)
        assert site.id == number


@asynccontextmanager
async def running(
    folder: Path, *, sites: int = 1, engine: str = "sqlite", clock_stands: bool = False, **settings: Any
) -> AsyncIterator[Running]:
    """A new database in the folder, or on the server."""
    clock = (lambda: NOW) if clock_stands else count(NOW).__next__
    with empty_database(folder, engine) as path:
        store = await Store.open(url_of(path), clock=clock, **settings)
        try:
            await prepare(store, sites)
            yield Running(store, path)
        finally:
            await store.close()


def with_store(
    sites: int = 1, engines: Sequence[str] = ENGINES, **settings: Any
) -> Callable[[Callable[[Running], Awaitable[None]]], Callable[[Path, str], Awaitable[None]]]:
    """A test that gets a running store on a new database, once for each engine."""

    def around(test: Callable[[Running], Awaitable[None]]) -> Callable[[Path, str], Awaitable[None]]:
        @pytest.mark.parametrize("engine", engines)
        async def named(tmp_path: Path, engine: str) -> None:
            async with running(tmp_path, sites=sites, engine=engine, **settings) as open_store:
                await test(open_store)

        named.__name__, named.__doc__, named.__module__ = test.__name__, test.__doc__, test.__module__
        return named

    return around


on_sqlite = partial(with_store, engines=("sqlite",))
"""A test of what only SQLite has: files, their locks, their backups."""

on_postgresql = partial(with_store, engines=("postgresql",))
"""A test of what only a server has: connections that are lost, limits of time."""

_FIELDS = ", ".join(CHANGED_AT if each == "changed_at" else each for each in Customer.__struct_fields__)


def stored_customers(path: Path, site: int = 1) -> dict[int, Customer]:
    """The rows of the customers table, by number."""
    rows = query(path, f"SELECT {_FIELDS} FROM customers WHERE site_id = ? ORDER BY number", site)
    return {row[0]: Customer(*row) for row in rows}


def stored_ties(path: Path, site: int = 1) -> dict[tuple[int, int, int], Tie]:
    """The ties that count, by (customer, relation, object)."""
    rows = query(path, f"SELECT customer, relation, object, holds, at FROM {TIES} WHERE site_id = ?", site)
    return {row[:3]: Tie(bool(row[3]), row[4]) for row in rows}


def indexed(path: Path, site: int = 1) -> tuple[dict[int, tuple[int, ...]], set[tuple[int, int, int]]]:
    """What an index loaded from the tables holds: columns by customer, ties that hold."""
    columns = {
        number: index_columns(customer)
        for number, customer in stored_customers(path, site).items()
        if customer.merged_into in (None, number)
    }
    return columns, {place for place, tie in stored_ties(path, site).items() if tie.holds and place[0] in columns}
