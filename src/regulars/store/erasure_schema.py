"""The table of erasures: that somebody was erased, when, why and by whom, but not who."""

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, Table

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
    Column("hashes", LargeBinary),
    text("counts"),
    moment("cleaned_at"),
    text("cleaned"),
    PrimaryKeyConstraint("site_id", "at", "position"),
    sqlite_with_rowid=False,
)
"""One row for each erasure: `domain.erasure.Erasure`. at: the moment of the commit, position: the place within it.

hashes: the keyed hashes of the identifiers, 32 bytes each, as the tombstones have them; NULL if an older version erased
the person. counts: the rows that were erased, by kind, as JSON. cleaned_at: when the files were cleaned, NULL until
then; cleaned: what was done with them, as JSON, and when the rest is due.
"""
