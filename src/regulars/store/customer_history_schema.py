"""The tables of evidence of consent, and of what calls changed of profiles."""

from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text


def _evidence() -> list[Column[Any]]:
    """The columns that say what was agreed to or ended, and how that is known."""
    return [
        moment("at", nullable=False),
        Column("granted", Integer, nullable=False),
        text("cause"),
        text("source", nullable=False),
        text("wording"),
        text("proof"),
        moment("received_at"),
        Column("channel", Integer),
        number("actor", nullable=True),
    ]


consents = Table(
    "consents",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("customer"),
    number("number"),
    *_evidence(),
    PrimaryKeyConstraint("site_id", "customer", "number"),
    Index("consents_at", "site_id", "customer", "at"),
    sqlite_with_rowid=False,
)
"""Evidence of every change of consent; append-only."""

newsletter_consents = Table(
    "newsletter_consents",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("customer"),
    number("number"),
    number("newsletter"),
    *_evidence(),
    PrimaryKeyConstraint("site_id", "customer", "number"),
    Index("newsletter_consents_at", "site_id", "customer", "at"),
    sqlite_with_rowid=False,
)
"""Evidence of every subscription to a newsletter and its end; append-only. Numbered together with `consents`."""

profile_changes = Table(
    "profile_changes",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("customer"),
    moment("at", nullable=False),
    Column("position", Integer, nullable=False),
    Column("created", Integer, nullable=False),
    Column("channel", Integer),
    number("actor", nullable=True),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("site_id", "customer", "at", "position"),
    sqlite_with_rowid=False,
)
"""What commands changed of the profiles of customers: `domain.profile_changes.ProfileChange`.

at: the moment of the commit, position: the place within it. created: the command created the customer. channel, actor:
`domain.origin.Actor`. Customers that an import created have no row of that.
"""
