"""Loads what is kept of single customers beside their rows: what undoing an import needs, and consent requests."""

from collections.abc import Sequence
from typing import Any

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
    groups = {number: work.people.merged.group(number) for number in needs.traces}
    keys = sorted({number for group in groups.values() for number in group})
    queries = [(import_statements.TRACES, {"site": site, "keys": _json(keys)})]
    if places:
        queries.append((tie_statements.TIES, {"site": site, "keys": _json(places)}))
    rows, *ties = await connection.several(queries)
    found = {row[0]: _traces(row[1:]) for row in rows}
    work.history.traces.update(found)
    for number, group in groups.items():
        work.history.traces[number] = _together([found[each] for each in group])
    for customer, relation, item, holds, at in (row for rows in ties for row in rows):
        people[customer].ties.setdefault((relation, item), Tie(bool(holds), at))


def _traces(columns: Sequence[Any]) -> Traces:
    last_consent, hidden, *history, newsletter_evidence, requests = columns
    has_history = any(each is not None for each in history)
    return Traces(last_consent or 0, hidden, has_history, newsletter_evidence is not None, requests)


def _together(traces: Sequence[Traces]) -> Traces:
    """What is kept of a customer and its parts."""
    if len(traces) == 1:
        return traces[0]
    return Traces(
        max(each.last_consent for each in traces),
        sum(each.hidden_ties for each in traces),
        any(each.has_history for each in traces),
        any(each.has_newsletter_evidence for each in traces),
        sum(each.requests for each in traces),
    )


def _json(keys: object) -> str:
    return msgspec.json.encode(keys).decode()
