"""`regulars init`, `accounts`, `keys` and `sites`: manage access and sites."""

import asyncio
from typing import Annotated, Any, Final

import msgspec
import typer

from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, note, show, show_table
from regulars.cli.session import chosen_site, opened
from regulars.cli.users import new_link
from regulars.domain.moments import DAY, iso, iso_or_none, now_ms, parse_moment
from regulars.domain.site_settings import SETTING_RULES, SiteSettings
from regulars.domain.text import whole_number
from regulars.store import control, key_changes, users
from regulars.store.control import DIALECTS, SCOPES, ApiKey, Site
from regulars.store.site_settings import change_site, count_revenue
from regulars.store.store import Store, shown

accounts = typer.Typer(help="Create and list accounts. A key sees only the sites of its account.")
keys = typer.Typer(help="Create, list, rotate and revoke API keys.")
sites = typer.Typer(help="Create and list sites. Each site has its own customers.")

Country = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="ISO 3166 code, such as DE: national phone numbers are read as of this country."),
]
Currency = Annotated[
    str | None,
    typer.Option(
        metavar="CODE",
        help="ISO 4217 code, such as EUR: figures count only this one. Default: that of the first amount with one.",
    ),
]
Language = Annotated[
    str | None, typer.Option(metavar="CODE", help="The language of pages that customers see: en, de, fr or es.")
]
AccentColor = Annotated[str | None, typer.Option(metavar="COLOR", help="The color of their buttons, such as #0a7cff.")]
TimeZone = Annotated[
    str | None, typer.Option(metavar="NAME", help="IANA time zone, such as Europe/Berlin. Default: UTC.")
]

LARGEST_RATE: Final = 100_000
"""The largest rate limit of a key (requests per second)."""

_HOUR: Final = DAY // 24
_KEPT_NOWHERE = "the key is shown only once; only its hash is stored"


def init(
    account: Annotated[str, typer.Option(help="The account's name.")] = "acme",
    site: Annotated[str, typer.Option(help="The first site's name.")] = "main",
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Create a database with an account, a site, an API key and an administrator.

    Prints the key once, also as client_id and client_secret for OAuth, and a link that signs the administrator in to
    the admin page of the running server. The link works once; `regulars users link 1` makes another.

    \b
    Example:
      regulars init --database sqlite:////var/lib/regulars/regulars.db
    """

    async def work() -> dict[str, Any]:
        store = await Store.open(database)
        try:
            async with store.snapshot() as connection:
                if await control.list_accounts(connection):
                    raise FailedError(
                        f"{shown(database)} already has accounts; use `regulars keys create` for another key, or "
                        "`regulars accounts create NAME` for another account"
                    )
            return await set_up(store, account=account, site=site)
        finally:
            await store.close()

    show(asyncio.run(work()), as_json=as_json)
    note(_KEPT_NOWHERE)


async def set_up(store: Store, *, account: str, site: str) -> dict[str, Any]:
    """Create an account with a site, a key and an administrator. Raises ControlError, and then creates nothing."""
    control.require_site_name(site)
    number = await control.create_account(store.engine, account, now=now_ms())
    made = await control.create_site(store.engine, number, site, now=now_ms())
    key, secret = await control.create_key(store.engine, made, now=now_ms())
    admin = await users.create_user(
        store.engine, number, name="Administrator", address=None, role="admin", now=now_ms()
    )
    link = await new_link(store, admin.id)
    return {"account_id": number, "site_id": made.id, **_credentials(key, secret), "admin_link": link}


@accounts.command("create")
def create_account(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")],
    site: Annotated[str, typer.Option(help="The first site's name.")] = "main",
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Create another account with its own site, key and administrator.

    Prints the key once, also as client_id and client_secret for OAuth, and a one-time link for the administrator.

    \b
    Example:
      regulars accounts create globex --site shop
    """

    async def work() -> dict[str, Any]:
        async with opened(database) as store:
            return await set_up(store, account=name, site=site)

    show(asyncio.run(work()), as_json=as_json)
    note(_KEPT_NOWHERE)


@accounts.command("list")
def list_accounts(as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """List every account."""

    async def work() -> list[tuple[int, str]]:
        async with opened(database) as store, store.snapshot() as connection:
            return await control.list_accounts(connection)

    found = [{"id": number, "name": name} for number, name in asyncio.run(work())]
    show_table(found, as_json=as_json, empty="there is no account yet; create one with `regulars accounts create NAME`")


@keys.command("create")
def create_key(
    site: SiteNumber = None,
    scopes: Annotated[str, typer.Option(help=f"What the key may do: {', '.join(SCOPES)}.")] = "read,write",
    dialect: Annotated[
        str | None,
        typer.Option(help=f"Error format for clients that do not identify themselves: {' or '.join(DIALECTS)}."),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(metavar="N/s", help="Rate limit, such as 50/s, or `off`. Default: REGULARS_RATE_LIMIT."),
    ] = None,
    label: Annotated[str | None, typer.Option(help="What the key is for.")] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="The key is refused from then on, such as 2027-01-01.")
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse invalid optional fields instead of leaving them out with a warning."),
    ] = False,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Create an API key for the account of a site, and print it once.

    \b
    Examples:
      regulars keys create --scopes read
      regulars keys create --site 2 --dialect sendwithus
      regulars keys create --rate 50/s
      regulars keys create --strict
    """
    wanted = tuple(filter(None, (scope.strip() for scope in scopes.split(","))))
    requests = None if rate is None else read_rate(rate)
    until = None if expires is None else read_expiry(expires)

    async def work() -> dict[str, Any]:
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            key, secret = await control.create_key(
                store.engine,
                chosen,
                scopes=wanted,
                dialect=dialect,
                rate=requests,
                is_strict=strict,
                label=label,
                expires_at=until,
                now=now_ms(),
            )
            return {**_key(key), **_credentials(key, secret)}

    show(asyncio.run(work()), as_json=as_json)
    note(_KEPT_NOWHERE)


@keys.command("list")
def list_keys(site: SiteNumber = None, as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """List all keys, including revoked ones, without their secrets."""

    async def work() -> list[ApiKey]:
        async with opened(database) as store, store.snapshot() as connection:
            return await control.list_keys(connection)

    found = [_key(key) for key in asyncio.run(work()) if site in (None, key.site_id)]
    show_table(found, as_json=as_json, empty="there is no key yet; create one with `regulars keys create`")


@keys.command("rotate")
def rotate_key(
    number: Annotated[
        int,
        typer.Argument(
            metavar="KEY_NUMBER", min=1, max=2**31 - 1, help="The number of the key, as shown by `regulars keys list`."
        ),
    ],
    overlap: Annotated[
        int, typer.Option(metavar="HOURS", min=0, max=2_160, help="How long the old key works on.")
    ] = 24,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Create a key that may do the same as another one, and let the old one expire.

    \b
    Examples:
      regulars keys rotate 3
      regulars keys rotate 3 --overlap 0
    """

    async def work() -> dict[str, Any]:
        async with opened(database) as store:
            key, secret = await key_changes.rotate_key(store.engine, number, overlap=overlap * _HOUR, now=now_ms())
            return {**_key(key), **_credentials(key, secret)}

    show(asyncio.run(work()), as_json=as_json)
    note(_KEPT_NOWHERE)


@keys.command("revoke")
def revoke_key(
    number: Annotated[
        int,
        typer.Argument(
            metavar="KEY_NUMBER", min=1, max=2**31 - 1, help="The number of the key, as shown by `regulars keys list`."
        ),
    ],
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Revoke a key permanently. Running servers refuse it within 5 seconds."""

    async def work() -> bool:
        async with opened(database) as store:
            return await control.revoke_key(store.engine, number, now=now_ms())

    if not asyncio.run(work()):
        raise FailedError(f"there is no active key {number}; see `regulars keys list`")
    show({"revoked": number}, as_json=as_json)


@sites.command("create")
def create_site(
    name: Annotated[str, typer.Argument(metavar="NAME", help="1 to 63 of the characters a-z, 0-9 and -.")],
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="The account. Not needed if there is only one.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The title to show. Default: the name.")] = None,
    country: Country = None,
    currency: Currency = None,
    time_zone: TimeZone = None,
    language: Language = None,
    accent_color: AccentColor = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Create a site.

    \b
    Examples:
      regulars sites create shop --title "The shop"
      regulars sites create shop --country DE --currency EUR --time-zone Europe/Berlin
    """
    settings = SiteSettings(
        **_settings(
            country=country, currency=currency, time_zone=time_zone, language=language, accent_color=accent_color
        )
    )

    async def work() -> Site:
        async with opened(database) as store:
            async with store.snapshot() as connection:
                number = await control.find_account(connection, account)
            return await control.create_site(store.engine, number, name, title=title, settings=settings, now=now_ms())

    show(_site(asyncio.run(work())), as_json=as_json)


@sites.command("update")
def update_site(
    site: SiteNumber = None,
    title: Annotated[str | None, typer.Option(help="The title to show.")] = None,
    country: Country = None,
    currency: Currency = None,
    time_zone: TimeZone = None,
    language: Language = None,
    accent_color: AccentColor = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Change a site. An empty --country, --time-zone, --language or --accent-color clears it.

    Running servers use it within 5 seconds.

    A new currency recounts all revenue. Amounts in other currencies stay in the history.

    \b
    Example:
      regulars sites update --site 2 --currency USD
    """
    changes = _settings(
        country=country, currency=currency, time_zone=time_zone, language=language, accent_color=accent_color
    )
    if title is not None:
        if not title.strip():
            raise FailedError("--title must not be empty")
        changes["title"] = title.strip()
    if not changes:
        raise FailedError("name what to change, such as --title or --country; see `regulars sites update --help`")

    async def work() -> Site:
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            changed = await change_site(store.engine, chosen.id, changes, now=now_ms())
            await count_revenue(store, chosen.id)
            return changed

    show(_site(asyncio.run(work())), as_json=as_json)


@sites.command("list")
def list_sites(as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """List the sites of all accounts."""

    async def work() -> list[Site]:
        async with opened(database) as store, store.snapshot() as connection:
            return await control.list_sites(connection)

    found = [_site(site) for site in asyncio.run(work())]
    show_table(found, as_json=as_json, empty="there is no site yet; create one with `regulars sites create NAME`")


def _settings(**given: str | None) -> dict[str, str | None]:
    """The settings that were given, None for an empty one. Raises FailedError that names the option."""
    found: dict[str, str | None] = {}
    for name, text in given.items():
        if text is None:
            continue
        try:
            found[name] = SETTING_RULES[name](text) if text.strip() else None
        except ValueError as error:
            raise FailedError(f"--{name.replace('_', '-')} {error}, not {text!r}") from None
    return found


def read_rate(text: str) -> int:
    """Parse a rate such as 50/s into requests per second; 0 for `off`. Raises FailedError."""
    digits = text.strip().lower().removesuffix("/s").strip()
    if digits == "off":
        return 0
    rate = whole_number(digits, longest=6)
    if rate is not None and 1 <= rate <= LARGEST_RATE:
        return rate
    raise FailedError(f"--rate must be 1/s to {LARGEST_RATE}/s, or off, not {text!r}")


def _credentials(key: ApiKey, secret: str) -> dict[str, str]:
    """A new key for display: itself, and as client_id and client_secret for OAuth."""
    return {"key": secret, "client_id": str(key.id), "client_secret": secret}


def read_expiry(text: str) -> int:
    """A time in the future (ms). Raises FailedError."""
    try:
        moment = parse_moment(text)
    except ValueError as error:
        raise FailedError(f"--expires {error}") from None
    if moment <= now_ms():
        raise FailedError("--expires must be in the future")
    return moment


def _key(key: ApiKey) -> dict[str, Any]:
    moments = ("created_at", "revoked_at", "last_used_at", "expires_at")
    shown = {**msgspec.structs.asdict(key), **{name: iso_or_none(getattr(key, name)) for name in moments}}
    return {**shown, "strict": shown.pop("is_strict")}


def _site(site: Site) -> dict[str, Any]:
    return {
        "id": site.id,
        "account_id": site.account_id,
        "name": site.subdomain,
        "title": site.title,
        **msgspec.structs.asdict(site.settings),
        "created_at": iso(site.created_at),
    }
