"""Statements on notes about customers."""

from typing import Final

from sqlalchemy import and_, bindparam, delete, func, insert, literal_column, select, update

from regulars.store.list_ranges import in_both_directions
from regulars.store.merge_statements import whole_of
from regulars.store.schema import notes
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_COLUMNS: Final = [
    whole_of(notes.c.customer).label("customer") if column.name == "customer" else column
    for column in notes.c
    if column.name != "site_id"
]
"""The columns of a note; with the customer that the one it was written about is part of now."""

INSERT: Final = Statement("insert_notes", insert(notes))
CHANGE: Final = Statement(
    "change_note",
    update(notes)
    .where(site_is(notes), notes.c.number == bindparam("note"))
    .values(body=bindparam("text"), updated_at=bindparam("now")),
)
DELETE: Final = Statement("delete_note", delete(notes).where(site_is(notes), notes.c.number == bindparam("note")))
DELETE_OF_CUSTOMER: Final = Statement(
    "delete_notes_of_customer",
    # The condition on the time is always true: with it, SQLite uses the index of the customer.
    delete(notes).where(
        site_is(notes), notes.c.customer == bindparam("number"), notes.c.created_at > literal_column("-1")
    ),
)
NOTE: Final = Statement("note", select(*_COLUMNS).where(site_is(notes), notes.c.number == bindparam("note")))

ORDERS: Final = ("created_at", "updated_at")
OF_SITE: Final = {
    order: in_both_directions(
        f"notes_by_{order}", _COLUMNS, notes, site_is(notes), at=notes.c[order], number=notes.c.number
    )
    for order in ORDERS
}
"""The notes of a site, by the time that they are ordered by."""
COUNT: Final = Statement("count_notes", select(func.count()).select_from(notes).where(site_is(notes)))

_listed, (_customer,) = keys_of(notes.c.customer)
_of_customers: Final = KeyedJoin(_listed, notes, and_(site_is(notes), notes.c.customer == _customer)).by(
    "notes_customer"
)
OF_CUSTOMERS: Final = {
    order: in_both_directions(
        f"notes_of_customers_by_{order}",
        _COLUMNS,
        _of_customers,
        site_is(notes),
        at=notes.c[order],
        number=notes.c.number,
    )
    for order in ORDERS
}
"""The notes about some customers: one and those who were merged into it."""
COUNT_OF_CUSTOMER: Final = Statement(
    "count_notes_of_customer",
    select(func.count())
    .select_from(notes)
    .where(site_is(notes), notes.c.customer == bindparam("customer"), notes.c.created_at > literal_column("-1")),
)
