"""Writes what a transaction adds to the history of customers: events, evidence of consent, changes of profiles."""

from msgspec.structs import astuple

from regulars.domain.working import WorkingSet
from regulars.store import customer_history_statements
from regulars.store import statements as sql
from regulars.store.engine import Connection


async def write_history(connection: Connection, site: int, work: WorkingSet, moment: int) -> None:
    """Write it. moment: that of the commit."""
    history = work.history
    events = [(site, *astuple(row)) for row in history.activities]
    if events:
        await connection.many(sql.INSERT_ACTIVITIES, events)
    consents = []
    for consent in history.consents:
        customer, *rest = astuple(consent)
        consents.append((site, customer, work.counters.consent, *rest))
        work.counters.consent += 1
    if consents:
        await connection.many(sql.INSERT_CONSENTS, consents)
    newsletter_consents = []
    for each in history.newsletter_consents:
        customer, *rest = astuple(each)
        newsletter_consents.append((site, customer, work.counters.consent, *rest))
        work.counters.consent += 1
    if newsletter_consents:
        await connection.many(customer_history_statements.INSERT_NEWSLETTER_CONSENTS, newsletter_consents)
    changes = [
        (site, each.customer, moment, place, int(each.is_new), each.channel, each.actor, each.body())
        for place, each in enumerate(history.profile_changes)
    ]
    if changes:
        await connection.many(customer_history_statements.INSERT_PROFILE_CHANGES, changes)
