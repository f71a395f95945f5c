"""The tables of addresses: those that customers had, and what is left of deleted customers."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from regulars.store.schema_columns import metadata, moment, number

former_addresses = Table(
    "former_addresses",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("email_key", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    number("customer"),
    Column("hard_bouncing", Integer, nullable=False),
    moment("hard_at"),
    moment("bounced_at"),
    moment("complained_at"),
    PrimaryKeyConstraint("site_id", "email_key", "customer"),
    Index("former_addresses_customer", "site_id", "customer"),
    sqlite_with_rowid=False,
)
"""Addresses that customers had and changed, and their bounces: `domain.working.addresses.FormerAddress`."""

tombstones = Table(
    "tombstones",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    moment("deleted_at", nullable=False),
    moment("suppressed_at"),
    moment("complained_at"),
    moment("hard_at"),
    moment("cleared_at"),
    moment("ended_at"),
    moment("erased_at"),
    number("ignored", nullable=True),
    PrimaryKeyConstraint("site_id", "hash"),
    sqlite_with_rowid=False,
)
"""What is left of deleted customers, by a keyed hash of each identifier: `domain.working.addresses.Tombstone`."""
