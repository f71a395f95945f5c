"""The upsert: create or update one customer from a judged profile."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.consent import CAUSES, Consent
from regulars.domain.customer import Customer, Person, shown_name
from regulars.domain.faults import refuse
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Verdict
from regulars.domain.profile import Profile, fill_names, joined_name, merge_attributes
from regulars.domain.relations import BY_NAME, FLAG, ReportKind
from regulars.domain.working import WorkingSet, conflict

_SUBSCRIBED: Final = BY_NAME["subscribed"]
_HARD_BOUNCING: Final = BY_NAME["hard_bouncing"]
_GROUP: Final = BY_NAME["group.member"]
_NEWSLETTER_IN: Final = BY_NAME["newsletter.subscribed"]
_NEWSLETTER_OUT: Final = BY_NAME["newsletter.unsubscribed"]
_CLEARABLE: Final = "attributes"


class Restored(Struct, frozen=True, kw_only=True):
    """What only an import may say of a customer: the past that our own export wrote down."""

    created_at: int | None = None
    updated_at: int | None = None
    bucket: int | None = None
    consents: tuple[Consent, ...] = ()


def apply_upsert(
    profile: Profile,
    work: WorkingSet,
    limits: Limits,
    *,
    source: str,
    at: int | None = None,
    restored: Restored | None = None,
) -> tuple[Verdict, Person]:
    """Create or update the customer that the profile names.

    `at` (ms) is the time of an `identify` that says when it was; one older than the customer's updated_at fills only
    empty fields. Raises RefusedError when the identifiers disagree or the attributes grow too large.
    """
    moment, report = (work.now, ReportKind.ASSERTED) if at is None else (at, ReportKind.BACKDATED)
    for reference in profile.groups:
        work.objects.refuse_unknown_number("groups", "group", reference)
    for reference, _ in profile.newsletters:
        work.objects.refuse_unknown_number("subscription_groups", "newsletter", reference)
    found = work.people.find(profile.who)
    if len(found) > 1:
        raise conflict()
    person = work.people.by_number[found.pop()] if found else None
    late = person is not None and at is not None and at < person.customer.updated_at
    if person is None:
        _refuse_unknown_uuid(profile.who)
        values = _new_values(None, profile, limits, late=False)
        person = work.create(profile.who, at=at)
        verdict: Verdict = "created"
    else:
        _refuse_other_uuid(profile.who, person)
        if profile.forget_customer_id:
            _refuse_namelessness(profile.who, person.customer)
        values = _new_values(person.customer, profile, limits, late=late)
        verdict = "unchanged"
    if verdict == "created":
        if restored is not None:
            _restore(person.customer, restored)
        for name, value in values.items():
            setattr(person.customer, name, value)
    else:
        renamed = _rename(person, profile.who, work, moment, late=late)
        if profile.forget_customer_id:
            renamed |= work.people.forget_customer_id(person)
        if _assign(person, values, work) or renamed:
            verdict = "updated"
    if _relate(person, profile, work, moment, report, source=source) and verdict == "unchanged":
        verdict = "updated"
    if restored is not None:
        for consent in restored.consents:
            if verdict != "created" and not _is_later(person, consent):
                continue
            record_consent(
                person, work, consent.granted, consent.cause, consent.at, ReportKind.BACKDATED, evidence=consent
            )
    if verdict == "updated":
        customer = work.people.touch(person)
        customer.updated_at = max(customer.updated_at, moment)
    return verdict, person


def _refuse_unknown_uuid(who: Who) -> None:
    if who.email_key is None and who.customer_id is None:
        raise refuse("customer_not_found", "uuid", "There is no customer with this uuid.")


def _refuse_other_uuid(who: Who, person: Person) -> None:
    if who.uuid is not None and who.uuid != person.customer.uuid:
        raise conflict()


def _refuse_namelessness(who: Who, customer: Customer) -> None:
    """A customer keeps at least one of the identifiers by which callers know it."""
    if customer.email_key is None and who.email_key is None:
        raise refuse("invalid", "customer_id", "cannot be cleared: nothing else identifies this customer")


def _new_values(customer: Customer | None, profile: Profile, limits: Limits, *, late: bool) -> dict[str, Any]:
    """The fields to write, with names in step and attributes merged."""
    fields = profile.fields
    patch = profile.attributes
    if profile.is_echo and customer is not None and customer.name is None:
        stand_in = shown_name(None, customer.email, customer.customer_id)
        fields = {name: value for name, value in fields.items() if (name, value) != ("name", stand_in)}
    if late and customer is not None:
        fields = {name: value for name, value in fields.items() if getattr(customer, name) is None}
        if patch:
            present = msgspec.json.decode(customer.attributes) if customer.attributes else {}
            patch = {key: value for key, value in patch.items() if key not in present}
    if "name" in fields or "firstname" in fields or "lastname" in fields:
        fields = dict(fields)
        if customer is None:
            fill_names(fields, None, None, longest=limits.name)
        else:
            if late and (customer.firstname or customer.lastname):
                fields.pop("name", None)  # it has parts already, which a name of once does not split anew
            fill_names(fields, customer.firstname, customer.lastname, longest=limits.name)
            if late and customer.name != joined_name(customer.firstname, customer.lastname):
                fields.pop("name", None)  # somebody chose it beside its parts, and it is not empty
    if patch:
        merged = merge_attributes(customer.attributes if customer else None, patch, longest=limits.attributes)
        fields = {**fields, _CLEARABLE: merged}
    return fields


def _rename(person: Person, who: Who, work: WorkingSet, moment: int, *, late: bool) -> bool:
    """Take over identifiers that are new to the customer; a new address starts without a bounce."""
    customer = person.customer
    new_email = who.email_key is not None and who.email_key != customer.email_key
    new_id = who.customer_id is not None and who.customer_id != customer.customer_id
    if late:
        new_email = new_email and customer.email_key is None
        new_id = new_id and customer.customer_id is None
    if not (new_email or new_id):
        return False
    moved = new_email and customer.email_key is not None
    work.people.rename(
        person,
        Who(
            email=who.email if new_email else None,
            email_key=who.email_key if new_email else None,
            customer_id=who.customer_id if new_id else None,
        ),
    )
    if moved:
        customer.bounced_at = None
        # Also where it does not bounce: a bounce of before, which is still to come, is not of the new address.
        work.ties.report(person, _HARD_BOUNCING, FLAG, False, moment, ReportKind.IMMEDIATE)
    return True


def _assign(person: Person, values: dict[str, Any], work: WorkingSet) -> bool:
    changed = [(name, value) for name, value in values.items() if getattr(person.customer, name) != value]
    if changed:
        customer = work.people.touch(person)
        for name, value in changed:
            setattr(customer, name, value)
    return bool(changed)


def _relate(person: Person, profile: Profile, work: WorkingSet, at: int, report: ReportKind, *, source: str) -> bool:
    changed = False
    for reference in profile.groups:
        changed |= work.ties.report(person, _GROUP, work.objects.refer("group", reference, work.now), True, at, report)
    for reference, subscribed in profile.newsletters:
        number = work.objects.refer("newsletter", reference, work.now)
        changed |= work.ties.report(person, _NEWSLETTER_IN, number, subscribed, at, report)
        changed |= work.ties.report(person, _NEWSLETTER_OUT, number, not subscribed, at, report)
    if profile.unsubscribed is not None and (
        report is ReportKind.BACKDATED or _is_news(person, granted=not profile.unsubscribed, is_echo=profile.is_echo)
    ):
        cause = "manual" if profile.unsubscribed else None
        record_consent(person, work, not profile.unsubscribed, cause, at, report, source=source)
        changed = True
    return changed


def _is_news(person: Person, *, granted: bool, is_echo: bool) -> bool:
    """Whether the caller's word on consent differs from what stands; never asked counts as neither, or as shown."""
    tie = person.ties.get((_SUBSCRIBED.code, FLAG))
    if tie is None:
        return granted or not is_echo
    return tie.holds != granted


def _is_later(person: Person, consent: Consent) -> bool:
    """Whether an imported consent is later than what we know of its kind, so that a repeated import adds nothing."""
    latest = [getattr(person.customer, field) for field in _moments_of(consent.granted, consent.cause)]
    return any(moment is None or moment < consent.at for moment in latest)


def _moments_of(granted: bool, cause: str | None) -> list[str]:
    if granted:
        return ["subscribed_at"]
    special = None if cause is None else CAUSES[cause]
    return ["unsubscribed_at"] if special is None else ["unsubscribed_at", special]


def record_consent(
    person: Person,
    work: WorkingSet,
    granted: bool,
    cause: str | None,
    at: int,
    report: ReportKind,
    *,
    source: str = "api",
    evidence: Consent | None = None,
) -> None:
    """Consent starts or ends at `at` (ms): the tie, the latest times, and the evidence of it."""
    number = person.customer.number
    work.ties.report(person, _SUBSCRIBED, FLAG, granted, at, report)
    move_forward(person, work, _moments_of(granted, cause), at)
    work.history.consents.append(
        (evidence and msgspec.structs.replace(evidence, customer=number))
        or Consent(customer=number, at=at, granted=granted, cause=cause, source=source)
    )


def move_forward(person: Person, work: WorkingSet, fields: Iterable[str], at: int) -> bool:
    """Move "latest" times of a customer to `at` (ms) or, if that is ahead, to now; never back. True if one moved."""
    at = min(at, work.now)
    moved = False
    for field in fields:
        current = getattr(person.customer, field)
        if current is None or at > current:
            setattr(work.people.touch(person), field, at)
            moved = True
    return moved


def _restore(customer: Customer, restored: Restored) -> None:
    if restored.created_at is not None:
        customer.created_at = customer.updated_at = restored.created_at
    if restored.updated_at is not None:
        customer.updated_at = restored.updated_at
    if restored.bucket is not None:
        customer.bucket = restored.bucket
