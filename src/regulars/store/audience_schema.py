"""The tables of saved audiences, of who is in those that are watched, and of their figures over time."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

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
    Column("is_seed_list", Integer, nullable=False, server_default="0"),
    text("source"),
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
Index(
    "audiences_watched",
    audiences.c.site_id,
    audiences.c.audience,
    sqlite_where=audiences.c.watched == 1,
    postgresql_where=audiences.c.watched == 1,
)

audience_watches = Table(
    "audience_watches",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("audience"),
    number("revision"),
    number("seen"),
    number("event"),
    moment("as_of", nullable=False),
    number("definition"),
    number("entered_count"),
    number("left_count"),
    PrimaryKeyConstraint("site_id", "audience"),
    sqlite_with_rowid=False,
)
"""What is kept of audiences that are or were watched; columns in the order of `domain.audience_watches.Watch`."""

audience_members = Table(
    "audience_members",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("audience"),
    number("place"),
    Column("members", LargeBinary, nullable=False),
    PrimaryKeyConstraint("site_id", "audience", "place"),
    sqlite_with_rowid=False,
)
"""The members of watched audiences, as they were last recorded: `audience.structures.membership`."""

audience_points = Table(
    "audience_points",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("audience"),
    moment("at", nullable=False),
    Column("version", Integer, nullable=False),
    number("matched"),
    number("reachable"),
    number("entered_count", nullable=True),
    number("left_count", nullable=True),
    PrimaryKeyConstraint("site_id", "audience", "at"),
    Index("audience_points_at", "site_id", "at"),
    sqlite_with_rowid=False,
)
"""The figures of audiences over time; columns in the order of `domain.audience_watches.AudiencePoint`."""
