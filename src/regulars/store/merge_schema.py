"""The tables of merges: what each one joined, and which customers are part of another one."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text

merges = Table(
    "merges",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("number"),
    number("survivor"),
    number("gone"),
    text("rule", nullable=False),
    moment("merged_at", nullable=False),
    moment("undone_at"),
    number("first_activity"),
    number("first_consent"),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("site_id", "number"),
    Index("merges_survivor", "site_id", "survivor", "number"),
    Index("merges_gone", "site_id", "gone", "number"),
    sqlite_with_rowid=False,
)
"""Merges of two customers; columns in the order of `domain.merge_records.MergeRecord`. body: what undoes the merge,
NULL when it is no longer kept."""

merged_customers = Table(
    "merged_customers",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("customer"),
    number("number"),
    PrimaryKeyConstraint("site_id", "customer", "number"),
    sqlite_with_rowid=False,
)
"""Which customers are part of another one: those whose `merged_into` is this customer."""
