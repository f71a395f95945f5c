"""Changes of API keys: another label or expiry, and rotation."""

import secrets

from sqlalchemy import bindparam, null, select, update

from regulars.domain.origin import COMMAND_LINE, Origin
from regulars.store.control import (
    HINT_LENGTH,
    KEY_COLUMNS,
    KEY_PREFIX,
    NEW_KEY,
    ApiKey,
    ControlError,
    fingerprint,
    key_of_row,
    record_control,
)
from regulars.store.engine import Engine
from regulars.store.schema import keys
from regulars.store.statement import Statement, id_is

_ONE_KEY = Statement("key", select(*KEY_COLUMNS).where(id_is(keys.c.id, "key"), keys.c.revoked_at.is_(null())))
_CHANGE_KEY = Statement(
    "change_key",
    update(keys)
    .where(id_is(keys.c.id, "key"), keys.c.revoked_at.is_(null()))
    .values(label=bindparam("new_label"), expires_at=bindparam("new_expiry"))
    .returning(*KEY_COLUMNS),
)


async def change_key(
    engine: Engine, key: ApiKey, *, label: str | None, expires_at: int | None, now: int, origin: Origin = COMMAND_LINE
) -> ApiKey:
    """Give a key another label and expiry. Raises ControlError if it is revoked."""
    async with engine.transaction() as connection:
        values = {"key": key.id, "new_label": label, "new_expiry": expires_at}
        row = await connection.one(_CHANGE_KEY, values)
        if row is None:
            raise ControlError(f"key {key.id} is revoked")
        await record_control(connection, key.account_id, origin, "keys.change", f"keys/{key.id}", now, "updated")
    return key_of_row(row)


async def rotate_key(
    engine: Engine, number: int, *, overlap: int, now: int, origin: Origin = COMMAND_LINE
) -> tuple[ApiKey, str]:
    """Create a key that may do the same, and let the old one expire `overlap` ms from now, if it does not before.

    Returns the new key and its secret. Raises ControlError if the old one is revoked or has expired.
    """
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    async with engine.transaction() as connection:
        row = await connection.one(_ONE_KEY, {"key": number})
        old = None if row is None else key_of_row(row)
        if old is None or old.has_expired(now):
            raise ControlError(f"there is no active key {number}")
        until = min(now + overlap, now + overlap if old.expires_at is None else old.expires_at)
        await connection.one(_CHANGE_KEY, {"key": number, "new_label": old.label, "new_expiry": until})
        values = {
            **{name: getattr(old, name) for name in ("dialect", "rate", "label", "expires_at")},
            "account": old.account_id,
            "default_site": old.site_id,
            "scopes": ",".join(old.scopes),
            "hash": fingerprint(secret),
            "hint": secret[:HINT_LENGTH],
            "is_strict": int(old.is_strict),
            "now": now,
        }
        made = await connection.one(NEW_KEY, values)
        assert made is not None
        await record_control(connection, old.account_id, origin, "keys.rotate", f"keys/{number}", now, "updated")
    return key_of_row(made), secret
