"""OAuth tokens: issued in pairs for a key, renewed, revoked. Each change is its own transaction."""

import secrets
from typing import Final

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, null, select

from regulars.store.control import KEY_COLUMNS, ApiKey, fingerprint, key_of_row
from regulars.store.engine import Connection, Engine
from regulars.store.schema import keys, tokens
from regulars.store.statement import Statement

ACCESS_SECONDS: Final = 2 * 3600
GRANTS_PER_KEY: Final = 100
"""Limit on token pairs per key; a further one revokes the oldest."""

REFRESH_SECONDS: Final = 14 * 24 * 3600


class Tokens(Struct, frozen=True):
    """A new pair of OAuth tokens, shown only once. expires_in: seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


_KEY_OF_TOKEN = Statement(
    "key_of_token",
    select(*KEY_COLUMNS, tokens.c.pair, tokens.c.kind).where(
        tokens.c.hash == bindparam("hash"),
        tokens.c.expires_at > bindparam("now"),
        keys.c.id == tokens.c.key_id,
        keys.c.revoked_at.is_(null()),
    ),
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


async def key_of_token(connection: Connection, token: str, *, kind: str, now: int) -> tuple[ApiKey, bytes] | None:
    """The key behind an OAuth token and the id of the token's pair; None unless key and token are valid.

    kind: "access" or "refresh".
    """
    row = await connection.one(_KEY_OF_TOKEN, {"hash": fingerprint(token), "now": now})
    if row is None or row[-1] != kind:
        return None
    key = key_of_row(row[:-2])
    return None if key.has_expired(now) else (key, row[-2])


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
