"""Merging: what becomes of two customers who turn out to be one person.

Events, emails, evidence of consent, cookies and former addresses stay under the number of the customer whom they named.
What follows from them is computed for both together: consent from all the evidence, orders from all their reports. Ties
and times merge as reports of them do.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from regulars.domain.consent import CAUSES, IMPORT, Consent, Moments, Strength
from regulars.domain.customer import Customer, Person
from regulars.domain.events import EVENTS
from regulars.domain.faults import refuse
from regulars.domain.limits import Limits
from regulars.domain.merge_records import MergeBody, MergeRecord, Rule
from regulars.domain.merged_fields import MergedFields, decoded, merged_fields
from regulars.domain.orders import growth, total
from regulars.domain.relations import BY_CODE, BY_NAME, FLAG, LIMITED, MOST_TIES, ReportKind, Tie, merge_report
from regulars.domain.revenue_rules import add_revenue
from regulars.domain.working import WorkingSet

MERGE: Final = "merge"
"""The source of the evidence that a merge adds."""

MOST_MERGED_TIES: Final = 20_000
"""Ties that a merged customer can have: all of them are in the transaction."""

LATEST: Final = (
    *("updated_at", "last_request_at", "last_purchase_at"),
    *("subscribed_at", "unsubscribed_at"),
    *(name for name in CAUSES.values() if name is not None),
    *("last_sent_at", "last_delivered_at", "last_opened_at", "last_clicked_at"),
)
"""Times of which the later one counts."""

FIGURES: Final = ("net_revenue", "lifetime_revenue", "lifetime_orders", "lifetime_visits")

Key = tuple[int, int]
"""(code of the relation, object) of a tie."""

_SUBSCRIBED: Final = BY_NAME["subscribed"]
_HARD_BOUNCING: Final = BY_NAME["hard_bouncing"]
_SPAM_REPORTED: Final = BY_NAME["spam_reported"]


def merge(survivor: Person, gone: Person, rule: Rule, work: WorkingSet) -> tuple[int, MergedFields]:
    """Make a customer part of another one. Returns the number of the merge and what became of the profile.

    Both must be loaded with all that is kept of them.
    """
    merges, people = work.merges, work.people
    number, other = survivor.customer.number, gone.customer.number
    profile = merged_fields(
        survivor.customer, gone.customer, rule, survivors=merges.newest.get(number), others=merges.newest.get(other)
    )
    mine, theirs = people.merged.group(number), people.merged.group(other)
    ours = [(row.currency, row.net, row.lifetime, row.is_counted) for row in work.revenues.of(number)]
    before = msgspec.structs.asdict(survivor.customer)
    body = MergeBody(
        survivor=before,
        after={},
        ties=[(code, item, tie.holds, tie.at) for (code, item), tie in survivor.ties.items()],
        revenues=ours,
        email=gone.customer.email,
        email_key=gone.customer.email_key,
        customer_id=gone.customer.customer_id,
        parts=theirs[1:],
        consents=[],
        dates=profile.dates,
    )
    had_address = survivor.customer.email_key is not None
    customer = people.touch(survivor)
    _merge_revenue(survivor, gone, work)
    _merge_orders(survivor, mine, theirs, work)
    _merge_times(customer, gone.customer)
    for name, value in profile.fields.items():
        setattr(customer, name, value)
    _merge_ties(survivor, gone, work)
    if not had_address and gone.customer.email_key is not None:
        _take_bounces(survivor, gone, work)
    _merge_consent(survivor, gone, (mine, theirs), body, work)
    people.absorb(survivor, gone)
    after = msgspec.structs.asdict(customer)
    body.after = {name: value for name, value in after.items() if value != before[name]}
    body.after.update({name: after[name] for name in profile.fields})
    counters = work.counters
    record = MergeRecord(
        number=merges.last + 1,
        survivor=number,
        gone=other,
        rule=rule,
        merged_at=work.now,
        undone_at=None,
        first_activity=counters.activity,
        first_consent=counters.consent + len(work.history.consents),
        body=body,
    )
    merges.save(record)
    return record.number, profile


def refuse_too_much(people: Sequence[Person], limits: Limits) -> None:
    """Raise the RefusedError that is due if these customers together have more than one can have."""
    sizes: dict[str, int] = {}
    for person in people:
        for key, value in decoded(person.customer.attributes).items():
            sizes[key] = max(sizes.get(key, 0), len(msgspec.json.encode({key: value})))
    if sum(sizes.values()) > limits.attributes:
        detail = f"together are larger than {limits.attributes} bytes; remove some of them before the merge"
        raise refuse("invalid", "attributes", detail)
    if len(set[tuple[int, int]]().union(*(person.ties for person in people))) > MOST_MERGED_TIES:
        raise refuse(
            "too_many_ties", "", f"A merged customer can have at most {MOST_MERGED_TIES:,} ties, ended ones too."
        )
    for code in LIMITED:
        held = {key for person in people for key, tie in person.ties.items() if tie.holds and key[0] == code}
        if len(held) > MOST_TIES:
            what = f"{BY_CODE[code].kind}s"
            raise refuse("too_many_ties", "", f"Together the customers are in more than {MOST_TIES:,} {what}.")


def _merge_revenue(survivor: Person, gone: Person, work: WorkingSet) -> None:
    """Add the amounts of the other customer, by currency."""
    rows = work.revenues.of(gone.customer.number)
    counted = [row for row in rows if row.is_counted]
    net = gone.customer.net_revenue - sum(row.net for row in counted)
    lifetime = gone.customer.lifetime_revenue - sum(row.lifetime for row in counted)
    add_revenue(survivor, work, None, net=net, lifetime=lifetime)
    for row in rows:
        add_revenue(survivor, work, row.currency, net=row.net, lifetime=row.lifetime)
    customer = survivor.customer
    customer.lifetime_orders += gone.customer.lifetime_orders
    customer.lifetime_visits += gone.customer.lifetime_visits
    customer.ignored_events = (customer.ignored_events or 0) + (gone.customer.ignored_events or 0) or None


def _merge_orders(survivor: Person, mine: list[int], theirs: list[int], work: WorkingSet) -> None:
    """Count the orders that both customers have once: the order of all reports, in place of one of each customer."""
    ours, others = work.merges.reports_of(mine), work.merges.reports_of(theirs)
    for (event, order), reports in others.items():
        known = ours.get((event, order))
        kind = EVENTS.get(event)
        if known is None or kind is None:
            continue
        together = [*known, *reports]
        work.history.orders[survivor.customer.number, event, order] = together
        if kind.counts is not None:
            setattr(survivor.customer, kind.counts, getattr(survivor.customer, kind.counts) - 1)
        apart: dict[str | None, int] = dict(total(event, known))
        for currency, cents in total(event, reports).items():
            apart[currency] = apart.get(currency, 0) + cents
        for currency, cents in growth(apart, total(event, together)).items():
            lifetime = cents if kind.revenue > 0 else 0
            add_revenue(survivor, work, currency, net=kind.revenue * cents, lifetime=lifetime)


def _merge_times(customer: Customer, gone: Customer) -> None:
    for name in LATEST:
        setattr(customer, name, max_of(getattr(customer, name), getattr(gone, name)))
    joined = min(customer.joined_at or customer.created_at, gone.joined_at or gone.created_at)
    if joined < (customer.joined_at or customer.created_at):
        customer.joined_at = joined


def max_of(one: int | None, other: int | None) -> int | None:
    """The later of two times, where None is none."""
    return other if one is None else one if other is None else max(one, other)


def merged_ties(mine: Mapping[Key, Tie], theirs: Mapping[Key, Tie]) -> dict[Key, Tie]:
    """The ties of two customers as one. A tie is as the later report says.

    Those of the first are kept that say whether there is consent, which follows from the evidence, and whether the
    address bounces, which belongs to the address.
    """
    found = dict(mine)
    for (code, item), tie in theirs.items():
        relation, known = BY_CODE[code], mine.get((code, item))
        if relation in (_SUBSCRIBED, _HARD_BOUNCING):
            continue
        if relation is _SPAM_REPORTED and known is not None:  # a complaint counts whatever the other one did later
            new: Tie | None = Tie(known.holds or tie.holds, max(known.at, tie.at))
        else:
            new = merge_report(known, relation, tie.holds, tie.at, ReportKind.BACKDATED)
        if new is not None:
            found[code, item] = new
    return found


def _merge_ties(survivor: Person, gone: Person, work: WorkingSet) -> None:
    for (code, item), tie in merged_ties(survivor.ties, gone.ties).items():
        if survivor.ties.get((code, item)) is not tie:
            work.ties.settle(survivor, BY_CODE[code], item, tie.holds, tie.at)


def _take_bounces(survivor: Person, gone: Person, work: WorkingSet) -> None:
    survivor.customer.bounced_at = gone.customer.bounced_at
    tie = gone.ties.get((_HARD_BOUNCING.code, FLAG))
    if tie is not None:
        work.ties.settle(survivor, _HARD_BOUNCING, FLAG, tie.holds, tie.at)


def _merge_consent(
    survivor: Person, gone: Person, groups: tuple[list[int], list[int]], body: MergeBody, work: WorkingSet
) -> None:
    """Consent follows from all the evidence. A complaint stands, also if the other customer consented later."""
    apart = [_moments(person, numbers, body, work) for person, numbers in zip((survivor, gone), groups, strict=True)]
    together = Moments()
    for moments in apart:
        together.add(moments)
    if not together.granted and not together.ended:
        return
    has_complaint = any(moments.standing_end is Strength.PROVEN for moments in apart)
    if has_complaint and together.standing_end is not Strength.PROVEN:
        at = together.latest
        assert at is not None
        complaint = Consent(survivor.customer.number, at, False, "complaint", MERGE)
        _record(complaint, body, work)
        together.note(complaint)
    work.history.moments[survivor.customer.number] = together
    work.ties.settle(survivor, _SUBSCRIBED, FLAG, together.hold, together.since)


def _moments(person: Person, numbers: list[int], body: MergeBody, work: WorkingSet) -> Moments:
    """What the evidence of a customer comes to. A state without evidence, from older programs, becomes some."""
    moments = work.merges.moments_of(numbers)
    tie = person.ties.get((_SUBSCRIBED.code, FLAG))
    if tie is not None and not moments.granted and not moments.ended:
        known = Consent(person.customer.number, tie.at, tie.holds, None, IMPORT)
        _record(known, body, work)
        moments.note(known)
    return moments


def _record(consent: Consent, body: MergeBody, work: WorkingSet) -> None:
    number = work.counters.consent + len(work.history.consents)
    body.consents.append(number)
    work.history.consents.append(consent)
    work.merges.evidence.setdefault(consent.customer, []).append((number, consent))


def changed_fields(before: Customer, after: Customer) -> list[str]:
    """The names of the fields that differ."""
    return [name for name in Customer.__struct_fields__ if getattr(before, name) != getattr(after, name)]
