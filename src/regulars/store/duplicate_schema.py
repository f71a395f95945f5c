"""The tables of customers who may be the same, and of those who were found not to be."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number

duplicates = Table(
    "duplicates",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("first"),
    number("second"),
    Column("score", Integer, nullable=False),
    Column("reasons", Integer, nullable=False),
    moment("found_at", nullable=False),
    PrimaryKeyConstraint("site_id", "first", "second"),
    Index("duplicates_score", "site_id", "score", "first", "second"),
    sqlite_with_rowid=False,
)
"""Pairs of customers who may be the same: `domain.duplicates.Pair`. found_at: when the job last found them."""

duplicate_dismissals = Table(
    "duplicate_dismissals",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("first"),
    number("second"),
    moment("dismissed_at", nullable=False),
    PrimaryKeyConstraint("site_id", "first", "second"),
    sqlite_with_rowid=False,
)
"""Pairs of customers who are not the same, as a caller said."""
