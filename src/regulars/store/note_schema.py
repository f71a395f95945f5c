"""The table of notes about customers."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text

notes = Table(
    "notes",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("number"),
    number("customer"),
    text("body", nullable=False),
    moment("created_at", nullable=False),
    moment("updated_at", nullable=False),
    Column("channel", Integer),
    number("actor", nullable=True),
    PrimaryKeyConstraint("site_id", "number"),
    Index("notes_created", "site_id", "created_at", "number"),
    Index("notes_updated", "site_id", "updated_at", "number"),
    Index("notes_customer", "site_id", "customer", "created_at", "number"),
    sqlite_with_rowid=False,
)
"""Notes; columns in the order of `domain.notes.CustomerNote`. Those of a merged customer stay as they were written."""
