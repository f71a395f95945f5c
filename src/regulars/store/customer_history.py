"""Reads the history of one customer, newest first, a page at a time: events, changes of the profile, and consent.

Pages continue from a place, through indexes, so a customer with 100,000 entries is as fast as one with ten.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from regulars.domain.consent import Consent
from regulars.domain.mail import Log
from regulars.domain.profile_changes import ProfileChange, read_body
from regulars.domain.working import ActivityRow
from regulars.domain.working.history import NewsletterConsent
from regulars.store import customer_history_statements as sql
from regulars.store.engine import Connection, Row
from regulars.store.reads import FOREVER
from regulars.store.statement import Statement

LOOKED_AT: Final = 10_000
"""How many events are searched for those with one name, for one page."""


class HistoryPlace(NamedTuple):
    """A place in a history: the time (ms), the rank of the kind of entry, and the number within the kind."""

    at: int
    rank: int
    number: int


NEWEST: Final = HistoryPlace(FOREVER, FOREVER, FOREVER)
"""Before the newest entry."""


class HistoryEntry(NamedTuple):
    """An entry of a history. kind: a key of KINDS or EVIDENCE."""

    kind: str
    place: HistoryPlace
    record: ActivityRow | ProfileChange | Consent | NewsletterConsent


class HistoryRange(NamedTuple):
    """The part of a history to read: the newest `size` entries behind a place, from `since` to `until` (ms)."""

    size: int
    behind: HistoryPlace = NEWEST
    since: int = -FOREVER
    until: int = FOREVER


class _Kind(NamedTuple):
    statement: Statement
    made: Callable[[int, Row], tuple[int, int, Any]]
    """(time, number, record) of a customer's row."""


def _event(customer: int, row: Row) -> tuple[int, int, ActivityRow]:
    number, name, at, *rest = row
    return at, number, ActivityRow(number, customer, name, at, *rest)


def _profile_change(customer: int, row: Row) -> tuple[int, int, ProfileChange]:
    at, position, created, channel, actor, body = row
    return at, position, ProfileChange(customer, bool(created), *read_body(body), channel, actor)


def _consent(customer: int, row: Row) -> tuple[int, int, Consent]:
    number, at, granted, *rest = row
    return at, number, Consent(customer, at, bool(granted), *rest)


def _newsletter_consent(customer: int, row: Row) -> tuple[int, int, NewsletterConsent]:
    number, newsletter, at, granted, *rest = row
    return at, number, NewsletterConsent(customer, newsletter, at, bool(granted), *rest)


KINDS: Final = {
    "profile": _Kind(sql.PROFILE_CHANGES_OF_CUSTOMER, _profile_change),
    "consent": _Kind(sql.CONSENTS_OF_CUSTOMER, _consent),
    "event": _Kind(sql.EVENTS_OF_CUSTOMER, _event),
}
"""The kinds of entries of an activity."""

EVIDENCE: Final = {
    "consent": KINDS["consent"],
    "newsletter": _Kind(sql.NEWSLETTER_CONSENTS_OF_CUSTOMER, _newsletter_consent),
}
"""The kinds of entries of evidence. That of newsletters is told in the activity by events and changed ties."""

_ALL: Final = {**KINDS, **EVIDENCE}
RANKS: Final = {kind: rank for rank, kind in enumerate(_ALL)}
"""Of entries of the same time, one with a higher rank comes first."""
_CREATION: Final = -1
"""The number of the entry of a customer's creation where no call is known to have made it."""


async def read_history(
    connection: Connection,
    site: int,
    customers: Sequence[int],
    created_at: int,
    span: HistoryRange,
    *,
    kinds: Sequence[str] = tuple(KINDS),
    name: str | None = None,
) -> tuple[list[HistoryEntry], HistoryPlace | None]:
    """A page of entries, and the place behind which the next page begins, None at the end.

    customers: the customer's number, and those of customers who were merged into it. created_at: when it was created.
    name: only events with this name. A page of these may have fewer entries although more follow.
    """
    if name is not None:
        return await _events_named(connection, site, customers, name, span)
    chosen = [(kind, customer) for kind in _ALL if kind in kinds for customer in customers]
    queries = [(_ALL[kind].statement, _values(site, each, RANKS[kind], span)) for kind, each in chosen]
    if "profile" in kinds:
        queries.append((sql.FIRST_PROFILE_CHANGE, {"site": site, "customer": customers[0]}))
    found = await connection.several(queries)
    entries = [
        _entry(kind, *_ALL[kind].made(customer, row))
        for (kind, customer), rows in zip(chosen, found, strict=False)
        for row in rows
    ]
    if "profile" in kinds and found[-1] != [(1,)]:
        creation = _entry("profile", created_at, _CREATION, ProfileChange(customers[0], True, (), (), None, None))
        if span.since <= created_at <= span.until and creation.place < span.behind:
            entries.append(creation)
    entries.sort(key=lambda entry: entry.place, reverse=True)
    page = entries[: span.size]
    return page, page[-1].place if len(entries) > len(page) else None


async def _events_named(
    connection: Connection, site: int, customers: Sequence[int], name: str, span: HistoryRange
) -> tuple[list[HistoryEntry], HistoryPlace | None]:
    rank = RANKS["event"]
    entries: list[HistoryEntry] = []
    ends: list[HistoryPlace] = []
    for customer in customers:
        values = {**_values(site, customer, rank, span), "name": name, "looked_at": LOOKED_AT}
        rows, end = await connection.several(
            [(sql.EVENTS_NAMED_OF_CUSTOMER, values), (sql.END_OF_WINDOW, values)], long=True
        )
        entries += [_entry("event", *_event(customer, row)) for row in rows]
        if len(rows) > span.size:
            ends.append(entries[-1].place)
        elif end:
            ends.append(HistoryPlace(end[0][0], rank, end[0][1]))
    reached = max(ends, default=None)  # up to there, the events of all of them were looked at
    if reached is not None:
        entries = [entry for entry in entries if entry.place >= reached]
    entries.sort(key=lambda entry: entry.place, reverse=True)
    page = entries[: span.size]
    return page, page[-1].place if len(entries) > len(page) else reached


def _entry(kind: str, at: int, number: int, record: Any) -> HistoryEntry:
    return HistoryEntry(kind, HistoryPlace(at, RANKS[kind], number), record)


def _values(site: int, customer: int, rank: int, span: HistoryRange) -> dict[str, int]:
    return {"site": site, "customer": customer, **places_behind(rank, span)}


def places_behind(rank: int, span: HistoryRange) -> dict[str, int]:
    """The parameters of statements for the entries of one kind: at the time of the place, only what comes behind it."""
    behind, until, before = span.behind, span.until, FOREVER
    if behind.at <= until:
        until = behind.at
        before = behind.number if rank == behind.rank else FOREVER if rank < behind.rank else -FOREVER
    return {"since": span.since, "until": until, "before_number": before, "count": span.size + 1}


async def read_consents(
    connection: Connection, site: int, customers: Sequence[int], span: HistoryRange
) -> tuple[list[HistoryEntry], HistoryPlace | None]:
    """A page of evidence of consent and subscriptions, and the place behind which the next page begins."""
    return await read_history(connection, site, customers, 0, span, kinds=tuple(EVIDENCE))


async def read_emails(
    connection: Connection, site: int, customers: Sequence[int], span: HistoryRange
) -> tuple[list[Log], HistoryPlace | None]:
    """A page of the emails to a customer, and the place behind which the next page begins."""
    logs = [
        Log(*(*row[:3], customer, *row[3:]))
        for customer in customers
        for row in await connection.all(sql.EMAILS_OF_CUSTOMER, _values(site, customer, 0, span))
    ]
    logs.sort(key=lambda log: (log.created_at, log.number), reverse=True)
    page = logs[: span.size]
    return page, HistoryPlace(page[-1].created_at, 0, page[-1].number) if len(logs) > len(page) else None
