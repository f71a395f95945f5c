"""Sessions of the admin page: started by a sign-in, ended by a sign-out, by time, or with the user's access."""

import secrets
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, null, select, update

from regulars.store.control import fingerprint
from regulars.store.engine import Connection, Engine
from regulars.store.statement import Statement
from regulars.store.user_schema import user_sessions, users
from regulars.store.users import USER_COLUMNS, User

IDLE_HOURS: Final = 12
"""A session that is not used for so long has ended."""

LONGEST_DAYS: Final = 7
"""A session has ended after so many days, however much it is used."""

SESSIONS_PER_USER: Final = 50
"""A further session ends the one that was used longest ago."""

TOUCH_MS: Final = 60_000
"""The last use of a session is stored when it is this much older, so that a page rarely writes."""

_LONGEST_AGENT: Final = 200
_HOUR: Final = 3_600_000


class UserSession(Struct, frozen=True):
    """A session. Times in ms. hash: of its id. confirmed_at: when the user last proved who they are."""

    hash: bytes
    user_id: int
    created_at: int
    used_at: int
    confirmed_at: int
    ends_at: int
    agent: str | None


SESSION_COLUMNS: Final = tuple(user_sessions.c[name] for name in UserSession.__struct_fields__)

_NEW = Statement("new_user_session", insert(user_sessions))
_SESSION = Statement(
    "user_session",
    select(*SESSION_COLUMNS, *USER_COLUMNS).where(
        user_sessions.c.hash == bindparam("hash"),
        user_sessions.c.ends_at > bindparam("now"),
        user_sessions.c.used_at > bindparam("idle_since"),
        users.c.id == user_sessions.c.user_id,
        users.c.disabled_at.is_(null()),
    ),
)
_OF_USER = Statement(
    "sessions_of_user",
    select(*SESSION_COLUMNS)
    .where(
        user_sessions.c.user_id == bindparam("user"),
        user_sessions.c.ends_at > bindparam("now"),
        user_sessions.c.used_at > bindparam("idle_since"),
    )
    .order_by(user_sessions.c.used_at.desc(), user_sessions.c.hash),
)
_TOUCH = Statement(
    "touch_user_session",
    update(user_sessions).values(used_at=bindparam("now")).where(user_sessions.c.hash == bindparam("hash")),
)
_CONFIRM = Statement(
    "confirm_user_session",
    update(user_sessions).values(confirmed_at=bindparam("now")).where(user_sessions.c.hash == bindparam("hash")),
)
_END = Statement(
    "end_user_session",
    delete(user_sessions).where(
        user_sessions.c.hash == bindparam("hash"), user_sessions.c.user_id == bindparam("user")
    ),
)
_END_ALL = Statement("end_user_sessions", delete(user_sessions).where(user_sessions.c.user_id == bindparam("user")))
_DROP_ENDED = Statement("drop_ended_sessions", delete(user_sessions).where(user_sessions.c.ends_at < bindparam("now")))
_SIGNED_IN = Statement(
    "user_signed_in", update(users).values(signed_in_at=bindparam("now")).where(users.c.id == bindparam("user"))
)


async def start_session(connection: Connection, user: int, *, agent: str | None, now: int) -> str:
    """Start a session within a transaction. Returns its id, which is not stored: 256 random bits as text."""
    secret = secrets.token_urlsafe(32)
    await connection.all(_DROP_ENDED, {"now": now})
    kept = await connection.all(_OF_USER, {"user": user, **_limits(now)})
    for row in kept[SESSIONS_PER_USER - 1 :]:
        await connection.all(_END, {"hash": row[0], "user": user})
    ends_at = now + LONGEST_DAYS * 24 * _HOUR
    shown = None if agent is None else "".join(filter(str.isprintable, agent))[:_LONGEST_AGENT]
    await connection.many(_NEW, [(fingerprint(secret), user, now, now, now, ends_at, shown)])
    await connection.all(_SIGNED_IN, {"user": user, "now": now})
    return secret


async def find_session(connection: Connection, secret: str, *, now: int) -> tuple[UserSession, User] | None:
    """The session with this id and its user; None if it has ended, or its user is disabled."""
    row = await connection.one(_SESSION, {"hash": fingerprint(secret), **_limits(now)})
    if row is None:
        return None
    at = len(UserSession.__struct_fields__)
    return UserSession(*row[:at]), User(*(*row[at:-1], bool(row[-1])))


async def list_sessions(connection: Connection, user: int, *, now: int) -> list[UserSession]:
    """The sessions of a user, the last used first."""
    return [UserSession(*row) for row in await connection.all(_OF_USER, {"user": user, **_limits(now)})]


async def touch_session(engine: Engine, session: UserSession, *, now: int) -> None:
    """Store that a session was used."""
    async with engine.transaction() as connection:
        await connection.all(_TOUCH, {"hash": session.hash, "now": now})


async def confirm_session(engine: Engine, session: UserSession, *, now: int) -> None:
    """Store that the user of a session has just given the password."""
    async with engine.transaction() as connection:
        await connection.all(_CONFIRM, {"hash": session.hash, "now": now})


async def end_session(engine: Engine, user: int, session: bytes) -> None:
    """End a session of a user, by its hash."""
    async with engine.transaction() as connection:
        await connection.all(_END, {"hash": session, "user": user})


async def end_sessions(engine: Engine, user: int) -> None:
    """Sign a user out everywhere."""
    async with engine.transaction() as connection:
        await connection.all(_END_ALL, {"user": user})


def _limits(now: int) -> dict[str, Any]:
    return {"now": now, "idle_since": now - IDLE_HOURS * _HOUR}
