"""The table of profile changes: which fields and ties of a customer each call changed."""

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number

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
