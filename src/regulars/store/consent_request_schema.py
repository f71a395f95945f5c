"""The table of requests for consent."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text

consent_requests = Table(
    "consent_requests",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("number"),
    number("customer"),
    number("newsletter"),
    moment("at", nullable=False),
    moment("expires_at", nullable=False),
    moment("open_until"),
    text("wording", nullable=False),
    Column("channel", Integer, nullable=False),
    number("actor", nullable=True),
    moment("confirmed_at"),
    PrimaryKeyConstraint("site_id", "number"),
    Index("consent_requests_at", "site_id", "customer", "at"),
    Index("consent_requests_open", "site_id", "open_until"),
    sqlite_with_rowid=False,
)
"""Requests for consent by double opt-in: `domain.working.consent_requests.ConsentRequest`."""

_unconfirmed = consent_requests.c.confirmed_at.is_(None)
Index(
    "consent_requests_unconfirmed",
    *(consent_requests.c[name] for name in ("site_id", "customer", "at", "open_until")),
    sqlite_where=_unconfirmed,
    postgresql_where=_unconfirmed,
)
