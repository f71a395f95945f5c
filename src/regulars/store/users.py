"""Users: the people of an account who sign in to the admin page, and their one-time links.

Each change is its own transaction.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import bindparam, delete, func, insert, null, select, update

from regulars.domain.identity import parse_address
from regulars.domain.moments import now_ms
from regulars.domain.origin import COMMAND_LINE, Origin
from regulars.domain.text import trim, whole_number
from regulars.store.audit import record_change
from regulars.store.control import ControlError, fingerprint
from regulars.store.engine import Connection, Engine
from regulars.store.statement import Statement
from regulars.store.user_schema import user_links, user_sessions, users

ROLES: Final = ("read", "write", "admin")
"""What a user may do: look at everything, change customers too, or manage users, keys and settings as well."""

LINK_HOURS: Final = 72
"""How long a one-time link works."""

LONGEST_NAME: Final = 200
_LONGEST_ADDRESS: Final = 256
_HOUR: Final = 3_600_000


class User(Struct, frozen=True):
    """A person of an account. Times in ms. address: None until the person has given it."""

    id: int
    account_id: int
    name: str
    address: str | None
    role: str
    created_at: int
    disabled_at: int | None
    signed_in_at: int | None
    has_password: bool


USER_COLUMNS: Final = (
    *(users.c[name] for name in User.__struct_fields__ if name != "has_password"),
    users.c.password.is_not(null()).label("has_password"),
)
"""The columns of a user, in the order of the fields of `User`."""

_NEW_USER = Statement(
    "new_user",
    insert(users)
    .values(
        account_id=bindparam("account"),
        name=bindparam("name"),
        address=bindparam("address"),
        address_key=bindparam("key"),
        role=bindparam("role"),
        created_at=bindparam("now"),
    )
    .returning(users.c.id),
)
_USERS = Statement(
    "users",
    select(*USER_COLUMNS)
    .where(users.c.account_id == func.coalesce(bindparam("account"), users.c.account_id))
    .order_by(users.c.id),
)
_USER = Statement("user", select(*USER_COLUMNS).where(users.c.id == bindparam("user")))
_USER_OF_ADDRESS = Statement(
    "user_of_address", select(*USER_COLUMNS, users.c.password).where(users.c.address_key == bindparam("key"))
)
_PASSWORD = Statement("user_password", select(users.c.password).where(users.c.id == bindparam("user")))
_SET_PASSWORD = Statement(
    "set_user_password", update(users).values(password=bindparam("to")).where(users.c.id == bindparam("user"))
)
_SET_ROLE = Statement(
    "set_user_role", update(users).values(role=bindparam("to")).where(users.c.id == bindparam("user"))
)
_SET_PERSON = Statement(
    "set_user_name_and_address",
    update(users)
    .values(name=bindparam("name"), address=bindparam("address"), address_key=bindparam("key"))
    .where(users.c.id == bindparam("user")),
)
_SET_DISABLED = Statement(
    "set_user_disabled", update(users).values(disabled_at=bindparam("at")).where(users.c.id == bindparam("user"))
)
_NEW_LINK = Statement("new_user_link", insert(user_links))
_DROP_LINKS = Statement("drop_user_links", delete(user_links).where(user_links.c.user_id == bindparam("user")))
_DROP_EXPIRED_LINKS = Statement("drop_expired_links", delete(user_links).where(user_links.c.ends_at < bindparam("now")))
_USER_OF_LINK = Statement(
    "user_of_link",
    select(*USER_COLUMNS).where(
        user_links.c.hash == bindparam("hash"),
        user_links.c.ends_at > bindparam("now"),
        users.c.id == user_links.c.user_id,
        users.c.disabled_at.is_(null()),
    ),
)
_DROP_SESSIONS = Statement(
    "drop_user_sessions", delete(user_sessions).where(user_sessions.c.user_id == bindparam("user"))
)


def parse_name(text: str) -> str:
    """A person's name, trimmed. Raises ValueError with a sentence."""
    name = trim(text)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"must be a name of 1 to {LONGEST_NAME} characters")
    return name


def parse_user_address(text: str) -> tuple[str, str]:
    """An email address as (shown, key). Raises ValueError with a sentence."""
    return parse_address(text, longest=_LONGEST_ADDRESS)


async def create_user(
    engine: Engine,
    account: int,
    *,
    name: str,
    address: str | None,
    role: str,
    now: int,
    origin: Origin = COMMAND_LINE,
) -> User:
    """Create a user without a password, who signs in by a link first. Raises ControlError."""
    if role not in ROLES:
        raise ControlError(f"the role must be one of {', '.join(ROLES)}")
    try:
        name = parse_name(name)
        shown, key = (None, None) if address is None else parse_user_address(address)
    except ValueError as error:
        raise ControlError(f"the {'address' if 'email' in str(error) else 'name'} {error}") from None
    async with engine.transaction() as connection:
        if key is not None:
            await _require_free(connection, key)
        values = {"account": account, "name": name, "address": shown, "key": key, "role": role, "now": now}
        row = await connection.one(_NEW_USER, values)
        assert row is not None
        found = await user_by_id(connection, row[0])
        await _record(connection, row[0], origin, "users.create", result="created")
    assert found is not None
    return found


async def list_users(connection: Connection, account: int | None = None) -> list[User]:
    """The users of an account, or all, by number."""
    return [_user(row) for row in await connection.all(_USERS, {"account": account})]


async def user_by_id(connection: Connection, number: int) -> User | None:
    """The user with this number, disabled or not."""
    row = await connection.one(_USER, {"user": number})
    return None if row is None else _user(row)


async def user_of_address(connection: Connection, key: str) -> tuple[User, str | None] | None:
    """The user with an address, by the key of `parse_user_address`, and the hash of the password."""
    row = await connection.one(_USER_OF_ADDRESS, {"key": key})
    return None if row is None else (_user(row[:-1]), row[-1])


async def password_of(connection: Connection, user: int) -> str | None:
    """The hash of a user's password; None if there is none."""
    row = await connection.one(_PASSWORD, {"user": user})
    return None if row is None else row[0]


async def find_user(connection: Connection, text: str) -> User:
    """The user with this number or address. Raises ControlError."""
    number = whole_number(text, longest=9)
    found = None
    if number is not None:
        found = await user_by_id(connection, number)
    else:
        try:
            known = await user_of_address(connection, parse_user_address(text)[1])
        except ValueError:
            known = None
        found = known[0] if known else None
    if found is None:
        raise ControlError(f"there is no user {text!r}; see `regulars users list`")
    return found


async def set_password(engine: Engine, user: int, password: str, *, origin: Origin = COMMAND_LINE) -> None:
    """Set the hash of a user's password."""
    async with engine.transaction() as connection:
        await connection.all(_SET_PASSWORD, {"user": user, "to": password})
        await _record(connection, user, origin, "users.set_password", "password")


async def set_role(engine: Engine, user: int, role: str, *, origin: Origin = COMMAND_LINE) -> None:
    """Change what a user may do, at once. Raises ControlError."""
    if role not in ROLES:
        raise ControlError(f"the role must be one of {', '.join(ROLES)}")
    async with engine.transaction() as connection:
        await connection.all(_SET_ROLE, {"user": user, "to": role})
        await _record(connection, user, origin, "users.set_role", "role")


async def disable_user(engine: Engine, user: int, *, now: int, origin: Origin = COMMAND_LINE) -> None:
    """End a user's access, and with it every session and link."""
    async with engine.transaction() as connection:
        await connection.all(_SET_DISABLED, {"user": user, "at": now})
        await connection.all(_DROP_SESSIONS, {"user": user})
        await connection.all(_DROP_LINKS, {"user": user})
        await _record(connection, user, origin, "users.disable", "disabled_at")


async def enable_user(engine: Engine, user: int, *, origin: Origin = COMMAND_LINE) -> None:
    """Give a disabled user access again."""
    async with engine.transaction() as connection:
        await connection.all(_SET_DISABLED, {"user": user, "at": None})
        await _record(connection, user, origin, "users.enable", "disabled_at")


async def create_link(
    engine: Engine, user: int, *, now: int, hours: int = LINK_HOURS, origin: Origin = COMMAND_LINE
) -> str:
    """The secret of a new one-time link of a user; earlier links of the user stop to work. It is not stored."""
    secret = secrets.token_urlsafe(32)
    async with engine.transaction() as connection:
        await connection.all(_DROP_EXPIRED_LINKS, {"now": now})
        await connection.all(_DROP_LINKS, {"user": user})
        await connection.many(_NEW_LINK, [(fingerprint(secret), user, now, now + hours * _HOUR)])
        await _record(connection, user, origin, "users.create_link", result="created")
    return secret


async def user_of_link(connection: Connection, secret: str, *, now: int) -> User | None:
    """Whom a link signs in; None if it is unknown, used or expired, or its user is disabled."""
    row = await connection.one(_USER_OF_LINK, {"hash": fingerprint(secret), "now": now})
    return None if row is None else _user(row)


async def use_link(
    engine: Engine,
    secret: str,
    *,
    person: tuple[str, tuple[str, str]] | None,
    password: str | None,
    now: int,
    start: Callable[[Connection, User], Any],
    origin: Origin,
) -> User | None:
    """Use a link up, and start a session in the same transaction; None if the link does not work any more.

    person: the name and the parsed address of a user who had none. password: a hash to set, if any. start: starts the
    session. Raises ControlError if the address is taken; the link then still works.
    """
    async with engine.transaction() as connection:
        user = await user_of_link(connection, secret, now=now)
        if user is None:
            connection.discard()
            return None
        if person is not None:
            name, (shown, key) = person
            await _require_free(connection, key, but=user.id)
            await connection.all(_SET_PERSON, {"user": user.id, "name": name, "address": shown, "key": key})
        if password is not None:
            await connection.all(_SET_PASSWORD, {"user": user.id, "to": password})
        await connection.all(_DROP_LINKS, {"user": user.id})
        changed = ("name", "address") * (person is not None) + ("password",) * (password is not None)
        if changed:
            await _record(connection, user.id, origin, "users.use_link", *changed)
        await start(connection, user)
        return user


async def _require_free(connection: Connection, key: str, *, but: int | None = None) -> None:
    row = await connection.one(_USER_OF_ADDRESS, {"key": key})
    if row is not None and row[0] != but:
        raise ControlError(f"a user with the address {row[3]} already exists")


def _user(row: tuple[Any, ...]) -> User:
    return User(*(*row[:-1], bool(row[-1])))


async def _record(
    connection: Connection, user: int, origin: Origin, operation: str, *fields: str, result: str = "updated"
) -> None:
    found = await user_by_id(connection, user)
    if found is not None:
        target = f"users/{user}"
        await record_change(
            connection, found.account_id, origin, operation, target, *fields, result=result, now=now_ms()
        )
