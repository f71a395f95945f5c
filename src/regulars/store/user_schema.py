"""The tables of people who sign in to the admin page. Control tables: they belong to no site."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, UniqueConstraint

from regulars.store.schema_columns import metadata
from regulars.store.schema_columns import moment as _moment
from regulars.store.schema_columns import text as _text

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, nullable=False),
    _text("name", nullable=False),
    _text("address"),
    _text("address_key"),
    _text("password"),
    _text("role", nullable=False),
    _moment("created_at", nullable=False),
    _moment("disabled_at"),
    _moment("signed_in_at"),
    UniqueConstraint("address_key", name="users_address"),
)
"""People of an account. `password`: an Argon2id hash; null: signs in by one-time links. `address` is null until the
first administrator has opened the link of `init`."""

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user_id", Integer, nullable=False),
    _moment("created_at", nullable=False),
    _moment("used_at", nullable=False),
    _moment("confirmed_at", nullable=False),
    _moment("ends_at", nullable=False),
    _text("agent"),
    Index("user_sessions_user", "user_id"),
    Index("user_sessions_end", "ends_at"),
)
"""Who is signed in. `hash`: SHA-256 of the random id in the cookie. `confirmed_at`: when the password was last given.
`agent`: the browser, for the list of sessions."""

user_links = Table(
    "user_links",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user_id", Integer, nullable=False),
    _moment("created_at", nullable=False),
    _moment("ends_at", nullable=False),
    Index("user_links_user", "user_id"),
)
"""One-time links that sign a user in. `hash`: SHA-256 of the secret in the link. A used link is deleted."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    _moment("last_at", nullable=False),
    Index("sign_in_failures_last", "last_at"),
)
"""Failed sign-ins in a row. `subject`: SHA-256 of an email address or of a network."""
