"""Address changes: a bounce belongs to the address, and a deleted customer leaves a tombstone."""

from typing import Final

from regulars.domain.consent import Consent
from regulars.domain.consent_rules import record_consent
from regulars.domain.customer import Person
from regulars.domain.identity import Who
from regulars.domain.relations import BY_NAME, FLAG, ReportKind, Tie, merge_report
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import FormerAddress, Identifier, Tombstone

_HARD_BOUNCING: Final = BY_NAME["hard_bouncing"]
_SUPPRESSED: Final = BY_NAME["suppressed"]
_SPAM_REPORTED: Final = BY_NAME["spam_reported"]
FROM_TOMBSTONE: Final = "tombstone"
"""The source of a complaint that a new customer inherits from a deleted one with the same address."""
FROM_FORMER: Final = "former_address"
"""The source of a complaint about an address that its new owner inherits from a former one."""


def identifiers_of(who: Who) -> list[Identifier]:
    """The identifiers that may have a tombstone."""
    named = (("email", who.email_key), ("customer_id", who.customer_id))
    return [(kind, text) for kind, text in named if text is not None]


def create_person(who: Who, work: WorkingSet, *, at: int | None = None) -> Person:
    """A new customer, including what is stored about its address."""
    person = work.create(who, at=at)
    _arrive(person, work)
    return person


def rename(person: Person, who: Who, work: WorkingSet, moment: int) -> None:
    """Give a customer the identifiers in `who`. The old address keeps its bounces; the new one has its own."""
    has_moved = leave(person, who, work)
    work.people.rename(person, who)
    if who.email_key is not None:
        settle_in(person, work, moment, has_moved=has_moved)


def leave(person: Person, who: Who, work: WorkingSet) -> bool:
    """Store what is known about a customer's address if `who` is going to replace it; True if so."""
    customer = person.customer
    if who.email_key is None or customer.email_key is None or who.email_key == customer.email_key:
        return False
    tie = person.ties.get((_HARD_BOUNCING.code, FLAG))
    hard, hard_at = (False, None) if tie is None else (tie.holds, tie.at)
    known = work.addresses.former.get((customer.email_key, customer.number))
    complained_at = None if known is None else known.complained_at
    row = FormerAddress(customer.email_key, customer.number, hard, hard_at, customer.bounced_at, complained_at)
    work.addresses.save(row)
    return True


def settle_in(person: Person, work: WorkingSet, moment: int, *, has_moved: bool) -> None:
    """Replace what is known about a customer's old address by what is stored about the new one."""
    if has_moved:
        person.customer.bounced_at = None
        # Also where it does not bounce: a bounce of before, which is still to come, is not of the new address.
        work.ties.report(person, _HARD_BOUNCING, FLAG, False, moment, ReportKind.IMMEDIATE)
    _arrive(person, work)


def _arrive(person: Person, work: WorkingSet) -> None:
    """Apply what is stored about a customer's current address."""
    customer = person.customer
    if customer.email_key is None:
        return
    former = work.addresses.of(customer.email_key)
    if former:
        bounces = [row.bounced_at for row in former if row.bounced_at is not None]
        if bounces:
            work.people.touch(person).bounced_at = max(bounces)
        last = max(former, key=lambda row: (row.hard_at or 0, row.hard_bouncing))
        if last.hard_bouncing and last.hard_at is not None:
            work.ties.settle(person, _HARD_BOUNCING, FLAG, True, last.hard_at)
        complaints = [row.complained_at for row in former if row.complained_at is not None]
        if complaints:
            _complain(person, work, max(complaints), source=FROM_FORMER)
    tombstone = work.addresses.tombstones.get(("email", customer.email_key))
    if tombstone is None:
        return
    if tombstone.suppressed_at is not None:
        work.ties.report(person, _SUPPRESSED, FLAG, True, tombstone.suppressed_at, ReportKind.BACKDATED)
    if tombstone.complained_at is not None:
        _complain(person, work, tombstone.complained_at, source=FROM_TOMBSTONE)


def _complain(person: Person, work: WorkingSet, at: int, *, source: str) -> None:
    """A complaint that comes with an address."""
    work.ties.report(person, _SPAM_REPORTED, FLAG, True, at, ReportKind.BACKDATED)
    complaint = Consent(person.customer.number, at, False, "complaint", source)
    record_consent(person, work, complaint, ReportKind.BACKDATED)


def mark_former(
    person: Person,
    email_key: str,
    work: WorkingSet,
    at: int,
    *,
    hard: bool | None = None,
    bounced: bool = False,
    complained: bool = False,
) -> None:
    """A bounce, its end, or a complaint, of an address other than the customer's current one.

    hard: None leaves it unchanged.
    """
    number = person.customer.number
    row = work.addresses.former.get((email_key, number)) or FormerAddress(email_key, number)
    if hard is not None:
        tie = None if row.hard_at is None else Tie(row.hard_bouncing, row.hard_at)
        merged = merge_report(tie, _HARD_BOUNCING, hard, at, ReportKind.BACKDATED)
        if merged is not None:
            row.hard_bouncing, row.hard_at = merged.holds, merged.at
    if bounced and (row.bounced_at is None or at > row.bounced_at):
        row.bounced_at = at
    if complained and (row.complained_at is None or at > row.complained_at):
        row.complained_at = at
    work.addresses.save(row)


def bury(person: Person, work: WorkingSet) -> None:
    """Create the tombstones of a customer who is being deleted."""
    customer = person.customer
    suppressed, complained = (
        tie.at if (tie := person.ties.get((relation.code, FLAG))) is not None and tie.holds else None
        for relation in (_SUPPRESSED, _SPAM_REPORTED)
    )
    if customer.customer_id is not None:
        work.addresses.bury(("customer_id", customer.customer_id), Tombstone(work.now))
    if customer.email_key is not None:
        work.addresses.bury(("email", customer.email_key), Tombstone(work.now, suppressed, complained))
    for row in work.addresses.had_by(customer.number):
        if not work.people.find(Who(email_key=row.email_key)):
            kept = work.addresses.tombstones.get(("email", row.email_key), Tombstone(work.now))
            kept.deleted_at = work.now
            kept.complained_at = max(filter(None, (kept.complained_at, row.complained_at)), default=None)
            work.addresses.bury(("email", row.email_key), kept)


def is_of_somebody_deleted(who: Who, at: int | None, work: WorkingSet) -> bool:
    """Whether what happened at `at` (ms, None for now) is about a customer who was deleted later.

    A customer_id or uuid outranks the address.
    """
    if at is None:
        return False
    tombstones = work.addresses.tombstones
    if who.customer_id is not None:
        found = tombstones.get(("customer_id", who.customer_id))
        if found is not None and at <= found.deleted_at:
            return True
    if work.people.find(Who(customer_id=who.customer_id, uuid=who.uuid)):
        return False
    found = None if who.email_key is None else tombstones.get(("email", who.email_key))
    return found is not None and at <= found.deleted_at


def has_tombstone(who: Who, work: WorkingSet) -> bool:
    """Whether a customer with one of these identifiers was deleted."""
    return any(each in work.addresses.tombstones for each in identifiers_of(who))


def note_late_complaint(email_key: str | None, at: int, work: WorkingSet) -> None:
    """A complaint about email to a deleted customer: the next customer with the address gets no marketing email."""
    found = None if email_key is None else work.addresses.tombstones.get(("email", email_key))
    if found is not None and (found.complained_at is None or at > found.complained_at):
        found.complained_at = at
        work.addresses.bury(("email", email_key or ""), found)
