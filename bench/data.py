"""Databases to measure on, filled with made-up customers through the import."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from regulars.cli import sample
from regulars.domain.moments import SECOND, iso
from regulars.importing.importer import Import, Summary
from regulars.importing.lines import Line
from regulars.importing.parsing import line_parser
from regulars.store import control
from regulars.store.store import Store


def url_of(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path}"


def new_database(url: str) -> tuple[int, str]:
    """A database with one site: (site number, API key)."""

    return new_sites(url, 1)[0]


def new_sites(url: str, count: int) -> list[tuple[int, str]]:
    """A database with several sites: (site number, API key) of each."""

    async def create() -> list[tuple[int, str]]:
        now = time.time_ns() // 1_000_000
        store = await Store.open(url)
        try:
            account = await control.create_account(store.engine, "bench", now=now)
            sites = [await control.create_site(store.engine, account, f"site-{n}", now=now) for n in range(count)]
            return [(site.id, (await control.create_key(store.engine, site, now=now))[1]) for site in sites]
        finally:
            await store.close()

    return asyncio.run(create())


def customers(count: int) -> list[Line]:
    """Lines of an import file of customers."""
    now = time.time_ns() // 1_000_000
    return [Line(n, msgspec.json.encode(sample.customer(n, now=now))) for n in range(1, count + 1)]


def activity(count: int) -> Iterator[Line]:
    """Lines of an import file of what those customers did."""
    now = time.time_ns() // 1_000_000
    events = itertools.chain.from_iterable(sample.activity(n, now=now) for n in range(1, count + 1))
    return (Line(n, msgspec.json.encode(event)) for n, event in enumerate(events, 1))


def entries(email: str, count: int) -> Iterator[Line]:
    """Lines of an import file of so many page views of one customer, a second apart."""
    now = time.time_ns() // 1_000_000
    for n in range(1, count + 1):
        event = {"event": "page_viewed", "email": email, "timestamp": iso(now - n * SECOND), "url": f"/page/{n}"}
        yield Line(n, msgspec.json.encode(event))


def import_customers(url: str, site: int, lines: list[Line]) -> Summary:
    """Import lines of customers and say how it went."""
    return asyncio.run(_import(url, site, "customers", iter(lines)))


def import_activity(url: str, site: int, lines: Iterator[Line]) -> Summary:
    """Import lines of activity and say how it went."""
    return asyncio.run(_import(url, site, "activity", lines))


async def _import(url: str, site: int, kind: str, lines: Iterator[Line]) -> Summary:
    store = await Store.open(url, largest_batch=2000)
    try:
        return await Import(store, site, line_parser(kind, store.limits)).run(lines)  # type: ignore[arg-type]
    finally:
        await store.close()
