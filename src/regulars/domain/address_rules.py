"""Address changes: a bounce belongs to the address, and a deleted customer leaves a tombstone."""

from typing import Final, NamedTuple

import msgspec

from regulars.domain.consent import Consent
from regulars.domain.consent_rules import record_consent
from regulars.domain.customer import Person
from regulars.domain.identity import Who
from regulars.domain.latest_times import move_forward
from regulars.domain.relations import BY_NAME, FLAG, Relation, ReportKind
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import NOBODY, FormerAddress, Identifier, Tombstone, latest

_HARD_BOUNCING: Final = BY_NAME["hard_bouncing"]
_SUPPRESSED: Final = BY_NAME["suppressed"]
_FORGOTTEN: Final = BY_NAME["forgotten"]
_SPAM_REPORTED: Final = BY_NAME["spam_reported"]
_SUBSCRIBED: Final = BY_NAME["subscribed"]
FROM_TOMBSTONE: Final = "tombstone"
"""The source of a complaint or ended consent that a new customer inherits from a deleted one with the same address."""
FROM_FORMER: Final = "former_address"
"""The source of a complaint about an address that its new owner inherits from a former one."""


def identifiers_of(who: Who) -> list[Identifier]:
    """The identifiers that may have a tombstone."""
    named = (("email", who.email_key), ("customer_id", who.customer_id))
    return [(kind, text) for kind, text in named if text is not None]


def create_person(who: Who, work: WorkingSet, *, at: int | None = None) -> Person:
    """A new customer, including what is stored about its address."""
    person = work.create(who, at=at)
    settle_address(person, work)
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
    hard_at = tie.at if tie is not None and tie.holds else None
    row = FormerAddress(customer.email_key, customer.number, hard_at is not None, hard_at, customer.bounced_at)
    work.addresses.save(row)
    return True


def settle_in(person: Person, work: WorkingSet, moment: int, *, has_moved: bool) -> None:
    """Replace what is known about a customer's old address by what is stored about the new one."""
    if has_moved:
        person.customer.bounced_at = None
        # Also where it does not bounce: a bounce of before, which is still to come, is not of the new address.
        work.ties.report(person, _HARD_BOUNCING, FLAG, False, moment, ReportKind.IMMEDIATE)
    settle_address(person, work)


def settle_address(person: Person, work: WorkingSet) -> None:
    """Apply what is stored about a customer's current address."""
    customer = person.customer
    if customer.email_key is None:
        return
    former = work.addresses.of(customer.email_key)
    tombstone = work.addresses.tombstones.get(("email", customer.email_key))
    if tombstone is None and not former:
        return  # as for nearly all addresses
    tombstone = tombstone or Tombstone(0)
    bounced_at = latest(*(row.bounced_at for row in former), tombstone.hard_at)
    if bounced_at is not None:
        work.people.touch(person).bounced_at = bounced_at
    _settle_hard_bounce(person, work)
    complained_at = latest(*(row.complained_at for row in former))
    if complained_at is not None:
        _complain(person, work, complained_at, source=FROM_FORMER)
    if tombstone.suppressed_at is not None:
        work.ties.report(person, _SUPPRESSED, FLAG, True, tombstone.suppressed_at, ReportKind.BACKDATED)
    if tombstone.complained_at is not None:
        _complain(person, work, tombstone.complained_at, source=FROM_TOMBSTONE)
    if tombstone.ended_at is not None and person.ties.get((_SUBSCRIBED.code, FLAG)) is None:
        # Whatever ended it, a new word of the operator gives it again, and a belief of a file does not.
        end = Consent(customer.number, tombstone.ended_at, False, "manual", FROM_TOMBSTONE)
        record_consent(person, work, end, ReportKind.BACKDATED)


def _settle_hard_bounce(person: Person, work: WorkingSet) -> None:
    """Set whether the customer's current address bounces hard to what its reports come to: the latest one counts."""
    address = person.customer.email_key or ""
    reports = [(row.hard_at, row.hard_bouncing) for row in work.addresses.of(address) if row.hard_at is not None]
    tombstone = work.addresses.tombstones.get(("email", address)) or Tombstone(0)
    reports += [
        (at, holds) for at, holds in ((tombstone.hard_at, True), (tombstone.cleared_at, False)) if at is not None
    ]
    tie = person.ties.get((_HARD_BOUNCING.code, FLAG))
    is_set = tie is not None and tie.holds
    if tie is not None and is_set:
        reports.append((tie.at, True))
    at, holds = max(reports, default=(0, False))
    if holds or (reports and is_set):
        work.ties.settle(person, _HARD_BOUNCING, FLAG, holds, at)


def _complain(person: Person, work: WorkingSet, at: int, *, source: str) -> None:
    """A complaint that comes with an address."""
    known = person.ties.get((_SPAM_REPORTED.code, FLAG))
    if known is not None and known.at >= at:
        return  # it is known, or was lifted later
    work.ties.report(person, _SPAM_REPORTED, FLAG, True, at, ReportKind.BACKDATED)
    complaint = Consent(person.customer.number, at, False, "complaint", source)
    record_consent(person, work, complaint, ReportKind.BACKDATED)


class Marks(NamedTuple):
    """What a report of email says of an address. hard: that it bounces hard, or no longer; None: nothing of that.

    ended: that consent ended, which matters to an address that nobody has.
    """

    hard: bool | None = None
    bounced: bool = False
    complained: bool = False
    ended: bool = False


def mark_address(
    email_key: str, marks: Marks, at: int, person: Person, work: WorkingSet, *, is_foreign: bool = False
) -> None:
    """A report at `at` (ms) about an address: it stays with the address, and is of whoever has that now.

    person: the customer whose email it was about, who may have another address now. is_foreign: and never had this one.
    """
    row = FormerAddress(email_key, NOBODY if is_foreign else person.origin)
    if marks.hard is not None:
        row.hard_bouncing, row.hard_at = marks.hard, at
    row.bounced_at = at if marks.bounced else None
    row.complained_at = at if marks.complained else None
    work.addresses.save(row)
    for number in work.people.find(Who(email_key=email_key)):
        owner = work.people.by_number[number]
        if owner.customer.email_key != email_key:
            continue  # it is the address of a customer who was merged into this one
        if marks.hard is not None:
            _settle_hard_bounce(owner, work)
        if marks.bounced:
            move_forward(owner, work, ("bounced_at",), min(at, work.now))
        if marks.complained and owner.customer is not person.customer:
            _complain(owner, work, at, source=FROM_FORMER)


def mark_current_address(marks: Marks, at: int, person: Person, work: WorkingSet) -> None:
    """A report that names no address is about the customer's current one, unless that is newer than the report."""
    tie = person.ties.get((_HARD_BOUNCING.code, FLAG))
    is_taken = tie is not None and (tie.holds, tie.at) == (marks.hard, at)
    if person.customer.email_key is not None:
        mark_address(person.customer.email_key, marks if is_taken else marks._replace(hard=None), at, person, work)


def mark_tombstone(email_key: str | None, marks: Marks, at: int, work: WorkingSet) -> None:
    """A report at `at` (ms) about the address of a deleted customer: the next customer with the address has it."""
    known = None if email_key is None else work.addresses.tombstones.get(("email", email_key))
    if known is None or email_key is None:
        return
    if marks.complained:
        known.complained_at = latest(known.complained_at, at)
    if marks.ended:
        known.ended_at = latest(known.ended_at, at)
    if marks.hard is True:
        known.hard_at = latest(known.hard_at, at)
    if marks.hard is False:
        known.cleared_at = latest(known.cleared_at, at)
    work.addresses.bury(("email", email_key), known)


def bury(person: Person, work: WorkingSet) -> None:
    """Create the tombstones of a customer who is being deleted. Those of earlier owners keep what still holds."""
    customer = person.customer
    if customer.customer_id is not None:
        work.addresses.bury(("customer_id", customer.customer_id), Tombstone(work.now))
    for number in work.people.merged.parts_of(customer.number):
        part = work.people.merged.rows[number]
        for identifier in identifiers_of(Who(email_key=part.email_key, customer_id=part.customer_id)):
            known = work.addresses.tombstones.get(identifier, Tombstone(work.now))
            work.addresses.bury(identifier, _stone_of_part(person, known, work))
    if customer.email_key is not None:
        known = work.addresses.tombstones.get(("email", customer.email_key), Tombstone(work.now))
        stone = Tombstone(
            work.now,
            suppressed_at=_suppressed_since(person, known.suppressed_at),
            complained_at=_since(person, _SPAM_REPORTED, known.complained_at),
            hard_at=_since(person, _HARD_BOUNCING, known.hard_at),
            cleared_at=known.cleared_at,
            ended_at=_since(person, _SUBSCRIBED, known.ended_at, holds=False),
        )
        work.addresses.bury(("email", customer.email_key), stone)
    for row in (each for number in work.people.merged.group(customer.number) for each in work.addresses.had_by(number)):
        owners = work.people.find(Who(email_key=row.email_key)) - {customer.number}
        if owners:  # what was told of the address goes on with its owner
            work.addresses.save(msgspec.structs.replace(row, customer=owners.pop()))
            continue
        kept = work.addresses.tombstones.get(("email", row.email_key), Tombstone(work.now))
        kept.deleted_at = work.now
        if row.email_key != customer.email_key:  # of the current one, the customer's state says what counts
            kept.complained_at = latest(kept.complained_at, row.complained_at)
        if row.hard_bouncing:
            kept.hard_at = latest(kept.hard_at, row.hard_at)
        else:
            kept.cleared_at = latest(kept.cleared_at, row.hard_at)
        work.addresses.bury(("email", row.email_key), kept)


def _stone_of_part(person: Person, known: Tombstone, work: WorkingSet) -> Tombstone:
    """The tombstone of an identifier of a customer who was merged into the one who is being deleted."""
    return Tombstone(
        work.now,
        suppressed_at=_suppressed_since(person, known.suppressed_at),
        complained_at=_since(person, _SPAM_REPORTED, known.complained_at),
        hard_at=known.hard_at,
        cleared_at=known.cleared_at,
        ended_at=_since(person, _SUBSCRIBED, known.ended_at, holds=False),
    )


def _since(person: Person, relation: Relation, known: int | None, *, holds: bool = True) -> int | None:
    """Since when a flag is set, or not set (`holds`); None if it is not so.

    known: since when it was so of an earlier owner of the address. That counts unless this customer's is later.
    """
    tie = person.ties.get((relation.code, FLAG))
    if tie is None:
        return known
    if tie.holds is holds:
        return latest(tie.at, known)
    return known if known is not None and tie.at < known else None


def _suppressed_since(person: Person, known: int | None) -> int | None:
    """Since when a customer is suppressed, or forgotten: nobody who was gets email after being created again."""
    forgotten = person.ties.get((_FORGOTTEN.code, FLAG))
    since = _since(person, _SUPPRESSED, known)
    return latest(since, forgotten.at) if forgotten is not None and forgotten.holds else since


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
