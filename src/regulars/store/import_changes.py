"""What imports change, written in the transaction that changes it; and what undoing it removes."""

import msgspec

from regulars.domain.imports import changed_customers
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import FormerAddress
from regulars.store import import_statements as sql
from regulars.store.engine import Connection


async def write_import_changes(
    connection: Connection, site: int, work: WorkingSet, import_number: int, change: int
) -> None:
    """Write what a transaction of an import changes, before anything else is written, and after `work.stamp`.

    change: the number of the transaction.
    """
    former = {}
    if work.addresses.changed:
        keys = msgspec.json.encode(sorted(work.addresses.changed)).decode()
        rows = await connection.all(sql.FORMER, {"site": site, "keys": keys})
        found = (FormerAddress(row[0], row[1], bool(row[2]), *row[3:]) for row in rows)
        former = {(each.email_key, each.customer): each for each in found}
    first = work.counters.consent
    following = first + len(work.history.consents) + len(work.history.newsletter_consents)
    changed = changed_customers(work, first, former)
    await connection.many(
        sql.INSERT_CHANGES,
        [
            (site, import_number, customer, change, moment, base, created, following, None, body)
            for customer, moment, base, created, body in changed
        ],
    )


async def write_undone(connection: Connection, site: int, work: WorkingSet) -> None:
    """Remove what an undo takes back beside the rows of customers, and mark it as undone."""
    if not (work.undone or work.ties.removed or work.history.undone_consents or work.addresses.removed):
        return
    people = work.people.by_number
    marks = [
        (people[customer].customer.changed_at if customer in people else work.now, site, number, customer)
        for number, customer in work.undone
    ]
    removals = (
        (sql.DELETE_TIE, [(site, *place) for place in sorted(work.ties.removed)]),
        (sql.DELETE_CONSENT, [(site, *place) for place in sorted(work.history.undone_consents)]),
        (sql.DELETE_NEWSLETTER_CONSENT, [(site, *place) for place in sorted(work.history.undone_consents)]),
        (sql.DELETE_FORMER_ADDRESS, [(site, *key) for key in sorted(work.addresses.removed)]),
        (sql.MARK_UNDONE, marks),
    )
    for statement, rows in removals:
        if rows:
            await connection.many(statement, rows)
