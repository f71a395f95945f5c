"""The tables of imports, and of what they changed."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from regulars.store.schema_columns import metadata, moment, number, text

imports = Table(
    "imports",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("number"),
    text("kind", nullable=False),
    text("file", nullable=False),
    text("origin", nullable=False),
    text("state", nullable=False),
    text("summary", nullable=False),
    text("undo"),
    moment("started_at", nullable=False),
    moment("seen_at", nullable=False),
    moment("finished_at"),
    moment("undone_at"),
    PrimaryKeyConstraint("site_id", "number"),
    sqlite_with_rowid=False,
)
"""One row per import that was not a dry run; columns in the order of `domain.imports.ImportRecord`."""

import_changes = Table(
    "import_changes",
    metadata,
    Column("site_id", Integer, nullable=False),
    number("import_number"),
    number("customer"),
    number("change"),
    moment("moment"),
    moment("base"),
    Column("created", Integer, nullable=False),
    number("next_consent"),
    moment("undone"),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("site_id", "import_number", "customer", "change"),
    sqlite_with_rowid=False,
)
"""What a transaction of an import changed of one customer; columns in the order of `domain.imports.ImportChange`.

body is NULL where there is nothing to restore. undone: the customer's changed_at after the change was undone.
"""

Index(
    "import_changes_customer",
    import_changes.c.site_id,
    import_changes.c.customer,
    import_changes.c.change,
    sqlite_where=import_changes.c.body.is_not(None),
    postgresql_where=import_changes.c.body.is_not(None),
)
