"""The history of customers for exports: events, email logs and evidence of consent, each with its customer."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from operator import itemgetter

from msgspec import Struct

from regulars.domain.consent import Consent
from regulars.domain.mail import Log
from regulars.domain.working import ActivityRow
from regulars.domain.working.history import NewsletterConsent
from regulars.exporting.people import Label
from regulars.exporting.reading import NEWSLETTER, Labels
from regulars.store.engine import Connection
from regulars.store.export_reads import (
    Identity,
    activity_rows,
    consent_rows,
    events_of_logs,
    identities,
    log_rows,
    logs_by_number,
)


class ExportedEvent(Struct, frozen=True):
    """An event of a customer. log: of the email that it is about."""

    site: int
    row: ActivityRow
    who: Identity
    log: Log | None = None


class ExportedLog(Struct, frozen=True):
    """An email log with its events. who: its customer, None if that was deleted."""

    site: int
    log: Log
    who: Identity | None
    events: tuple[ActivityRow, ...] = ()


class ExportedConsent(Struct, frozen=True):
    """A piece of evidence of a customer's consent.

    label: of the newsletter that it is about, None for marketing email.
    """

    site: int
    consent: Consent | NewsletterConsent
    who: Identity
    label: Label | None = None


async def read_activity(
    connection: Connection, site: int, numbers: Sequence[int] | None = None
) -> AsyncIterator[list[ExportedEvent]]:
    """Events in slices. Those of deleted customers, of which only their emails are left, are with the email logs."""
    async for rows in activity_rows(connection, site, numbers):
        people = await identities(connection, site, (row.customer for row in rows))
        named = [row.log for row in rows if row.log is not None]
        logs = await logs_by_number(connection, site, named) if named else {}
        yield [
            ExportedEvent(site, row, people[row.customer], None if row.log is None else logs.get(row.log))
            for row in rows
            if row.customer in people
        ]


async def read_logs(
    connection: Connection, site: int, numbers: Sequence[int] | None = None
) -> AsyncIterator[list[ExportedLog]]:
    """Email logs in slices, those to deleted customers included."""
    async for logs in log_rows(connection, site, numbers):
        yield await with_events(connection, site, logs)


async def with_events(connection: Connection, site: int, logs: Sequence[Log]) -> list[ExportedLog]:
    """Email logs with their customers and events."""
    if not logs:
        return []
    people = await identities(connection, site, (log.customer for log in logs))
    events: defaultdict[int, list[ActivityRow]] = defaultdict(list)
    for row in await events_of_logs(connection, site, (log.number for log in logs)):
        events[row.log or 0].append(row)
    return [ExportedLog(site, log, people.get(log.customer), tuple(events[log.number])) for log in logs]


async def read_consents(
    connection: Connection, site: int, numbers: Sequence[int] | None = None
) -> AsyncIterator[list[ExportedConsent]]:
    """Evidence of consent and about newsletters, in slices of customers."""
    labels = Labels(connection, site)
    async for people, consents, subscriptions in consent_rows(connection, site, numbers):
        known = {who.number: who for who in people}
        found = [
            (customer, number, ExportedConsent(site, Consent(customer, at, bool(granted), *rest), known[customer]))
            for customer, number, at, granted, *rest in consents
        ]
        named = await labels.read({(NEWSLETTER, row[2]) for row in subscriptions}) if subscriptions else {}
        for customer, number, newsletter, at, granted, *rest in subscriptions:
            consent = NewsletterConsent(customer, newsletter, at, bool(granted), *rest)
            label = named[NEWSLETTER, newsletter]
            found.append((customer, number, ExportedConsent(site, consent, known[customer], label)))
        yield [each for _, _, each in sorted(found, key=itemgetter(0, 1))]
