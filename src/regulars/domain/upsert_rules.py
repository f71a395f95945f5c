"""The upsert: create or update one customer from a validated profile."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from regulars.domain.address_rules import create_person, leave, rename, settle_in
from regulars.domain.consent import API, IMPORT
from regulars.domain.consent_rules import restore_consents, state_consent, state_newsletters
from regulars.domain.customer import Customer, Person, shown_name
from regulars.domain.erasure import refuse_erased
from regulars.domain.faults import Fault, refuse
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome, Verdict
from regulars.domain.profile import Profile, fill_names, joined_name, merge_attributes
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.restored import PROFILE_FIELDS, Restored, restore_rest, restore_row
from regulars.domain.working import WorkingSet, conflict

_GROUP: Final = BY_NAME["group.member"]
_CLEARABLE: Final = "attributes"


def apply_upsert(
    profile: Profile,
    work: WorkingSet,
    limits: Limits,
    *,
    source: str,
    at: int | None = None,
    restored: Restored | None = None,
) -> Outcome:
    """Create or update the customer that the profile names.

    `at` (ms) is the time of an `identify` that says when it was; one older than the customer's updated_at fills only
    empty fields. Raises RefusedError when the identifiers disagree or the attributes grow too large.
    """
    moment, report = (work.now, ReportKind.ASSERTED) if at is None else (at, ReportKind.BACKDATED)
    noted = len(work.ties.noted)
    _refuse_unknown_objects(profile, work)
    refuse_erased(profile.who, work)
    found = work.people.find(profile.who)
    if len(found) > 1:
        raise conflict()
    person = work.people.merged.named(work.people.by_number[found.pop()], profile.who) if found else None
    late = person is not None and at is not None and at < person.customer.updated_at
    late |= profile.existing == "fill"
    if person is None:
        _refuse_unknown_uuid(profile.who)
        values = _new_values(None, profile, limits, late=False)
        person = create_person(profile.who, work, at=at)
        verdict: Verdict = "created"
    else:
        _refuse_other_uuid(profile.who, person, work)
        if profile.forget_customer_id:
            _refuse_namelessness(profile.who, person.customer)
        skips = profile.existing == "skip"
        values = {} if skips else _new_values(person.customer, profile, limits, late=late)
        verdict = "unchanged"
    fields: list[str] = []
    attributes = None if verdict == "created" else person.customer.attributes
    if verdict == "created":
        if restored is not None and restored.is_whole:
            values = {**dict.fromkeys(PROFILE_FIELDS), **values, **profile.fields}
        if restored is not None:
            restore_row(person.customer, restored)
        for name, value in values.items():
            setattr(person.customer, name, value)
        fields = [name for name, value in values.items() if value is not None]
        fields += [name for name in ("email", "customer_id") if getattr(profile.who, name) is not None]
    else:
        fields = [] if skips else _rename(person, profile.who, work, moment, late=late)
        if profile.forget_customer_id and work.people.forget_customer_id(person):
            fields.append("customer_id")
        fields += _assign(person, values, work)
        if fields:
            verdict = "updated"
    changed = _relate(person, profile, work, moment, report)
    changed_consent, kept_back = _agree(person, profile, work, moment, report, source, restored, verdict == "created")
    if restored is not None:
        changed |= restore_rest(person, restored, work, is_new=verdict == "created")
    if (changed or changed_consent) and verdict == "unchanged":
        verdict = "updated"
    if verdict == "updated":
        customer = work.people.touch(person)
        customer.updated_at = max(customer.updated_at, moment)
    patch = None if late or profile.is_echo else profile.attributes
    note_profile_change(person, work, fields, noted, before=attributes, patch=patch, is_new=verdict == "created")
    return Outcome(verdict, person, kept_back=kept_back)


def refuse_upsert(profile: Profile, customer: Customer, work: WorkingSet, limits: Limits) -> None:
    """Raise the RefusedError that an upsert of this customer would cause, regardless of who has its identifiers."""
    _refuse_unknown_objects(profile, work)
    _new_values(customer, profile, limits, late=False)


class Move(NamedTuple):
    """New identifiers of a customer, and since when it has them (ms)."""

    person: Person
    who: Who
    at: int


def rename_together(moves: Sequence[Move], work: WorkingSet) -> None:
    """Give customers new identifiers in one step, so that they can swap them. No two of them get the same one."""
    moved = [person for person, who, _ in moves if leave(person, who, work)]
    for person, who, _ in moves:
        fields = [name for name in ("email", "customer_id") if getattr(who, name) is not None]
        note_profile_change(person, work, fields, len(work.ties.noted))
    for person, who, _ in moves:
        work.people.release(person, who)
    for person, who, at in moves:
        work.people.rename(person, who)
        person.customer.updated_at = max(person.customer.updated_at, at)
    for person, who, at in moves:
        if who.email_key is not None:
            settle_in(person, work, at, has_moved=person in moved)


def _refuse_unknown_objects(profile: Profile, work: WorkingSet) -> None:
    for reference in profile.groups:
        work.objects.refuse_unknown_number("groups", "group", reference)
    for reference, _ in profile.newsletters:
        work.objects.refuse_unknown_number("subscription_groups", "newsletter", reference)


def _refuse_unknown_uuid(who: Who) -> None:
    if who.email_key is None and who.customer_id is None:
        raise refuse("customer_not_found", "uuid", "No customer has this uuid.")


def _refuse_other_uuid(who: Who, person: Person, work: WorkingSet) -> None:
    is_known = who.uuid in (None, person.customer.uuid) or work.people.merged.is_alias("uuid", who.uuid)
    if not is_known:
        raise conflict()


def _refuse_namelessness(who: Who, customer: Customer) -> None:
    """A customer keeps at least one identifier that callers know."""
    if customer.email_key is None and who.email_key is None:
        raise refuse("invalid", "customer_id", "cannot be removed, because nothing else identifies this customer")


def _new_values(customer: Customer | None, profile: Profile, limits: Limits, *, late: bool) -> dict[str, Any]:
    """The fields to write, with names in step and attributes merged."""
    fields = profile.fields
    patch = profile.attributes
    if profile.is_echo and customer is not None and customer.name is None:
        stand_in = shown_name(None, customer.email, customer.customer_id)
        fields = {name: value for name, value in fields.items() if (name, value) != ("name", stand_in)}
    if profile.is_echo and customer is not None and patch:
        held = msgspec.json.decode(customer.attributes) if customer.attributes else {}
        same = {name for name, value in fields.items() if value is not None and getattr(customer, name) == value}
        patch = {key: value for key, value in patch.items() if key not in same or key in held}
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


def _rename(person: Person, who: Who, work: WorkingSet, moment: int, *, late: bool) -> list[str]:
    """Take over identifiers that are new to the customer, and name them; an address has bounces of its own."""
    customer = person.customer
    new_email = who.email_key is not None and who.email_key != customer.email_key
    new_id = who.customer_id is not None and who.customer_id != customer.customer_id
    if customer.merged_into is not None:  # an identifier of a customer who was merged into this one only names it
        new_email = new_email and not work.people.merged.is_alias("email_key", who.email_key)
        new_id = new_id and not work.people.merged.is_alias("customer_id", who.customer_id)
    if late:
        new_email = new_email and customer.email_key is None
        new_id = new_id and customer.customer_id is None
    if not (new_email or new_id):
        return []
    named = Who(
        email=who.email if new_email else None,
        email_key=who.email_key if new_email else None,
        customer_id=who.customer_id if new_id else None,
    )
    rename(person, named, work, moment)
    return [name for name in ("email", "customer_id") if getattr(named, name) is not None]


def _assign(person: Person, values: dict[str, Any], work: WorkingSet) -> list[str]:
    """Write the fields that differ, and name them."""
    changed = [(name, value) for name, value in values.items() if getattr(person.customer, name) != value]
    if changed:
        customer = work.people.touch(person)
        for name, value in changed:
            setattr(customer, name, value)
    return [name for name, _ in changed]


def _relate(person: Person, profile: Profile, work: WorkingSet, at: int, report: ReportKind) -> bool:
    changed = False
    for reference in profile.groups:
        changed |= work.ties.report(person, _GROUP, work.objects.refer("group", reference, work.now), True, at, report)
    return changed


def _agree(
    person: Person,
    profile: Profile,
    work: WorkingSet,
    at: int,
    report: ReportKind,
    source: str,
    restored: Restored | None,
    is_new: bool,
) -> tuple[bool, tuple[Fault, ...]]:
    """Apply what is said about consent and newsletters. Returns whether that changed anything, and what was kept back.

    A line of a file says it of the time of its `updated_at`; without one it is only believed.
    """
    if source == IMPORT and report is ReportKind.ASSERTED:
        report = ReportKind.BELIEVED
        if restored is not None and restored.updated_at is not None:
            at, report = restored.updated_at, ReportKind.BACKDATED
    changed = False
    kept_back: tuple[Fault, ...] = ()
    door = source if source == IMPORT else API
    if profile.newsletters:
        changed, kept_back = state_newsletters(person, profile, work, at, report, source=door)
    if profile.unsubscribed is not None:
        changed_here, kept_here = state_consent(person, profile, work, at, report, source=door)
        changed, kept_back = changed or changed_here, kept_back + kept_here
    if restored is not None and restored.consents:
        changed_here, kept_here = restore_consents(person, restored.consents, work, is_new=is_new)
        changed, kept_back = changed or changed_here, kept_back + kept_here
    return changed, kept_back
