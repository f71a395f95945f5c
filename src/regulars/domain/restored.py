"""Restored customers: what only a file of our own can say of a customer, as it was in the store that was exported.

A new customer becomes what it was. For a known one, ties and times count as reports of their own time: what came later
here stays.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from regulars.domain.audiences import KIND as AUDIENCE
from regulars.domain.audiences import Definition
from regulars.domain.consent import IMPORT, Consent
from regulars.domain.customer import Customer, Person
from regulars.domain.identity import Who
from regulars.domain.latest_times import move_forward
from regulars.domain.newsletter_consents import NewsletterStatement, restore_evidence, restore_report
from regulars.domain.objects import OWN_NUMBERS, RelatedObject
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, FLAG, ReportKind
from regulars.domain.text import fold
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import FormerAddress
from regulars.domain.working.consent_requests import MARKETING, ConsentRequest

PROFILE_FIELDS: Final = (
    *("name", "firstname", "lastname", "phone_number", "mobile_phone_number", "gender", "locale"),
    *("address_line_1", "address_line_2", "address_city", "address_state", "address_country", "address_zip"),
    *("joined_at", "engagement_percentile", "purchase_percentile", "retention_percentile"),
)
"""The fields that a profile may set."""

_OTHER_TIMES: Final = ("created_at", "updated_at", "changed_at", "joined_at")
LATEST_TIMES: Final = tuple(
    name for name in Customer.__struct_fields__ if name.endswith("_at") and name not in _OTHER_TIMES
)
"""The times of the latest happening of a kind."""

_SUBSCRIBED: Final = "subscribed"


class RestoredTie(Struct, frozen=True):
    """A tie since `at` (ms), None for as of now.

    reference: the object, by its key or its number in the store that was exported; None for a flag. name: its name. As
    of now, an object is meant that has this name, if none has the reference.
    """

    relation: str
    holds: bool
    at: int | None
    reference: Reference | None = None
    name: str | None = None

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return BY_NAME[self.relation].kind or ""

    @property
    def is_named(self) -> bool:
        """Whether the name tells the object: a number that a server assigned means another object elsewhere."""
        return self.name is not None and isinstance(self.reference, int) and self.reference in OWN_NUMBERS

    @property
    def may_be_named(self) -> bool:
        """Whether the name may tell the object."""
        return self.is_named or (self.name is not None and self.at is None)


class RestoredSubscription(Struct, frozen=True):
    """Evidence about a newsletter. tie: to the newsletter, whether it was given or ended, and when."""

    tie: RestoredTie
    source: str = IMPORT
    cause: str | None = None
    wording: str | None = None
    proof: str | None = None


class RestoredRequest(Struct, frozen=True):
    """A request for consent; the fields are as those of `ConsentRequest`. newsletter: None for marketing email."""

    number: int
    newsletter: RestoredTie | None
    at: int
    expires_at: int
    wording: str
    confirmed_at: int | None = None


class Restored(Struct, frozen=True, kw_only=True):
    """What only an import can set: the history from an export.

    is_whole: the line is one of our own exports. Then a new customer gets exactly the profile fields of the line.
    moments: of LATEST_TIMES. former: `customer` is not set. aliases: of customers who were merged into this one.
    subscriptions: in the order of their arrival.
    """

    created_at: int | None = None
    updated_at: int | None = None
    bucket: int | None = None
    consents: tuple[Consent, ...] = ()
    is_whole: bool = False
    aliases: tuple[Who, ...] = ()
    moments: Mapping[str, int] = {}
    ties: tuple[RestoredTie, ...] = ()
    former: tuple[FormerAddress, ...] = ()
    subscriptions: tuple[RestoredSubscription, ...] = ()
    requests: tuple[RestoredRequest, ...] = ()

    def weight(self) -> int:
        """One for each tie, former address, piece of evidence and request."""
        return len(self.all_ties) + len(self.former) + len(self.requests)

    @property
    def names_others(self) -> bool:
        """Whether more is to be loaded than the customer."""
        return bool(self.ties or self.former or self.aliases or self.subscriptions or self.requests)

    @property
    def brings_evidence(self) -> bool:
        """Whether there is evidence, which has times of its own."""
        return bool(self.consents or self.subscriptions or self.requests)

    @property
    def all_ties(self) -> tuple[RestoredTie, ...]:
        """The ties, and those that name the newsletters of evidence and requests."""
        if not self.subscriptions and not self.requests:
            return self.ties
        requested = (each.newsletter for each in self.requests if each.newsletter is not None)
        return (*self.ties, *(each.tie for each in self.subscriptions), *requested)


def restore_row(customer: Customer, restored: Restored) -> None:
    """Set the times and the bucket of a new customer."""
    if restored.created_at is not None:
        customer.created_at = customer.updated_at = restored.created_at
    if restored.updated_at is not None:
        customer.updated_at = restored.updated_at
    if restored.bucket is not None:
        customer.bucket = restored.bucket


def restore_rest(person: Person, restored: Restored, work: WorkingSet, *, is_new: bool) -> bool:
    """Apply ties, former addresses and times, after the evidence of consent; True if something changed."""
    changed, proven = False, set[int]()
    for each in restored.subscriptions:
        newsletter = _object_of(each.tie, work)
        proven.add(newsletter)
        changed |= _restore_subscription(person, newsletter, each, work)
    for tie in restored.ties:
        changed |= _restore_tie(person, tie, work, proven, is_new=is_new)
    for request in restored.requests:
        changed |= _restore_request(person, request, work)
    for row in restored.former:
        changed |= _restore_address(msgspec.structs.replace(row, customer=person.customer.number), work)
    for alias in restored.aliases:
        if not work.people.find(alias):  # else it names this customer already, or is one of its own here
            work.add_part(person, alias)
            changed = True
    if is_new and restored.is_whole:
        for name in LATEST_TIMES:  # exactly, also where consent or an address said otherwise
            setattr(person.customer, name, restored.moments.get(name))
        return True
    for name, at in restored.moments.items():
        changed |= move_forward(person, work, (name,), at)
    return changed


def _restore_subscription(person: Person, newsletter: int, each: RestoredSubscription, work: WorkingSet) -> bool:
    assert each.tie.at is not None
    statement = NewsletterStatement(person.customer.number, each.source, each.cause, each.wording, each.proof)
    return restore_report(person, work, newsletter, each.tie.holds, each.tie.at, statement)


def _restore_request(person: Person, request: RestoredRequest, work: WorkingSet) -> bool:
    """Restore a request, unless it is here. Links to it that were sent by another store stay without effect here."""
    if request.number in work.consent_requests.by_number:
        return False
    newsletter = MARKETING if request.newsletter is None else _object_of(request.newsletter, work)
    open_until = request.expires_at if request.confirmed_at is None else None
    actor = work.origin.actor
    work.consent_requests.add(
        ConsentRequest(
            *(request.number, person.customer.number, newsletter, request.at, request.expires_at, open_until),
            *(request.wording, actor.channel, actor.number, request.confirmed_at),
        )
    )
    return True


def _restore_tie(person: Person, tie: RestoredTie, work: WorkingSet, proven: set[int], *, is_new: bool) -> bool:
    """proven: the newsletters of which the line has the evidence."""
    relation = BY_NAME[tie.relation]
    if tie.relation == _SUBSCRIBED and not is_new:
        return False  # the evidence says what holds
    number = FLAG if relation.kind is None else _object_of(tie, work)
    before = person.ties.get((relation.code, number))
    if tie.at is None:
        changed = work.ties.report(person, relation, number, tie.holds, work.now, ReportKind.ASSERTED)
    elif is_new:
        changed = work.ties.settle(person, relation, number, tie.holds, tie.at)
    else:
        work.ties.report(person, relation, number, tie.holds, tie.at, ReportKind.BACKDATED)
        changed = person.ties.get((relation.code, number)) != before
    if relation.kind == "newsletter" and changed and number not in proven:
        restore_evidence(person, work, relation, number)
    return changed


def _object_of(tie: RestoredTie, work: WorkingSet) -> int:
    """The number of a tie's object here: by its name if a server numbered it, else by its key or number."""
    objects, kind, reference = work.objects, tie.kind, tie.reference
    assert reference is not None
    name_key = None if tie.name is None else fold(tie.name)
    named = None if name_key is None else objects.by_name.get((kind, name_key))
    if tie.is_named:
        found = None if named is None else objects.by_reference[kind, named]
    else:
        found = objects.find(kind, reference)
        if found is None and named is not None and tie.may_be_named:
            found = objects.by_reference[kind, named]
    if found is None:
        is_assigned = isinstance(reference, int) and reference in OWN_NUMBERS
        found = objects.create(kind, None if is_assigned else reference, work.now)
        if tie.name is not None and named is None:
            _name(found, tie.name, work)
        if kind == AUDIENCE:
            work.audiences.save(Definition(found.number, "list", None, (), False, 1, work.now), found.public_id)
    return found.number


def _name(found: RelatedObject, name: str, work: WorkingSet) -> None:
    found.name, found.name_key = name, fold(name)
    work.objects.add(found)
    work.objects.save(found)


def _restore_address(row: FormerAddress, work: WorkingSet) -> bool:
    known = work.addresses.former.get((row.email_key, row.customer))
    if known is not None:
        merged = msgspec.structs.replace(known)
        merged.merge(row)
        if merged == known:
            return False
    work.addresses.save(row)
    return True
