"""What an activity changes: history, counters, ties, consent and the log of its email."""

from typing import Final, NamedTuple

import msgspec

from regulars.domain.activity import Activity
from regulars.domain.address_rules import (
    Marks,
    create_person,
    is_of_somebody_deleted,
    mark_address,
    mark_current_address,
    mark_tombstone,
    rename,
)
from regulars.domain.consent import EVENT, IMPORT, UNDATED, Consent
from regulars.domain.consent_rules import NEWSLETTER_KEPT_BACK, record_consent, why_without_consent
from regulars.domain.customer import Customer, Person, shown_name
from regulars.domain.erasure import refuse_erased
from regulars.domain.events import REFERENCE_FIELDS
from regulars.domain.faults import Fault, refuse
from regulars.domain.forgetting import count_ignored_event, is_ignored
from regulars.domain.identity import Who
from regulars.domain.latest_times import move_forward
from regulars.domain.limits import Limits
from regulars.domain.mail import RANK, Log, advance, identify_log
from regulars.domain.newsletter_consents import UNSUBSCRIBED, NewsletterStatement, report_newsletter
from regulars.domain.orders import Report, Sums, growth, report_of, tells_more, total, with_event_uuid
from regulars.domain.outcome import Outcome, Verdict
from regulars.domain.relations import BY_NAME, FLAG, ReportKind
from regulars.domain.revenue_rules import add_revenue, note_currency
from regulars.domain.subject_rules import find_named, is_named_by_id_alone, is_of_nobody, named_mail, subject_of
from regulars.domain.ties import apply_sets
from regulars.domain.upsert_rules import apply_upsert
from regulars.domain.working import LACKS_TIME, LACKS_UUID, WorkingSet

_NEWSLETTER_IN: Final = "newsletter.subscribed"
_HARD_BOUNCING: Final = "hard_bouncing"


def apply_activity(activity: Activity, work: WorkingSet, limits: Limits, *, source: str) -> Outcome:
    """Apply one activity. A repeat, by uuid or as a report of an order, changes nothing and gives "unchanged".

    Raises RefusedError when the identifiers disagree, or an `identify` breaks the rules of the upsert.
    """
    refuse_erased(activity.who, work)
    if activity.uuid is not None and activity.uuid in work.history.seen_uuids:
        person = find_named(activity.who, work)
        if person is None or not _tells_more(activity, person.customer.number, work):
            return Outcome("unchanged", person)
        activity = _as_later_report(activity)
    if activity.profile is not None:
        if is_of_somebody_deleted(activity.who, activity.at, work):
            return Outcome("ignored")
        of = find_named(activity.who, work)
        if of is not None and is_ignored(activity, of):
            count_ignored_event(of, work)
            return Outcome("ignored")
        at = None if activity.at is None else min(activity.at, work.now)
        outcome = apply_upsert(activity.profile, work, limits, source=source, at=at)
        assert outcome.person is not None
        keep_event(activity, outcome.person, work, work.now if at is None else at, log=None)
        return outcome
    for field, reference in activity.references:
        work.objects.refuse_unknown_number(field, REFERENCE_FIELDS[field], reference)
    for reference in activity.products:
        work.objects.refuse_unknown_number("product_ids", "product", reference)
    subject, mail = subject_of(activity, work), named_mail(activity, work)
    if subject is None and is_of_nobody(activity, work):
        marks = _marks(activity)
        if marks != Marks():
            address = activity.who.email_key or (None if mail is None else mail.address_key)
            mark_tombstone(address, marks, work.now if activity.at is None else activity.at, work)
        return Outcome("ignored")
    if subject is not None and is_ignored(activity, subject):
        count_ignored_event(subject, work)
        return Outcome("ignored")
    named = activity.who.email_key
    is_foreign = subject is not None and is_named_by_id_alone(activity, subject, work)
    if is_foreign:
        activity = msgspec.structs.replace(activity, who=Who())  # the address that it carries is not the customer's
    person, verdict = _person(subject, activity.who, work, activity.at)
    number = person.customer.number
    order = None if activity.order_id is None else order_effect(activity, number, work)
    warnings = note_currency(activity.currency, work)
    if order is not None and order.is_repeat:
        return Outcome(verdict, person, warnings=warnings)
    since, report = (work.now, ReportKind.IMMEDIATE) if activity.at is None else (activity.at, ReportKind.BACKDATED)
    at = min(since, work.now)  # what happened is never ahead of us, but what came before what is as it was reported
    numbers = [
        (field, work.objects.refer(REFERENCE_FIELDS[field], reference, work.now))
        for field, reference in activity.references
    ]
    products = [work.objects.refer("product", reference, work.now) for reference in activity.products]
    next_log = work.counters.log
    log = _mail(activity, person, work, dict(numbers), at) if activity.kind.mail else None
    known = log if log is not None and log.number < next_log else mail
    address = named or (None if known is None else known.address_key)
    if address is None and person.part is not None:
        address = work.people.row(person.part).email_key
    keep_event(activity, person, work, at, log=None if log is None else log.number)
    is_here = not activity.kind.of_address or address in (None, person.customer.email_key)
    count_figures(activity, person, work, at, order, is_here=is_here)
    is_belief = source == IMPORT and activity.at is None
    kept_back = change_ties(
        activity, person, work, numbers, products, since, report, is_here=is_here, is_belief=is_belief, source=source
    )
    kept_back += _consent(activity, person, work, since, report, source=UNDATED if is_belief else source)
    if activity.kind.of_address:
        marks = _marks(activity)
        if address is None:
            mark_current_address(marks, since, person, work)
        else:
            mark_address(address, marks, since, person, work, is_foreign=is_foreign)
    verdict = "created" if verdict == "created" else "updated"
    return Outcome(verdict, person, kept_back=kept_back, warnings=warnings)


def _marks(activity: Activity) -> Marks:
    """What a bounce, its end or a complaint says of the address that it names."""
    hard = [rule.holds for rule in activity.rules() if rule.relation == _HARD_BOUNCING]
    has_ended = activity.consent is not None and not activity.consent[0]
    is_complaint = has_ended and activity.cause == "complaint"
    return Marks(hard[0] if hard else None, "bounced_at" in activity.kind.moves, is_complaint, has_ended)


def _person(person: Person | None, who: Who, work: WorkingSet, at: int | None) -> tuple[Person, Verdict]:
    """The customer an activity is about, created if unknown.

    A customer without an address or id gets that of the activity, if nobody else has it.
    """
    if person is None:
        if who.email_key is None and who.customer_id is None:
            raise refuse("customer_not_found", "uuid", "No customer has this uuid.")
        at = None if at is None else min(at, work.now)
        return create_person(Who(who.email, who.email_key, who.customer_id), work, at=at), "created"
    customer = person.customer
    new_address = customer.email_key is None and not work.people.find(Who(email_key=who.email_key))
    new_id = customer.customer_id is None and not work.people.find(Who(customer_id=who.customer_id))
    missing = Who(
        email=who.email if new_address else None,
        email_key=who.email_key if new_address else None,
        customer_id=who.customer_id if new_id else None,
    )
    if missing != Who():
        rename(person, missing, work, work.now)
        return person, "updated"
    return person, "unchanged"


def keep_event(activity: Activity, person: Person, work: WorkingSet, at: int, *, log: int | None) -> None:
    """Write the activity into the customer's history."""
    if activity.uuid is not None:
        work.history.see(activity.uuid, person.origin if log is None else None)
    work.record(
        person,
        activity.name,
        at,
        uuid=activity.uuid,
        order_id=activity.order_id,
        log=log,
        detail=activity.detail,
        lacks=LACKS_TIME * (activity.at is None or activity.at_is_arrival)
        + LACKS_UUID * (activity.uuid_is_derived or activity.uuid is None),
    )


def report_in(activity: Activity, work: WorkingSet) -> Report:
    """What an activity reports of its order."""
    lacks_time = activity.at is None or activity.at_is_arrival
    at = None if lacks_time or activity.at is None else min(activity.at, work.now)  # as it is kept
    return report_of(None if activity.uuid_is_derived else activity.uuid, at, activity.detail)


def _tells_more(activity: Activity, customer: int, work: WorkingSet) -> bool:
    """Whether a repeat of an event tells an amount of its order that the event did not have."""
    if activity.order_id is None or activity.uuid_is_derived:
        return False
    reports = work.history.orders.get((customer, activity.name, activity.order_id), ())
    return tells_more(report_in(activity, work), reports)


def _as_later_report(activity: Activity) -> Activity:
    """The repeat of an event, as a row of its own that says in its details which event it is about."""
    assert activity.uuid is not None
    detail = with_event_uuid(activity.detail, activity.uuid)
    return msgspec.structs.replace(activity, uuid=None, detail=detail)


class OrderEffect(NamedTuple):
    """The effect of a report on its order. growth: cents by which the sum of its lines grows, by currency."""

    growth: Sums
    is_new: bool
    is_repeat: bool


def order_effect(activity: Activity, customer: int, work: WorkingSet) -> OrderEffect:
    """Note what an activity reports of its order; returns what that changes."""
    assert activity.order_id is not None
    reports = work.history.orders.setdefault((customer, activity.name, activity.order_id), [])
    report = report_in(activity, work)
    if report.uuid is None and report in reports:
        return OrderEffect({}, is_new=False, is_repeat=True)
    before = total(activity.name, reports)
    reports.append(report)
    grown = growth(before, total(activity.name, reports))
    return OrderEffect(grown, is_new=len(reports) == 1, is_repeat=False)


def count_figures(
    activity: Activity, person: Person, work: WorkingSet, at: int, order: OrderEffect | None, *, is_here: bool
) -> None:
    """Count an activity in the figures of its customer, and move its times.

    is_here: it is about the current address, or about none.
    """
    kind = activity.kind
    grown = {activity.currency: activity.amount} if order is None else order.growth
    if kind.counts is not None and (order is None or order.is_new):
        customer = work.people.touch(person)
        setattr(customer, kind.counts, getattr(customer, kind.counts) + 1)
    for currency, amount in grown.items() if kind.revenue else ():
        if amount:
            lifetime = amount if kind.revenue > 0 else 0
            add_revenue(person, work, currency, net=kind.revenue * amount, lifetime=lifetime)
    if is_here:
        move_forward(person, work, kind.moves, at)
    if kind.personal:
        move_forward(person, work, ("last_request_at",), at)


def change_ties(
    activity: Activity,
    person: Person,
    work: WorkingSet,
    numbers: list[tuple[str, int]],
    products: list[int],
    at: int,
    report: ReportKind,
    *,
    is_here: bool,
    is_belief: bool = False,
    source: str = EVENT,
) -> tuple[Fault, ...]:
    """Change the ties. A file without a time does not restore an ended newsletter; this is reported."""
    joins = any(rule.holds and rule.relation == _NEWSLETTER_IN for rule in activity.rules())
    if joins and is_belief:
        report = ReportKind.BELIEVED
    kept_back: tuple[Fault, ...] = ()
    for rule in activity.rules():
        if rule.field is None:
            if is_here or rule.relation != _HARD_BOUNCING:
                work.ties.report(person, BY_NAME[rule.relation], FLAG, rule.holds, at, report)
            continue
        named = [number for field, number in numbers if field == rule.field]
        if rule.field == "product_id":
            named += products
        for number in named:
            if rule.relation == UNSUBSCRIBED.name:
                continue  # the subscription says it
            if rule.relation == _NEWSLETTER_IN:
                statement = NewsletterStatement(person.origin, source, activity.cause, activity.wording, activity.proof)
                report_newsletter(person, work, number, rule.holds, at, report, statement)
            else:
                apply_sets((rule,), person, work, number, at, report)
            if joins and is_belief and not person.has(_NEWSLETTER_IN, number):
                kept_back = (Fault("newsletter_id", NEWSLETTER_KEPT_BACK),)
    return kept_back


def _consent(
    activity: Activity, person: Person, work: WorkingSet, at: int, report: ReportKind, *, source: str
) -> tuple[Fault, ...]:
    """Give or end consent. Returns why it stays ended, if the grant does not restore it."""
    change = activity.consent
    if change is None:
        return ()
    granted = change[0]
    cause = None if granted else activity.cause
    evidence = Consent(person.origin, at, granted, cause, source, activity.wording, activity.proof)
    record_consent(person, work, evidence, report)
    return why_without_consent(person, work, "event") if granted else ()


def _mail(activity: Activity, person: Person, work: WorkingSet, numbers: dict[str, int], at: int) -> Log:
    """The log of the activity's email, created if needed, with its status advanced."""
    customer, named = person.customer, work.people.named_row(person)
    objects = {REFERENCE_FIELDS[field]: number for field, number in numbers.items()}
    identity = identify_log(activity.log_key, person.origin, objects, at)
    log = work.history.logs.get(identity)
    status = activity.kind.mail
    assert status is not None
    source = next((field for field in ("template_id", "broadcast_id", "sequence_id") if field in numbers), None)
    item = None if source is None else work.objects.by_reference[REFERENCE_FIELDS[source], numbers[source]]
    if log is None:
        log = Log(
            number=work.counters.log,
            identity=identity,
            key=activity.log_key,
            customer=person.origin,
            address_key=activity.who.email_key or named.email_key,
            recipient_name=shown_name(customer.name, None, None),
            recipient_address=activity.who.email or named.email,
            created_at=at,
            status=RANK["requested"],
            status_at=at,
            message="",
            email_id=None,
            email_name=None,
            email_version=None,
        )
        work.counters.log += 1
        work.history.add_log(log)
        work.history.note_mail(log, activity.log_key)
    else:
        work.history.change_log(log)
        _readdress(log, activity.who, named)
        work.history.note_mail(log, activity.log_key)
    if item is not None and (log.email_id is None or item.public_id < log.email_id):
        # Events of one mail should name the same; of those that do not, any order of arrival keeps the same one.
        log.email_id = item.public_id
    log.email_name = agreed_text(log.email_name, activity.email_name)
    log.email_version = agreed_text(log.email_version, activity.email_version)
    advance(log, status, at, activity.message)
    return log


def agreed_text(known: str | None, told: str | None) -> str | None:
    """The one of two texts that every order of arrival keeps; None counts as absent."""
    return min((text for text in (known, told) if text is not None), default=None)


def _readdress(log: Log, who: Who, customer: Customer) -> None:
    """Use the address that an event names as that of its email, if it is better than what is known.

    Without one, the email is assumed to have gone to the customer's current address. Every order of arrival keeps
    the same one of several.
    """
    named, known, current = who.email_key, log.address_key, customer.email_key
    if named is None or named == known:
        return
    if known in (None, current) or (named != current and named < (known or "")):
        log.address_key, log.recipient_address = named, who.email
