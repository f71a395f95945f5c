"""Restored activity: the events and emails of an export, as they were in the store that was exported.

They count in the figures, which follow from the events. Ties, consent and flags are those that the customers' own lines
restore: an event of long ago does not change them.
"""

import hashlib

from msgspec import Struct

from regulars.domain.activity import Activity
from regulars.domain.activity_rules import OrderEffect, agreed_text, count_figures, keep_event, report_in
from regulars.domain.customer import Person
from regulars.domain.erasure import refuse_erased
from regulars.domain.events import MAIL_REFERENCES, REFERENCE_FIELDS
from regulars.domain.faults import refuse
from regulars.domain.identity import Who
from regulars.domain.mail import RANK, Log, advance, identify_log
from regulars.domain.objects import OWN_NUMBERS
from regulars.domain.orders import growth, total
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.revenue_rules import note_currency
from regulars.domain.working import LACKS_TIME, LACKS_UUID, ActivityRow, WorkingSet


class RestoredMail(Struct, frozen=True):
    """The email log of a restored event.

    key: the sender's id. ref: what tells it apart from other emails without one. address, address_key: to which it
    went. name: of the recipient. email_id: what was sent.
    """

    key: str | None = None
    ref: str | None = None
    address: str | None = None
    address_key: str | None = None
    name: str | None = None
    email_id: str | None = None


class RestoredEvent(Struct, frozen=True):
    """An event of an export."""

    activity: Activity
    mail: RestoredMail | None = None


class RestoredLog(Struct, frozen=True, kw_only=True):
    """An email log of an export, with its events. who: its customer, None if that was deleted. Times: ms."""

    who: Who | None
    mail: RestoredMail
    created_at: int
    status: int
    status_at: int
    message: str
    email_name: str | None
    email_version: str | None
    events: tuple[RestoredEvent, ...] = ()


def find_restored(who: Who, work: WorkingSet) -> Person | None:
    """The customer with the strongest of the identifiers that is known."""
    for each in (Who(uuid=who.uuid), Who(customer_id=who.customer_id), Who(email_key=who.email_key)):
        if found := work.people.find(each):
            return work.people.merged.named(work.people.by_number[found.pop()], each)
    return None


def restore_event(restored: RestoredEvent, work: WorkingSet) -> Outcome:
    """Restore an event of a known customer. Raises RefusedError for an unknown one."""
    activity = restored.activity
    person = find_restored(activity.who, work)
    if person is None:
        detail = "No customer has these identifiers. Import the customers of the export first."
        raise refuse("customer_not_found", "uuid", detail)
    if activity.uuid in work.history.seen_uuids:
        return Outcome("unchanged", person)
    at = work.now if activity.at is None else min(activity.at, work.now)
    order = None if activity.order_id is None else _order(activity, person.customer.number, work)
    warnings = note_currency(activity.currency, work)
    log = _mail(restored, person, work, at) if restored.mail is not None and activity.kind.mail else None
    keep_event(activity, person, work, at, log=None if log is None else log.number)
    count_figures(activity, person, work, at, order, is_here=not activity.kind.of_address)
    return Outcome("updated", person, warnings=warnings)


def _order(activity: Activity, customer: int, work: WorkingSet) -> OrderEffect:
    assert activity.order_id is not None
    reports = work.history.orders.setdefault((customer, activity.name, activity.order_id), [])
    before = total(activity.name, reports)
    reports.append(report_in(activity, work))
    return OrderEffect(growth(before, total(activity.name, reports)), is_new=len(reports) == 1, is_repeat=False)


def _mail(restored: RestoredEvent, person: Person, work: WorkingSet, at: int) -> Log:
    """The log of an event's email, created if needed, with its status advanced."""
    activity, mail = restored.activity, restored.mail
    assert mail is not None
    identity = _identity(restored, person, work, at)
    log = work.history.logs.get(identity)
    if log is None:
        log = Log(
            number=work.counters.log,
            identity=identity,
            key=mail.key,
            customer=person.origin,
            address_key=mail.address_key,
            recipient_name=mail.name,
            recipient_address=mail.address,
            created_at=at,
            status=RANK["requested"],
            status_at=at,
            message="",
            email_id=mail.email_id,
            email_name=None,
            email_version=None,
        )
        work.counters.log += 1
        work.history.add_log(log)
    else:
        work.history.change_log(log)
    log.email_name = agreed_text(log.email_name, activity.email_name)
    log.email_version = agreed_text(log.email_version, activity.email_version)
    assert activity.kind.mail is not None
    advance(log, activity.kind.mail, at, activity.message)
    return log


def _identity(restored: RestoredEvent, person: Person, work: WorkingSet, at: int) -> bytes:
    """Which email an event is about: as for any event, if all that it names is known here under the same id."""
    mail, number = restored.mail, person.origin
    assert mail is not None
    if mail.key is not None:
        return identify_log(mail.key, number, {}, at)
    named = mail_objects(restored.activity)
    found = {kind: item.number for kind, each in named if (item := work.objects.find(kind, each)) is not None}
    if named and len(found) == len(named) and not any(each in OWN_NUMBERS for _, each in named):
        return identify_log(None, number, found, at)
    return identity_of_ref(mail.ref or "", number)


def mail_objects(activity: Activity) -> tuple[tuple[str, Reference], ...]:
    """(kind, reference) of what an email was sent for."""
    return tuple((REFERENCE_FIELDS[field], each) for field, each in activity.references if field in MAIL_REFERENCES)


def identity_of_ref(ref: str, customer: int) -> bytes:
    """The identity of an email that has no id, by its identity in the store that was exported."""
    return hashlib.blake2b(f"restored {customer} {ref}".encode(), digest_size=16).digest()


def identity_of_gone(mail: RestoredMail) -> bytes:
    """The identity of an email to a customer who was deleted before the export."""
    text = f"gone {mail.address_key or ''} {mail.key or ''} {mail.ref or ''}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def restore_log(restored: RestoredLog, work: WorkingSet) -> Outcome:
    """Restore an email log with those of its events that are not here yet."""
    person = None if restored.who is None else find_restored(restored.who, work)
    if person is not None:
        outcomes = [restore_event(event, work) for event in restored.events]
        is_new = any(outcome.verdict == "updated" for outcome in outcomes)
        return Outcome("updated" if is_new else "unchanged", person)
    identity = identity_of_gone(restored.mail)
    refuse_erased(Who(email_key=restored.mail.address_key), work)
    if identity in work.history.logs:
        return Outcome("unchanged")
    mail, number = restored.mail, work.counters.customer
    work.counters.customer += 1  # stands for the customer, and is never given out again
    log = Log(
        number=work.counters.log,
        identity=identity,
        key=mail.key,
        customer=number,
        address_key=mail.address_key,
        recipient_name=mail.name,
        recipient_address=mail.address,
        created_at=restored.created_at,
        status=restored.status,
        status_at=restored.status_at,
        message=restored.message,
        email_id=mail.email_id,
        email_name=restored.email_name,
        email_version=restored.email_version,
    )
    work.counters.log += 1
    work.history.add_log(log)
    for event in restored.events:
        activity = event.activity
        log.opens += activity.name == "email_opened"
        log.clicks += activity.name == "email_clicked"
        if activity.uuid in work.history.seen_uuids or activity.at is None or activity.uuid is None:
            continue
        work.history.see(activity.uuid, None)
        lacks = LACKS_TIME * activity.at_is_arrival + LACKS_UUID * activity.uuid_is_derived
        row = ActivityRow(
            work.counters.activity, number, activity.name, activity.at, activity.uuid, None, log.number, None, lacks
        )
        row.received_at, row.channel, row.actor = work.now, work.origin.actor.channel, work.origin.actor.number
        work.counters.activity += 1
        work.history.activities.append(row)
    return Outcome("created")
