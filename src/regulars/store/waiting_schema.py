"""The tables of what waits: emails of drip campaigns for their time, anonymous events for a name."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint

from regulars.store.schema_columns import metadata
from regulars.store.schema_columns import moment as _moment
from regulars.store.schema_columns import number as _number
from regulars.store.schema_columns import text as _text

drip_campaigns = Table(
    "drip_campaigns",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("sequence"),
    Column("enabled", Integer, nullable=False),
    _number("trigger_template", nullable=True),
    _text("steps", nullable=False),
    PrimaryKeyConstraint("site_id", "sequence"),
    sqlite_with_rowid=False,
)
"""The plans of the sequences that are drip campaigns: `domain.drip_campaigns.DripPlan`."""

pending_mails = Table(
    "pending_mails",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("number"),
    _number("sequence"),
    Column("step", Integer, nullable=False),
    _number("customer"),
    _text("address_key", nullable=False),
    _text("recipient_address", nullable=False),
    _text("recipient_name"),
    _number("template"),
    _moment("created_at", nullable=False),
    _moment("due_at", nullable=False),
    _text("data"),
    PrimaryKeyConstraint("site_id", "number"),
    UniqueConstraint("site_id", "sequence", "address_key", "step", name="pending_mails_step"),
    Index("pending_mails_due", "site_id", "due_at"),
    Index("pending_mails_address", "site_id", "address_key", "due_at"),
    Index("pending_mails_customer", "site_id", "customer", "due_at"),
    sqlite_with_rowid=False,
)
"""The mails of drip campaigns that wait to be sent; columns in the order of `domain.drip_campaigns.PendingMail`. They
are kept when the customer is deleted."""

visitors = Table(
    "visitors",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    _number("customer"),
    _moment("at", nullable=False),
    PrimaryKeyConstraint("site_id", "hash"),
    Index("visitors_customer", "site_id", "customer", "at"),
    Index("visitors_at", "site_id", "at"),
    sqlite_with_rowid=False,
)
"""Whose cookies and devices are, by the same keyed hash as tombstones: `domain.working.visitors.Holder`."""

anonymous_events = Table(
    "anonymous_events",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("number"),
    Column("cookie", LargeBinary),
    Column("device_id", LargeBinary),
    _moment("at", nullable=False),
    _moment("received_at", nullable=False),
    Column("uuid", LargeBinary),
    Column("lacks", Integer, nullable=False),
    _text("body", nullable=False),
    PrimaryKeyConstraint("site_id", "number"),
    Index("anonymous_events_received", "site_id", "received_at"),
    sqlite_with_rowid=False,
)
"""Events of visitors whom nobody has named yet. cookie, device_id: keyed hashes, as in `visitors`.
lacks: as in `activities`."""

for _column, _is_unique in (("cookie", False), ("device_id", False), ("uuid", True)):
    Index(
        f"anonymous_events_{_column}",
        anonymous_events.c.site_id,
        anonymous_events.c[_column],
        unique=_is_unique,
        sqlite_where=anonymous_events.c[_column].is_not(None),
        postgresql_where=anonymous_events.c[_column].is_not(None),
    )
