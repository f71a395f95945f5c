"""The table of erasures: that somebody was erased, when, why and by whom, but not who."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text

erasures = Table(
    "erasures",
    metadata,
    Column("site_id", Integer, nullable=False),
    moment("at", nullable=False),
    Column("position", Integer, nullable=False),
    text("reason"),
    Column("channel", Integer, nullable=False),
    number("actor", nullable=True),
    Column("customers", Integer, nullable=False),
    PrimaryKeyConstraint("site_id", "at", "position"),
    sqlite_with_rowid=False,
)
"""One row for each erasure: `domain.erasure.Erasure`. at: the moment of the commit, position: the place within it."""
