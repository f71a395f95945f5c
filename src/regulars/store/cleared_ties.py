"""Statements that untie everybody from an object that is being deleted."""

from sqlalchemy import bindparam, delete, literal_column, select, update

from regulars.store.schema import customers, relations
from regulars.store.statement import Statement, site_is

STAMP_TIED = Statement(
    "stamp_tied",
    update(customers)
    .where(
        site_is(customers),
        select(literal_column("1"))
        .where(
            site_is(relations),
            relations.c.customer == customers.c.number,
            relations.c.relation == bindparam("relation"),
            relations.c.object == bindparam("object"),
            relations.c.holds == literal_column("1"),
        )
        .exists(),
    )
    .values(changed_at=bindparam("moment")),
)
"""Sets changed_at of everybody who is tied to an object that is about to be deleted."""
CLEAR_TIES = Statement(
    "clear_ties",
    delete(relations).where(
        site_is(relations), relations.c.relation == bindparam("relation"), relations.c.object == bindparam("object")
    ),
)
