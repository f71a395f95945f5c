"""The table of saved audiences."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text

audiences = Table(
    "audiences",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("audience"),
    text("kind", nullable=False),
    text("question"),
    text("refers"),
    Column("watched", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    moment("changed_at", nullable=False),
    PrimaryKeyConstraint("site_id", "audience"),
    sqlite_with_rowid=False,
)
"""The definitions of saved audiences; columns in the order of `domain.audiences.Definition`."""

Index(
    "audiences_refers",
    audiences.c.site_id,
    audiences.c.audience,
    sqlite_where=audiences.c.refers.is_not(None),
    postgresql_where=audiences.c.refers.is_not(None),
)
