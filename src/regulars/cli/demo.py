"""`regulars demo`: a server with made-up customers, a link to its admin page, and requests to paste."""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from regulars.cli import sample, sample_site
from regulars.cli.options import NEAREST, DemoDatabase
from regulars.cli.output import FailedError, note
from regulars.cli.progress import progress_bar
from regulars.cli.serving import Host, Port, require_address, run_server, settings_with
from regulars.cli.session import chosen_site
from regulars.cli.users import link_at
from regulars.domain.moments import now_ms
from regulars.importing.importer import Import
from regulars.importing.lines import Line
from regulars.importing.pacing import LARGEST_CHUNK
from regulars.importing.parsing import ImportKind, line_parser
from regulars.store import control, users
from regulars.store.control import Site
from regulars.store.inspection import numbers_of
from regulars.store.store import Store, shown

ACCOUNT: Final = "demo"
"""The account that marks a demo database; others are left alone."""


def demo(
    customers: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000_000, help="The number of sample customers.")
    ] = 10_000,
    port: Port = None,
    host: Host = None,
    database: DemoDatabase = NEAREST,  # type: ignore[assignment]
) -> None:
    """Start a server with sample customers to try out.

    Creates its own database with an account, a site and a key, fills it with customers, emails and purchases, serves
    it, and prints a link to the admin page and requests to paste. The next run uses the same database.

    \b
    Examples:
      regulars demo
      regulars demo --customers 1000000 --port 9000
    """
    settings = settings_with(host=host, port=port, database=database)
    require_address(settings)
    key, secret = asyncio.run(_prepare(database, customers, settings.files))
    run_server(settings, on_listening=lambda url: typer.echo(requests(url, key, link_at(url, secret))))


def requests(url: str, key: str, link: str) -> str:
    """The link to the admin page of a demo server, and three requests in the style of the three vendors' clients."""
    somebody = sample.email_of(0)
    newcomer = msgspec.json.encode({"email": "you@example.com", "firstname": "You", "customer_id": "me"}).decode()
    question = "filter[opened_email_broadcast_id]=8&filter[address_country_contains]=ger&sort=-net_revenue&page[size]=3"
    return f"""
In the browser (the link works once; the next start prints another):
  {link}

As a Sendwithus client, who is this?
  curl -u {key}: '{url}/api/v1/customers/{somebody}'

As a Blueshift client, here is somebody new:
  curl -u {key}: -H 'Content-Type: application/json' -d '{newcomer}' '{url}/api/v1/customers'

As a Kajabi client, who in Germany opened broadcast 8, best customers first? (the token is an OAuth token or the key)
  curl -g -H 'Authorization: Bearer {key}' '{url}/v1/customers?{question}'

Press Ctrl-C to stop.
"""


async def _prepare(database: str, customers: int, files: Path | None) -> tuple[str, str]:
    """Create or complete the demo's database; returns its key and a secret for a link. Raises FailedError.

    files: where the server keeps files.
    """
    store = await Store.open(database, largest_batch=LARGEST_CHUNK)
    try:
        async with store.snapshot() as connection:
            accounts = [name for _, name in await control.list_accounts(connection)]
        if accounts not in ([], [ACCOUNT]):
            raise FailedError(f"{shown(database)} is not a demo database; choose another with --database")
        if not accounts:
            account = await control.create_account(store.engine, ACCOUNT, now=now_ms())
            site = await control.create_site(store.engine, account, "main", now=now_ms())
            await _fill(store, site.id, customers, files)
            return await _key(store, site), await _link(store, site)
        site = await chosen_site(store, None)
        async with store.snapshot() as connection:
            known = {numbers.kind: numbers.next - 1 for numbers in await numbers_of(connection, site.id)}
        if known["customer"] < customers:
            await _fill(store, site.id, customers, files)
        else:
            note(f"using {shown(database)}")
        return await _key(store, site), await _link(store, site)
    finally:
        await store.close()


async def _link(store: Store, site: Site) -> str:
    """The secret of a new one-time link for the demo's administrator."""
    async with store.snapshot() as connection:
        found = await users.list_users(connection, site.account_id)
    admin = found[0] if found else None
    if admin is None:
        admin = await users.create_user(
            store.engine, site.account_id, name="Demo", address="demo@example.com", role="admin", now=now_ms()
        )
    return await users.create_link(store.engine, admin.id, now=now_ms())


async def _key(store: Store, site: Site) -> str:
    """The demo's only key. It is derived from the database's secret, because keys are not stored."""
    async with store.snapshot() as connection:
        digest = hmac.digest(await control.secret(connection), b"demo key", "sha256")
        secret = control.KEY_PREFIX + urlsafe_b64encode(digest).decode().rstrip("=")
        known = await control.key_of_secret(connection, secret, now=now_ms())
        hints = [key.hint for key in await control.list_keys(connection)]
    if known is not None:
        return secret
    was_revoked = secret[: control.HINT_LENGTH] in hints
    _, made = await control.create_key(store.engine, site, secret=None if was_revoked else secret, now=now_ms())
    return made


async def _fill(store: Store, site: int, customers: int, files: Path | None) -> None:
    moment = now_ms()
    trend = sample_site.Trend(moment)
    people = (sample.customer(number, now=moment) for number in range(customers))
    await _import(store, site, "customers", people, customers)
    events = sample_site.activity(customers, trend, now=moment)
    await _import(store, site, "activity", events, customers * _EVENTS_EACH)
    await sample_site.furnish(store, site, trend, files, customers=customers, now=moment)


_EVENTS_EACH: Final = 11
"""The average number of activities per sample customer."""


async def _import(store: Store, site: int, kind: ImportKind, bodies: Iterator[dict[str, Any]], expected: int) -> None:
    lines = (Line(number, msgspec.json.encode(body)) for number, body in enumerate(bodies, 1))
    with progress_bar(kind, expected) as advance:
        work = Import(
            store, site, line_parser(kind, store.limits), on_chunk=lambda: advance(work.summary, work.summary.lines)
        )
        summary = await work.run(lines)
    note(f"{summary.lines:,} lines of {kind} imported in {summary.seconds:.1f} s")
