"""Control tables: small ones, each with its own small transactions. They belong to no site."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from regulars.store.schema_columns import metadata
from regulars.store.schema_columns import moment as _moment
from regulars.store.schema_columns import number as _number
from regulars.store.schema_columns import text as _text

settings = Table("settings", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
"""Properties of the database itself: its schema version and secret."""

schema_migrations = Table(
    "schema_migrations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("name", nullable=False),
    _moment("started_at", nullable=False),
    _moment("finished_at"),
    _text("position"),
    _number("done"),
)
"""The migration steps (`steps.py`) that were run on this database; columns in the order of `migrations.Record`."""

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("name", nullable=False),
    _moment("created_at", nullable=False),
    UniqueConstraint("name", name="accounts_name"),
)

sites = Table(
    "sites",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, nullable=False),
    _text("title", nullable=False),
    _text("subdomain", nullable=False),
    _moment("created_at", nullable=False),
    _moment("updated_at", nullable=False),
    _text("country"),
    _text("currency"),
    _text("time_zone"),
    _text("language"),
    _text("accent_color"),
    Column("link_key", Integer, nullable=False, server_default="1"),
    Column("oldest_link_key", Integer, nullable=False, server_default="1"),
    UniqueConstraint("account_id", "subdomain", name="sites_subdomain"),
)
"""`country` to `accent_color`: `domain.site_settings.SiteSettings`. `link_key`: of new signed links; those from
`oldest_link_key` on are accepted."""

keys = Table(
    "keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("site_id", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    _text("hint", nullable=False),
    _text("scopes", nullable=False),
    _text("dialect"),
    _moment("created_at", nullable=False),
    _moment("revoked_at"),
    _moment("last_used_at"),
    Column("rate", Integer),
    Column("is_strict", Integer, nullable=False, server_default="0"),
    _text("label"),
    _moment("expires_at"),
    UniqueConstraint("hash", name="keys_hash"),
)
"""API keys. `hash`: SHA-256 of the key. `hint`: its first characters, for display. `rate`: limit in requests per second
(0: unlimited; null: the default from the settings). `is_strict`: whether
optional fields that cannot be read are refused. `label`: what it is for. `expires_at`: from then on it is refused."""

tokens = Table(
    "tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("key_id", Integer, nullable=False),
    Column("pair", LargeBinary, nullable=False),
    _text("kind", nullable=False),
    _moment("expires_at", nullable=False),
    Index("tokens_pair", "pair"),
    Index("tokens_expiry", "expires_at"),
)
"""OAuth tokens, as SHA-256; the access and refresh token of one grant share `pair`."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("kind", nullable=False),
    _text("recurring"),
    Column("site", Integer),
    _text("state", nullable=False),
    _text("arguments", nullable=False),
    _text("result"),
    _text("error"),
    _number("done"),
    _number("total", nullable=True),
    Column("attempt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    _moment("due_at", nullable=False),
    _text("lease"),
    _moment("leased_until"),
    Column("is_cancelled", Integer, nullable=False),
    _moment("created_at", nullable=False),
    _moment("started_at"),
    _moment("finished_at"),
    Column("input", LargeBinary),
    UniqueConstraint("recurring", name="jobs_recurring"),
    Index("jobs_due", "state", "due_at"),
)
"""Background jobs; columns in the order of `jobs.Job`, and the input. Few rows, as finished jobs are pruned.

input: what a job works on, where that is too large for its arguments; lists of jobs do not read it.
"""
