"""Loads what is kept of single customers beside their rows: what undoing an import needs, and consent requests."""

import msgspec

from regulars.domain.commands import Needs
from regulars.domain.relations import Tie
from regulars.domain.working import WorkingSet
from regulars.domain.working.history import Traces
from regulars.store import import_statements, tie_statements
from regulars.store.consent_requests import read_requests
from regulars.store.engine import Connection


async def load_kept(connection: Connection, site: int, needs: Needs, work: WorkingSet) -> None:
    """Read it, for customers who are loaded."""
    if needs.consent_requests:
        for request in await read_requests(connection, site, needs.consent_requests):
            work.consent_requests.by_number[request.number] = request
    if not needs.traces:
        return
    people = work.people.by_number
    places = sorted(place for place in needs.places if place[0] in people)
    queries = [(import_statements.TRACES, {"site": site, "keys": _json(sorted(needs.traces))})]
    if places:
        queries.append((tie_statements.TIES, {"site": site, "keys": _json(places)}))
    traces, *ties = await connection.several(queries)
    for customer, last_consent, hidden, *history, newsletter_evidence, requests in traces:
        has_history = any(each is not None for each in history)
        has_evidence = newsletter_evidence is not None
        work.history.traces[customer] = Traces(last_consent or 0, hidden, has_history, has_evidence, requests)
    for customer, relation, item, holds, at in (row for rows in ties for row in rows):
        people[customer].ties.setdefault((relation, item), Tie(bool(holds), at))


def _json(keys: object) -> str:
    return msgspec.json.encode(keys).decode()
