"""The tables of ties between customers and objects."""

from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata
from regulars.store.schema_columns import moment as _moment
from regulars.store.schema_columns import number as _number

relations = Table(
    "relations",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("customer"),
    Column("relation", Integer, nullable=False),
    _number("object"),
    Column("holds", Integer, nullable=False),
    _moment("at", nullable=False),
    Column("written", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("site_id", "customer", "relation", "object"),
    sqlite_with_rowid=False,
)
"""Every tie ever reported, with the time of its last change, including ties that have ended.

written: the change that wrote it, if `deleted_ties` had rows of the site then, else 0.
"""

deleted_ties = Table(
    "deleted_ties",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("relation", Integer, nullable=False),
    _number("object"),
    _number("change"),
    _moment("moment", nullable=False),
    PrimaryKeyConstraint("site_id", "relation", "object", "change"),
    sqlite_with_rowid=False,
)
"""Deletions of objects whose ties are still stored: those written before this change no longer count.

moment: the changed_at of the customers who were tied (ms), 0 if it does not change.
"""
