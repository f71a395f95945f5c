"""`regulars users`: who may sign in to the admin page."""

import asyncio
from typing import Annotated, Any, Final

import typer

from regulars.cli.options import NEAREST, AsJson, Database
from regulars.cli.output import note, show, show_table
from regulars.cli.session import opened
from regulars.domain.moments import iso, iso_or_none, now_ms
from regulars.settings import Settings
from regulars.store import control
from regulars.store import users as stored
from regulars.store.store import Store
from regulars.store.users import LINK_HOURS, ROLES, User

users: Final = typer.Typer(
    help="Create, list and disable users of the admin page, and make one-time links for them to sign in."
)

_LINK_NOTE: Final = f"the link works once, within {LINK_HOURS} hours; it is not shown again"

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The email address, or the number, of the user.")]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Where the server is reached, such as https://crm.example.com. Default: host and port."
    ),
]


@users.command("create")
def create_user(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The email address to sign in with.")],
    name: Annotated[str | None, typer.Option(help="The person's name. Default: the address.")] = None,
    role: Annotated[
        str,
        typer.Option(help="read: see everything. write: change customers. admin: users, keys and settings."),
    ] = "write",
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="The account. Not needed if there is only one.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Create a user, and print a one-time link that signs them in and lets them choose a password.

    \b
    Examples:
      regulars users create anna@example.com --name "Anna Keller" --role admin
      regulars users create ben@example.com --role read --url https://crm.example.com
    """

    async def work() -> dict[str, Any]:
        async with opened(database) as store:
            async with store.snapshot() as connection:
                number = await control.find_account(connection, account)
            made = await stored.create_user(
                store.engine, number, name=name or address, address=address, role=role, now=now_ms()
            )
            return {**_shown(made), "link": await new_link(store, made.id, url)}

    show(asyncio.run(work()), as_json=as_json)
    note(_LINK_NOTE)


@users.command("list")
def list_users(as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """List the users of all accounts."""

    async def work() -> list[User]:
        async with opened(database) as store, store.snapshot() as connection:
            return await stored.list_users(connection)

    rows = [_shown(each) for each in asyncio.run(work())]
    show_table(rows, as_json=as_json, empty="there is no user yet; create one with `regulars users create ADDRESS`")


@users.command("link")
def link_user(
    user: Address,
    url: Url = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Print a new one-time link for a user, such as for a forgotten password. Earlier links stop to work.

    \b
    Example:
      regulars users link anna@example.com
    """

    async def work() -> dict[str, Any]:
        async with opened(database) as store:
            found = await _find(store, user)
            return {"id": found.id, "link": await new_link(store, found.id, url)}

    show(asyncio.run(work()), as_json=as_json)
    note(_LINK_NOTE)


@users.command("role")
def change_role(
    user: Address,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"One of {', '.join(ROLES)}.")],
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Change what a user may do, at once.

    \b
    Example:
      regulars users role ben@example.com write
    """

    async def work() -> User:
        async with opened(database) as store:
            found = await _find(store, user)
            await stored.set_role(store.engine, found.id, role)
            return await _find(store, str(found.id))

    show(_shown(asyncio.run(work())), as_json=as_json)


@users.command("disable")
def disable_user(user: Address, as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """End a user's access at once: every session and link ends."""

    async def work() -> User:
        async with opened(database) as store:
            found = await _find(store, user)
            await stored.disable_user(store.engine, found.id, now=now_ms())
            return await _find(store, str(found.id))

    show(_shown(asyncio.run(work())), as_json=as_json)


@users.command("enable")
def enable_user(user: Address, as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """Give a disabled user access again, with the old password or a new link."""

    async def work() -> User:
        async with opened(database) as store:
            found = await _find(store, user)
            await stored.enable_user(store.engine, found.id)
            return await _find(store, str(found.id))

    show(_shown(asyncio.run(work())), as_json=as_json)


async def new_link(store: Store, user: int, url: str | None = None) -> str:
    """A new one-time link of a user. url: where the server is reached; None: as the settings say."""
    return link_at(url or _server(), await stored.create_link(store.engine, user, now=now_ms()))


def link_at(url: str, secret: str) -> str:
    """The link with this secret, on a server."""
    return f"{url.rstrip('/')}/admin/link/{secret}"


def _server() -> str:
    settings = Settings.from_environment()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - not bound here
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


async def _find(store: Store, text: str) -> User:
    async with store.snapshot() as connection:
        return await stored.find_user(connection, text)


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "account_id": user.account_id,
        "name": user.name,
        "address": user.address,
        "role": user.role,
        "has_password": user.has_password,
        "created_at": iso(user.created_at),
        "signed_in_at": iso_or_none(user.signed_in_at),
        "disabled_at": iso_or_none(user.disabled_at),
    }
