"""The tables of the audit trail: changes of customers by site, and changes of access and settings by account."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text

audit_events = Table(
    "audit_events",
    metadata,
    Column("site_id", Integer, nullable=False),
    moment("at", nullable=False),
    Column("position", Integer, nullable=False),
    Column("channel", Integer, nullable=False),
    number("actor", nullable=True),
    text("operation", nullable=False),
    text("request_id"),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("site_id", "at", "position"),
    sqlite_with_rowid=False,
)
"""One row for each request that changed customers or objects of a site: `domain.audit.AuditEvent`."""

account_audit_events = Table(
    "account_audit_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, nullable=False),
    moment("at", nullable=False),
    Column("channel", Integer, nullable=False),
    number("actor", nullable=True),
    text("operation", nullable=False),
    text("request_id"),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("account_audit_events_account", "account_id", "at", "id"),
)
"""One row for each change of accounts, sites, keys, users and settings. Position 0 stands in the hash."""
