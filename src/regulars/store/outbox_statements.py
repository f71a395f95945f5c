"""Statements of the outbox, which is written with each commit, read in commit order, and pruned."""

from sqlalchemy import bindparam, insert, literal_column, or_, select

from regulars.store.change_statements import prunable
from regulars.store.schema import changes, outbox
from regulars.store.statement import Statement, site_is

_PART = (
    outbox.c.number,
    outbox.c.position,
    outbox.c.size,
    outbox.c.token,
    outbox.c.previous,
    outbox.c.last,
    outbox.c.at,
    outbox.c.body,
)
INSERT = Statement("insert_outbox", insert(outbox))
PARTS = Statement(
    "outbox_parts",
    select(*_PART)
    .where(
        site_is(outbox),
        outbox.c.number >= bindparam("number"),
        or_(outbox.c.number > bindparam("number"), outbox.c.position >= bindparam("position")),
    )
    .order_by(outbox.c.number, outbox.c.position)
    .limit(bindparam("most")),
)
"""Parts from a position in a change on, in order. The first condition tells the planner where in the index to begin."""
TOKEN = Statement(
    "outbox_token",
    select(outbox.c.token).where(
        site_is(outbox), outbox.c.number == bindparam("number"), outbox.c.position == bindparam("position")
    ),
)
FOREIGN = Statement(
    "foreign_outbox",
    select(outbox.c.number)
    .select_from(outbox.join(changes, changes.c.number == outbox.c.number))
    .where(
        site_is(outbox),
        outbox.c.number >= bindparam("first"),
        outbox.c.number <= bindparam("last"),
        outbox.c.position == literal_column("0"),
        site_is(changes),
        changes.c.part == literal_column("0"),
        changes.c.token != outbox.c.token,
    )
    .order_by(outbox.c.number),
)
"""The changes in a range on which the outbox and the change log disagree."""
OUTBOX = prunable(outbox)
