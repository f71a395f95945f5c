"""A command's session with the store: open an existing database, find the site, close in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from regulars.cli.output import FailedError
from regulars.domain.limits import Limits
from regulars.settings import Settings
from regulars.store import control
from regulars.store.control import Site
from regulars.store.ledger import LARGEST_BATCH
from regulars.store.store import Store, is_initialised, shown


@asynccontextmanager
async def opened(url: str, *, largest_batch: int = LARGEST_BATCH) -> AsyncIterator[Store]:
    """The store in an existing database, with the limits that the environment sets.

    Raises FailedError when `regulars init` has not made the database, and what Store.open raises.
    """
    await require_database(url)
    settings = Settings.from_environment()
    limits = Limits(email=settings.email_limit, attributes=settings.attributes_limit)
    store = await Store.open(url, largest_batch=largest_batch, limits=limits, has_outbox=settings.has_outbox)
    try:
        yield store
    finally:
        await store.close()


def snapshot_folder(url: str) -> Path | None:
    """Where the servers of this database keep their snapshots."""
    return msgspec.structs.replace(Settings.from_environment(), database=url).snapshots


async def require_database(url: str) -> None:
    """Raise FailedError unless the database exists with its tables."""
    if not await is_initialised(url):
        raise FailedError(
            f"no database exists at {shown(url)}: create one with `regulars init --database {shown(url)}`"
        )


async def chosen_sites(store: Store, number: int | None) -> list[Site]:
    """The site with this number, or all sites. Raises FailedError if there is none."""
    async with store.snapshot() as connection:
        sites = await control.list_sites(connection)
    found = [site for site in sites if number in (None, site.id)]
    if not found:
        known = ", ".join(f"{site.id} ({site.subdomain})" for site in sites) or "none"
        raise FailedError(f"there is no site {number}; there are: {known}" if number else "there is no site yet")
    return found


async def chosen_site(store: Store, number: int | None) -> Site:
    """The site with this number, or the only one. Raises FailedError."""
    found = await chosen_sites(store, number)
    if len(found) > 1:
        known = ", ".join(f"{site.id} ({site.subdomain})" for site in found)
        raise FailedError(f"there are several sites: choose one with --site, of {known}")
    return found[0]
