"""Undoing a merge: each customer gets back what was theirs, and what reports since the merge say of them.

What is kept under the number of a customer needs no move. What follows from it is computed again: the state of before
the merge is taken, and the events since are applied to it in the order of their arrival. Whatever else changed since,
such as a name, was written to the merged customer and stays with the survivor.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Final

from regulars.domain.address_rules import settle_address
from regulars.domain.consent import Moments
from regulars.domain.consent_rules import times_of
from regulars.domain.customer import Customer, Person
from regulars.domain.forgetting import FORGOTTEN
from regulars.domain.limits import Limits
from regulars.domain.merge_records import MergeBody, MergeRecord
from regulars.domain.merged_fields import decoded, encoded
from regulars.domain.merging import FIGURES, LATEST, Key, changed_fields, max_of, merged_ties
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.relations import BY_CODE, BY_NAME, FLAG, Tie
from regulars.domain.replaying import replay
from regulars.domain.revenue_rules import count_revenue
from regulars.domain.working import WorkingSet
from regulars.domain.working.history import ActivityRow
from regulars.domain.working.revenues import Revenue

_FOLLOWING: Final = (*(name for name in LATEST if name != "updated_at"), *FIGURES)
"""Fields that follow from what is kept of a customer."""

_SUBSCRIBED: Final = BY_NAME["subscribed"]
_CONSENT: Final = (_SUBSCRIBED.code, FLAG)
_HARD_BOUNCING: Final = BY_NAME["hard_bouncing"]
_ELSEWHERE: Final = frozenset(
    {*_FOLLOWING, "bounced_at", "changed_at", "merged_into", "email", "email_key", "customer_id"}
)
"""Fields that are restored on their own."""


def unmerge(record: MergeRecord, body: MergeBody, work: WorkingSet, limits: Limits) -> None:
    """Part two customers again. Both must be loaded with all that is kept of them."""
    people = work.people
    survivor = people.by_number[record.survivor]
    group = people.merged.group(record.survivor)
    theirs = [record.gone, *body.parts]
    ours = [number for number in group if number not in theirs]
    late = work.merges.late.get(record.number, [])
    ties = {(code, item): Tie(holds, at) for code, item, holds, at in body.ties}
    gone_ties = work.merges.ties[record.gone]
    revenues = [Revenue(record.survivor, *each) for each in body.revenues]
    before = _State(_customer_before(survivor.customer, body), ties, revenues)
    other = _State(people.merged.rows[record.gone], gone_ties, work.revenues.of(record.gone))
    both = _State(before.person.customer, merged_ties(ties, gone_ties), [])
    before.replay(late, work, limits, record, ours)
    other.replay(late, work, limits, record, theirs)
    both.replay(late, work, limits, record, group)
    noted, was = len(work.ties.noted), copy.copy(survivor.customer)
    forgotten = survivor.ties.get((FORGOTTEN.code, FLAG))
    gone = people.give_back(survivor, record.gone, body.parts)
    _restore_survivor(survivor, body, before, both, work)
    _restore_gone(gone, other, work)
    if forgotten is not None and forgotten.at >= record.merged_at:  # who was forgotten meanwhile, was so as both
        work.ties.settle(gone, FORGOTTEN, FLAG, forgotten.holds, forgotten.at)
    _part_identity(survivor, gone, body, work)
    for person, numbers, own in ((survivor, ours, before), (gone, theirs, other)):
        _settle_consent(person, numbers, body, own, work)
        count_revenue(person, work)
    settle_address(gone, work)
    note_profile_change(survivor, work, changed_fields(was, survivor.customer), noted, before=was.attributes)
    work.history.undone_consents += [(number, each) for number in group for each in body.consents]
    work.merges.undone.add(record.number)


class _State:
    """A customer as a part of one: the row, the ties and the revenue, to which events are applied."""

    def __init__(self, customer: Customer, ties: Mapping[Key, Tie], revenues: Iterable[Revenue]) -> None:
        self.person = Person(copy.copy(customer), dict(ties))
        self.revenues = [copy.copy(row) for row in revenues]

    def replay(
        self, late: list[ActivityRow], work: WorkingSet, limits: Limits, record: MergeRecord, numbers: list[int]
    ) -> None:
        """Apply the events and the evidence of after a merge."""
        ours = [row for row in late if row.customer in numbers]
        self.revenues = replay(self.person, self.revenues, ours, work, limits, numbers, record.first_activity)
        added = () if record.body is None else record.body.consents
        for number, consent in work.merges.evidence_of(numbers):
            if number >= record.first_consent and number not in added:
                for name in times_of(consent):
                    later = max_of(getattr(self.person.customer, name), min(consent.at, work.now))
                    setattr(self.person.customer, name, later)


def _customer_before(customer: Customer, body: MergeBody) -> Customer:
    found = copy.copy(customer)
    for name, value in body.survivor.items():
        setattr(found, name, value)
    return found


def _restore_survivor(survivor: Person, body: MergeBody, own: _State, both: _State, work: WorkingSet) -> None:
    """What the merge changed is as before, unless somebody has changed it since."""
    customer = work.people.touch(survivor)
    for name in _FOLLOWING:
        setattr(customer, name, getattr(own.person.customer, name))
    for name, after in body.after.items():
        if name in _ELSEWHERE:
            continue
        before = body.survivor[name]
        if name == "ignored_events":
            customer.ignored_events = (customer.ignored_events or 0) - (after or 0) + (before or 0) or None
        elif name == "attributes":
            customer.attributes = _attributes_before(customer.attributes, before, after)
        elif getattr(customer, name) == after:
            setattr(customer, name, before)
    for key, current in list(survivor.ties.items()):
        expected, mine = both.person.ties.get(key), own.person.ties.get(key)
        if BY_CODE[key[0]] in (_SUBSCRIBED, _HARD_BOUNCING) or expected is None or not _is_same(current, expected):
            continue  # the first two follow from evidence and reports; and what somebody has set since stays
        _set_tie(survivor, key, mine, work)
    _restore_revenues(survivor, own.revenues, work)


def _set_tie(person: Person, key: Key, tie: Tie | None, work: WorkingSet) -> None:
    if tie is None:
        if key in person.ties:
            work.ties.remove(person, BY_CODE[key[0]], key[1])
    else:
        work.ties.settle(person, BY_CODE[key[0]], key[1], tie.holds, tie.at)


def _is_same(one: Tie, other: Tie) -> bool:
    return (one.holds, one.at) == (other.holds, other.at)


def _attributes_before(current: str | None, before: str | None, after: str | None) -> str | None:
    """The attributes of before the merge, with those that have changed since."""
    now, was, merged = decoded(current), decoded(before), decoded(after)
    found = {key: value for key, value in was.items() if key in now}
    found.update({key: value for key, value in now.items() if key not in merged or merged[key] != value})
    return encoded(found)


def _restore_gone(gone: Person, own: _State, work: WorkingSet) -> None:
    customer = gone.customer
    for name in _FOLLOWING:
        setattr(customer, name, getattr(own.person.customer, name))
    gone.ties.update(work.merges.ties[customer.number])
    for key, tie in own.person.ties.items():
        known = gone.ties.get(key)
        if known is None or not _is_same(known, tie):
            work.ties.settle(gone, BY_CODE[key[0]], key[1], tie.holds, tie.at)
    _restore_revenues(gone, own.revenues, work)


def _restore_revenues(person: Person, rows: Iterable[Revenue], work: WorkingSet) -> None:
    number = person.customer.number
    wanted = {row.currency: row for row in rows}
    for known in work.revenues.of(number):
        wanted.setdefault(known.currency, Revenue(number, known.currency, is_counted=known.is_counted))
    for currency, row in wanted.items():
        stored = work.revenues.touch(number, currency)
        stored.net, stored.lifetime, stored.is_counted = row.net, row.lifetime, row.is_counted


def _part_identity(survivor: Person, gone: Person, body: MergeBody, work: WorkingSet) -> None:
    """Each has its own identifiers again. Those that the survivor got since stay with it."""
    mine, theirs = copy.copy(survivor.customer), copy.copy(gone.customer)
    if body.email_key is not None and mine.email_key == body.email_key:
        mine.email, mine.email_key = body.survivor["email"], body.survivor["email_key"]
        survivor.customer.bounced_at = body.survivor["bounced_at"]
        key = (_HARD_BOUNCING.code, FLAG)
        before = next((Tie(holds, at) for code, item, holds, at in body.ties if (code, item) == key), None)
        _set_tie(survivor, key, before, work)
    if body.email_key is not None:
        theirs.email, theirs.email_key = body.email, body.email_key
    if body.customer_id is not None and mine.customer_id == body.customer_id:
        mine.customer_id = body.survivor["customer_id"]
    if body.customer_id is not None:
        theirs.customer_id = body.customer_id
    work.people.restore_identity(survivor, mine)
    work.people.restore_identity(gone, theirs)


def _settle_consent(person: Person, numbers: list[int], body: MergeBody, own: _State, work: WorkingSet) -> None:
    """Consent as the evidence of one customer says; without any, as it was."""
    evidence = [each for each in work.merges.evidence_of(numbers) if each[0] not in body.consents]
    if not evidence:
        work.history.moments.pop(person.customer.number, None)
        _set_tie(person, _CONSENT, own.person.ties.get(_CONSENT), work)
        return
    moments = Moments()
    for _, consent in evidence:
        moments.note(consent)
    work.history.moments[person.customer.number] = moments
    work.ties.settle(person, _SUBSCRIBED, FLAG, moments.hold, moments.since)
