"""Accounts, sites and keys: the small tables behind authentication. Each change is its own transaction."""

import hashlib
import re
import secrets
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import bindparam, insert, null, or_, select, update

from regulars.domain.identity import NUMBER_LIMIT, SITE_SHIFT
from regulars.domain.origin import COMMAND_LINE, Origin
from regulars.domain.site_settings import NO_SETTINGS, SETTING_RULES, SiteSettings
from regulars.store import statements as sql
from regulars.store.audit import record_change
from regulars.store.engine import Connection, Engine
from regulars.store.schema import accounts, keys, settings, sites
from regulars.store.statement import Statement, id_is

SCOPES: Final = ("read", "write", "webhook", "admin")
DIALECTS: Final = ("sendwithus", "blueshift")
KEY_PREFIX: Final = "rg_"
HINT_LENGTH: Final = len(KEY_PREFIX) + 6
"""Number of leading characters of a key that are stored to identify it in lists."""

_LARGEST_SITE: Final = (NUMBER_LIMIT >> SITE_SHIFT) - 1
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class ControlError(Exception):
    """An account, site or key cannot be created or found; the message gives the reason."""


class Site(Struct, frozen=True):
    """A site: the tenant boundary. Times in ms. country to accent_color: see `SiteSettings`.

    link_key: the number of the key that signs links to customers. oldest_link_key: links from this one on are accepted.
    """

    id: int
    account_id: int
    title: str
    subdomain: str
    created_at: int
    updated_at: int
    country: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    language: str | None = None
    accent_color: str | None = None
    link_key: int = 1
    oldest_link_key: int = 1

    @property
    def settings(self) -> SiteSettings:
        """How the data of the site is read."""
        return SiteSettings(self.country, self.currency, self.time_zone, self.language, self.accent_color)


class ApiKey(Struct, frozen=True):
    """An API key as stored, without its secret. hint: its first characters.

    rate: limit in requests per second; 0 for unlimited, None for the default from the settings. is_strict: whether
    optional fields that cannot be read are refused. label: what it is for. expires_at: it is refused from then on (ms).
    """

    id: int
    account_id: int
    site_id: int
    hint: str
    scopes: tuple[str, ...]
    dialect: str | None
    created_at: int
    revoked_at: int | None
    last_used_at: int | None
    rate: int | None
    is_strict: bool = False
    label: str | None = None
    expires_at: int | None = None

    def has_expired(self, now: int) -> bool:
        """Whether the key is refused because of its age."""
        return self.expires_at is not None and self.expires_at <= now


def fingerprint(secret: str) -> bytes:
    """The stored hash of a key or token. The secrets have 256 random bits, so a plain hash is sufficient."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


KEY_COLUMNS: Final = tuple(keys.c[name] for name in ApiKey.__struct_fields__)
"""The columns of a key, in the order of the fields of `ApiKey`."""
SITE_COLUMNS: Final = tuple(sites.c[name] for name in Site.__struct_fields__)
"""The columns of a site, in the order of the fields of `Site`."""

_SETTING = Statement("setting", select(settings.c.value).where(settings.c.name == bindparam("setting")))
_SET_SETTING = Statement(
    "set_setting", update(settings).values(value=bindparam("to")).where(settings.c.name == bindparam("setting"))
)
_NEW_ACCOUNT = Statement(
    "new_account",
    insert(accounts).values(name=bindparam("name"), created_at=bindparam("now")).returning(accounts.c.id),
)
_ACCOUNT_NAMED = Statement("account_named", select(accounts.c.id).where(accounts.c.name == bindparam("name")))
_ACCOUNT = Statement("account", select(accounts.c.name).where(accounts.c.id == bindparam("account")))
_ACCOUNTS = Statement("accounts", select(accounts.c.id, accounts.c.name).order_by(accounts.c.id))
_NEW_SITE = Statement(
    "new_site",
    insert(sites)
    .values(
        account_id=bindparam("account"),
        title=bindparam("title"),
        subdomain=bindparam("subdomain"),
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
        **{name: bindparam(name) for name in SETTING_RULES},
    )
    .returning(*SITE_COLUMNS),
)
_SITE = Statement("site", select(*SITE_COLUMNS).where(sites.c.id == bindparam("site")))
_SITE_NUMBERS = Statement("site_numbers", select(sites.c.id).order_by(sites.c.id))
_ALL_SITES = Statement("all_sites", select(*SITE_COLUMNS).order_by(sites.c.id))
_ACCOUNT_SITES = Statement(
    "account_sites", select(*SITE_COLUMNS).where(sites.c.account_id == bindparam("account")).order_by(sites.c.id)
)
NEW_KEY = Statement(
    "new_key",
    insert(keys)
    .values(
        account_id=bindparam("account"),
        site_id=bindparam("default_site"),
        hash=bindparam("hash"),
        hint=bindparam("hint"),
        scopes=bindparam("scopes"),
        dialect=bindparam("dialect"),
        created_at=bindparam("now"),
        rate=bindparam("rate"),
        is_strict=bindparam("is_strict"),
        label=bindparam("label"),
        expires_at=bindparam("expires_at"),
    )
    .returning(*KEY_COLUMNS),
)
_ALL_KEYS = Statement("all_keys", select(*KEY_COLUMNS).order_by(keys.c.id))
_KEY_OF_SECRET = Statement(
    "key_of_secret", select(*KEY_COLUMNS).where(keys.c.hash == bindparam("hash"), keys.c.revoked_at.is_(null()))
)
_REVOKE_KEY = Statement(
    "revoke_key",
    update(keys)
    .where(id_is(keys.c.id, "key"), keys.c.revoked_at.is_(null()))
    .values(revoked_at=bindparam("now"))
    .returning(keys.c.id, keys.c.account_id),
)
_USED = Statement(
    "key_used",
    update(keys)
    .where(id_is(keys.c.id, "key"), or_(keys.c.last_used_at.is_(null()), keys.c.last_used_at < bindparam("before")))
    .values(last_used_at=bindparam("at")),
)


async def secret(connection: Connection) -> bytes:
    """The server's signing secret: 32 random bytes, generated with the database."""
    return bytes.fromhex(await _setting(connection, "secret"))


async def epoch(connection: Connection) -> str:
    """The unique id of this store: 32 hexadecimal digits, generated with the database. A copy keeps it."""
    return await _setting(connection, "epoch")


async def rewrite_epoch(engine: Engine) -> None:
    """Write a row as it is, durably: nothing less shows that the database takes writes. Raises UnavailableError."""
    async with engine.transaction() as connection:
        epoch = await _setting(connection, "epoch")
        # SQLite does not write a row that stays the same, so it is changed in between.
        for value in ("", epoch):
            await connection.many(_SET_SETTING, [(value, "epoch")])


async def _setting(connection: Connection, name: str) -> str:
    row = await connection.one(_SETTING, {"setting": name})
    assert row is not None, name
    return str(row[0])


async def create_account(engine: Engine, name: str, *, now: int, origin: Origin = COMMAND_LINE) -> int:
    """Create an account and return its number. Raises ControlError if the name is empty or taken."""
    if not name.strip():
        raise ControlError("the account needs a name")
    async with engine.transaction() as connection:
        if await connection.one(_ACCOUNT_NAMED, {"name": name}):
            raise ControlError(f"an account named {name!r} already exists")
        row = await connection.one(_NEW_ACCOUNT, {"name": name, "now": now})
        assert row is not None
        await record_control(connection, row[0], origin, "accounts.create", f"accounts/{row[0]}", now)
    return int(row[0])


async def find_account(connection: Connection, name: str | None) -> int:
    """The number of the account with this name, or, without a name, of the only account. Raises ControlError."""
    if name is not None:
        row = await connection.one(_ACCOUNT_NAMED, {"name": name})
        if row is None:
            raise ControlError(f"no account is named {name!r}")
        return int(row[0])
    rows = await connection.all(_ACCOUNTS, {})
    if len(rows) != 1:
        if not rows:
            raise ControlError("there is no account yet; run init")
        raise ControlError("choose an account: " + ", ".join(row[1] for row in rows))
    return int(rows[0][0])


async def list_accounts(connection: Connection) -> list[tuple[int, str]]:
    """(number, name) of every account, by number."""
    return [(row[0], row[1]) for row in await connection.all(_ACCOUNTS, {})]


async def account_name(connection: Connection, account: int) -> str:
    """An account's name."""
    row = await connection.one(_ACCOUNT, {"account": account})
    return "" if row is None else str(row[0])


def require_site_name(subdomain: str) -> None:
    """Raise ControlError unless this is a valid site name."""
    if not _SUBDOMAIN.fullmatch(subdomain):
        raise ControlError("a site's name must be 1 to 63 of the characters a-z, 0-9 and - (not first or last)")


async def create_site(
    engine: Engine,
    account: int,
    subdomain: str,
    *,
    title: str | None = None,
    settings: SiteSettings = NO_SETTINGS,
    now: int,
    origin: Origin = COMMAND_LINE,
) -> Site:
    """Create an empty site. Raises ControlError if its subdomain is malformed or taken within the account."""
    require_site_name(subdomain)
    async with engine.transaction() as connection:
        if any(site.subdomain == subdomain for site in await list_sites(connection, account)):
            raise ControlError(f"the account already has a site named {subdomain!r}")
        values = {"account": account, "title": title or subdomain, "subdomain": subdomain, "now": now}
        row = await connection.one(_NEW_SITE, {**values, **asdict(settings)})
        assert row is not None
        site = Site(*row)
        if site.id > _LARGEST_SITE:
            raise ControlError(f"the limit of {_LARGEST_SITE} sites is reached")
        await connection.many(sql.NEW_HEAD, [(site.id, 0, 0, 0, 1, 1, 1, 1, 0)])
        await record_control(connection, account, origin, "sites.create", f"sites/{site.id}", now)
    return site


async def find_site(connection: Connection, number: int) -> Site | None:
    """A site, None if there is none with this number."""
    row = await connection.one(_SITE, {"site": number})
    return None if row is None else Site(*row)


async def list_sites(connection: Connection, account: int | None = None) -> list[Site]:
    """The sites of an account, or all, by number."""
    rows = await connection.all(_ALL_SITES if account is None else _ACCOUNT_SITES, {"account": account})
    return [Site(*row) for row in rows]


async def site_numbers(connection: Connection) -> list[int]:
    """The numbers of all sites, also where the table has fewer columns yet."""
    return [row[0] for row in await connection.all(_SITE_NUMBERS, {})]


async def create_key(
    engine: Engine,
    site: Site,
    *,
    scopes: tuple[str, ...] = ("read", "write"),
    dialect: str | None = None,
    rate: int | None = None,
    is_strict: bool = False,
    secret: str | None = None,
    label: str | None = None,
    expires_at: int | None = None,
    now: int,
    origin: Origin = COMMAND_LINE,
) -> tuple[ApiKey, str]:
    """Create a key for the site's account. Returns it and its secret, which is not stored. Raises ControlError.

    rate: requests per second; 0 for unlimited, None for the default from the settings. is_strict: whether optional
    fields that cannot be read are refused. secret: the one to use; None generates one.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise ControlError(f"scopes must be some of {', '.join(SCOPES)}, not {', '.join(unknown) or 'none'}")
    if dialect is not None and dialect not in DIALECTS:
        raise ControlError(f"the dialect must be one of {', '.join(DIALECTS)}")
    secret = secret or KEY_PREFIX + secrets.token_urlsafe(32)
    values = {
        "account": site.account_id,
        "default_site": site.id,
        "hash": fingerprint(secret),
        "hint": secret[:HINT_LENGTH],
        "scopes": ",".join(dict.fromkeys(scopes)),
        "dialect": dialect,
        "rate": rate,
        "is_strict": int(is_strict),
        "label": label,
        "expires_at": expires_at,
        "now": now,
    }
    async with engine.transaction() as connection:
        row = await connection.one(NEW_KEY, values)
        assert row is not None
        await record_control(connection, site.account_id, origin, "keys.create", f"keys/{row[0]}", now)
    return key_of_row(row), secret


async def list_keys(connection: Connection) -> list[ApiKey]:
    """All keys including revoked ones, by number."""
    return [key_of_row(row) for row in await connection.all(_ALL_KEYS, {})]


async def revoke_key(engine: Engine, key: int, *, now: int, origin: Origin = COMMAND_LINE) -> bool:
    """Revoke a key; False if there is no active key with this number."""
    async with engine.transaction() as connection:
        row = await connection.one(_REVOKE_KEY, {"key": key, "now": now})
        if row is not None:
            await record_control(connection, row[1], origin, "keys.revoke", f"keys/{key}", now, "deleted")
    return row is not None


async def key_of_secret(connection: Connection, secret: str, *, now: int) -> ApiKey | None:
    """The key with this secret, None if it is unknown, revoked or has expired."""
    row = await connection.one(_KEY_OF_SECRET, {"hash": fingerprint(secret)})
    key = None if row is None else key_of_row(row)
    return None if key is None or key.has_expired(now) else key


async def note_use(engine: Engine, used: dict[int, int]) -> None:
    """Record when keys were last used: {key number: ms}."""
    async with engine.transaction() as connection:
        await connection.many(_USED, [(at, key, at) for key, at in used.items()])


def key_of_row(row: tuple[Any, ...]) -> ApiKey:
    """The key in a row of KEY_COLUMNS."""
    values = dict(zip(ApiKey.__struct_fields__, row, strict=True))
    return ApiKey(**{**values, "scopes": tuple(values["scopes"].split(",")), "is_strict": bool(values["is_strict"])})


async def record_control(
    connection: Connection, account: int, origin: Origin, operation: str, target: str, now: int, result: str = "created"
) -> None:
    """Record a change of access in the audit trail of an account."""
    await record_change(connection, account, origin, operation, target, result=result, now=now)
