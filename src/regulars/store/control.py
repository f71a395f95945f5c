"""Accounts, sites, keys and tokens: the small tables behind authentication. Each change is its own transaction."""

import hashlib
import re
import secrets
from typing import Final

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, null, or_, select, update

from regulars.domain.identity import NUMBER_LIMIT, SITE_SHIFT
from regulars.store import statements as sql
from regulars.store.engine import Connection, Engine
from regulars.store.schema import accounts, keys, settings, sites, tokens
from regulars.store.statement import Statement

SCOPES: Final = ("read", "write", "webhook", "admin")
DIALECTS: Final = ("sendwithus", "blueshift")
KEY_PREFIX: Final = "rg_"
HINT_LENGTH: Final = len(KEY_PREFIX) + 6
"""Number of leading characters of a key that are stored to identify it in lists."""

ACCESS_SECONDS: Final = 2 * 3600
GRANTS_PER_KEY: Final = 100
"""Limit on token pairs per key; a further one revokes the oldest."""

REFRESH_SECONDS: Final = 14 * 24 * 3600
_LARGEST_SITE: Final = (NUMBER_LIMIT >> SITE_SHIFT) - 1
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class ControlError(Exception):
    """An account, site or key cannot be created or found; the message gives the reason."""


class Site(Struct, frozen=True):
    """A site: the tenant boundary. Times in ms."""

    id: int
    account_id: int
    title: str
    subdomain: str
    created_at: int
    updated_at: int


class ApiKey(Struct, frozen=True):
    """An API key as stored, without its secret. hint: its first characters.

    rate: limit in requests per second; 0 for unlimited, None for the default from the settings.
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


class Tokens(Struct, frozen=True):
    """A new pair of OAuth tokens, shown only once. expires_in: seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


def fingerprint(secret: str) -> bytes:
    """The stored hash of a key or token. The secrets have 256 random bits, so a plain hash is sufficient."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


_KEY = (
    keys.c.id,
    keys.c.account_id,
    keys.c.site_id,
    keys.c.hint,
    keys.c.scopes,
    keys.c.dialect,
    keys.c.created_at,
    keys.c.revoked_at,
    keys.c.last_used_at,
    keys.c.rate,
)
_SITE = (sites.c.id, sites.c.account_id, sites.c.title, sites.c.subdomain, sites.c.created_at, sites.c.updated_at)

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
    )
    .returning(*_SITE),
)
_ALL_SITES = Statement("all_sites", select(*_SITE).order_by(sites.c.id))
_ACCOUNT_SITES = Statement(
    "account_sites", select(*_SITE).where(sites.c.account_id == bindparam("account")).order_by(sites.c.id)
)
_NEW_KEY = Statement(
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
    )
    .returning(*_KEY),
)
_ALL_KEYS = Statement("all_keys", select(*_KEY).order_by(keys.c.id))
_KEY_OF_SECRET = Statement(
    "key_of_secret", select(*_KEY).where(keys.c.hash == bindparam("hash"), keys.c.revoked_at.is_(null()))
)
_KEY_OF_TOKEN = Statement(
    "key_of_token",
    select(*_KEY, tokens.c.pair, tokens.c.kind).where(
        tokens.c.hash == bindparam("hash"),
        tokens.c.expires_at > bindparam("now"),
        keys.c.id == tokens.c.key_id,
        keys.c.revoked_at.is_(null()),
    ),
)
_REVOKE_KEY = Statement(
    "revoke_key",
    update(keys)
    .where(keys.c.id == bindparam("key"), keys.c.revoked_at.is_(null()))
    .values(revoked_at=bindparam("now"))
    .returning(keys.c.id),
)
_USED = Statement(
    "key_used",
    update(keys)
    .where(
        keys.c.id == bindparam("key"), or_(keys.c.last_used_at.is_(null()), keys.c.last_used_at < bindparam("before"))
    )
    .values(last_used_at=bindparam("at")),
)
_NEW_TOKEN = Statement("new_token", insert(tokens))
_DROP_PAIR = Statement("drop_pair", delete(tokens).where(tokens.c.pair == bindparam("pair")))
_OLD_PAIRS = Statement(
    "old_pairs",
    select(tokens.c.pair)
    .where(tokens.c.key_id == bindparam("key"), tokens.c.kind == "refresh")
    .order_by(tokens.c.expires_at.desc(), tokens.c.hash)
    .limit(bindparam("count"))
    .offset(bindparam("kept")),
)
_DROP_EXPIRED = Statement("drop_expired", delete(tokens).where(tokens.c.expires_at < bindparam("now")))


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


async def create_account(engine: Engine, name: str, *, now: int) -> int:
    """Create an account and return its number. Raises ControlError if the name is empty or taken."""
    if not name.strip():
        raise ControlError("the account needs a name")
    async with engine.transaction() as connection:
        if await connection.one(_ACCOUNT_NAMED, {"name": name}):
            raise ControlError(f"an account named {name!r} already exists")
        row = await connection.one(_NEW_ACCOUNT, {"name": name, "now": now})
    assert row is not None
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


async def create_site(engine: Engine, account: int, subdomain: str, *, title: str | None = None, now: int) -> Site:
    """Create an empty site. Raises ControlError if its subdomain is malformed or taken within the account."""
    require_site_name(subdomain)
    async with engine.transaction() as connection:
        if any(site.subdomain == subdomain for site in await list_sites(connection, account)):
            raise ControlError(f"the account already has a site named {subdomain!r}")
        row = await connection.one(
            _NEW_SITE, {"account": account, "title": title or subdomain, "subdomain": subdomain, "now": now}
        )
        assert row is not None
        site = Site(*row)
        if site.id > _LARGEST_SITE:
            raise ControlError(f"the limit of {_LARGEST_SITE} sites is reached")
        await connection.many(sql.NEW_HEAD, [(site.id, 0, 0, 0, 1, 1, 1, 1)])
    return site


async def list_sites(connection: Connection, account: int | None = None) -> list[Site]:
    """The sites of an account, or all, by number."""
    rows = await connection.all(_ALL_SITES if account is None else _ACCOUNT_SITES, {"account": account})
    return [Site(*row) for row in rows]


async def create_key(
    engine: Engine,
    site: Site,
    *,
    scopes: tuple[str, ...] = ("read", "write"),
    dialect: str | None = None,
    rate: int | None = None,
    secret: str | None = None,
    now: int,
) -> tuple[ApiKey, str]:
    """Create a key for the site's account. Returns it and its secret, which is not stored. Raises ControlError.

    rate: requests per second; 0 for unlimited, None for the default from the settings. secret: the secret to use; None
    generates one.
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
        "now": now,
    }
    async with engine.transaction() as connection:
        row = await connection.one(_NEW_KEY, values)
    assert row is not None
    return _key(row), secret


async def list_keys(connection: Connection) -> list[ApiKey]:
    """All keys including revoked ones, by number."""
    return [_key(row) for row in await connection.all(_ALL_KEYS, {})]


async def revoke_key(engine: Engine, key: int, *, now: int) -> bool:
    """Revoke a key; False if there is no active key with this number."""
    async with engine.transaction() as connection:
        return await connection.one(_REVOKE_KEY, {"key": key, "now": now}) is not None


async def key_of_secret(connection: Connection, secret: str) -> ApiKey | None:
    """The key with this secret, None if it is unknown or revoked."""
    row = await connection.one(_KEY_OF_SECRET, {"hash": fingerprint(secret)})
    return None if row is None else _key(row)


async def key_of_token(connection: Connection, token: str, *, kind: str, now: int) -> tuple[ApiKey, bytes] | None:
    """The key behind an OAuth token and the id of the token's pair; None unless key and token are valid.

    kind: "access" or "refresh".
    """
    row = await connection.one(_KEY_OF_TOKEN, {"hash": fingerprint(token), "now": now})
    if row is None or row[-1] != kind:
        return None
    return _key(row[:-2]), row[-2]


async def grant_tokens(engine: Engine, key: ApiKey, *, replaces: bytes | None = None, now: int) -> Tokens:
    """Issue a new pair of tokens for a key, revoking the pair that it replaces, if any."""
    async with engine.transaction() as connection:
        return await _issue(connection, key, replaces, now)


async def renew_tokens(engine: Engine, refresh_token: str, *, key: int | None, now: int) -> Tokens | None:
    """Exchange a refresh token for a new pair. The old pair is revoked: a refresh token can be used once.

    None if the token is invalid, or does not belong to the given key.
    """
    async with engine.transaction() as connection:
        found = await key_of_token(connection, refresh_token, kind="refresh", now=now)
        if found is None or key not in (None, found[0].id):
            connection.discard()
            return None
        return await _issue(connection, found[0], found[1], now)


async def _issue(connection: Connection, key: ApiKey, replaces: bytes | None, now: int) -> Tokens:
    pair = secrets.token_bytes(16)
    access, refresh = (secrets.token_urlsafe(32) for _ in range(2))
    await connection.all(_DROP_EXPIRED, {"now": now})
    if replaces is not None:
        await connection.all(_DROP_PAIR, {"pair": replaces})
    await connection.many(
        _NEW_TOKEN,
        [
            (fingerprint(access), key.id, pair, "access", now + ACCESS_SECONDS * 1000),
            (fingerprint(refresh), key.id, pair, "refresh", now + REFRESH_SECONDS * 1000),
        ],
    )
    old = await connection.all(_OLD_PAIRS, {"key": key.id, "kept": GRANTS_PER_KEY, "count": 1_000})
    await connection.many(_DROP_PAIR, [tuple(row) for row in old])
    return Tokens(access, refresh, ACCESS_SECONDS)


async def revoke_tokens(engine: Engine, token: str, *, key: ApiKey, now: int) -> None:
    """Revoke a token of the key together with its pair; unknown tokens are ignored (RFC 7009)."""
    async with engine.transaction() as connection:
        for kind in ("access", "refresh"):
            found = await key_of_token(connection, token, kind=kind, now=now)
            if found is not None and found[0].id == key.id:
                await connection.all(_DROP_PAIR, {"pair": found[1]})


async def note_use(engine: Engine, used: dict[int, int]) -> None:
    """Record when keys were last used: {key number: ms}."""
    async with engine.transaction() as connection:
        await connection.many(_USED, [(at, key, at) for key, at in used.items()])


def _key(row: tuple[object, ...]) -> ApiKey:
    number, account, site, hint, scopes, *rest = row
    return ApiKey(number, account, site, hint, tuple(str(scopes).split(",")), *rest)  # type: ignore[arg-type]
