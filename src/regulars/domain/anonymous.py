"""Anonymous events: those of a visitor who is known only by a cookie or a device, and who they turn out to be of."""

from collections.abc import Sequence
from typing import Final

import msgspec

from regulars.domain.activity import Activity
from regulars.domain.activity_rules import apply_activity
from regulars.domain.address_rules import identifiers_of
from regulars.domain.customer import Person
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.moments import DAY
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import Identifier
from regulars.domain.working.visitors import Holder, WaitingEvent

MOST_WAITING: Final = 500
"""Events that are kept for one cookie or device; further ones are ignored. It bounds the work of naming it."""


def record_anonymous(activity: Activity, work: WorkingSet, limits: Limits, *, source: str) -> Outcome:
    """Record an event that names nobody: for the customer whose cookie or device it is, else it waits for a name.

    A cookie goes before a device. "anonymous": it waits. "ignored": it happened before the customer was deleted, or
    too many events wait already. "unchanged": it is known.
    """
    at = work.now if activity.at is None else min(activity.at, work.now)
    tombstones = [work.addresses.tombstones.get(identifier) for identifier in activity.visitor]
    if activity.at is not None and any(stone is not None and at <= stone.deleted_at for stone in tombstones):
        return Outcome("ignored")
    if activity.uuid is not None and (activity.uuid in work.history.seen_uuids or activity.uuid in work.visitors.uuids):
        return Outcome("unchanged")
    for identifier in activity.visitor:
        holder = work.visitors.holders.get(identifier)
        uuid = None if holder is None else work.people.uuid_of(holder.customer)
        if uuid is not None:
            return apply_activity(as_of(activity, Who(uuid=uuid)), work, limits, source=source)
    if any(work.visitors.counts.get(identifier, 0) >= MOST_WAITING for identifier in activity.visitor):
        return Outcome("ignored")
    number = work.counters.activity
    work.counters.activity += 1
    kept = msgspec.structs.replace(activity, at=at, at_is_arrival=activity.at is None)
    work.visitors.keep(WaitingEvent(number, activity.visitor, kept, work.now))
    return Outcome("anonymous")


def name_visitor(
    visitor: Sequence[Identifier], person: Person, at: int | None, work: WorkingSet, limits: Limits
) -> bool:
    """A cookie or device was named with a customer at `at` (ms, None for now): what waited for it is the customer's.

    Of two customers, the one who was named later has it from then on; what was given stays given. True if something
    was given.
    """
    moment = work.now if at is None else min(at, work.now)
    customer = person.origin
    for identifier in visitor:
        known = work.visitors.holders.get(identifier)
        # The same customer is noted once a day at most, so that a repeated import changes nothing.
        if known is None or moment > known.at + (DAY if known.customer == customer else 0):
            work.visitors.name(identifier, Holder(customer, moment))
    events = work.visitors.waiting_for(visitor)
    work.visitors.take(events)
    for event in events:
        _give(event, person, work, limits)
    return bool(events)


def as_of(activity: Activity, who: Who) -> Activity:
    """An anonymous event as one of a customer."""
    profile = activity.profile
    if profile is not None:
        profile = msgspec.structs.replace(profile, who=who)
    return msgspec.structs.replace(activity, who=who, profile=profile, visitor=(), anonymous=None)


def _give(event: WaitingEvent, person: Person, work: WorkingSet, limits: Limits) -> None:
    """Apply an event that waited to the customer. One that a rule refuses is kept in the history alone."""
    activity, customer = event.activity, person.customer
    at = activity.at
    assert at is not None
    named = identifiers_of(Who(email_key=customer.email_key, customer_id=customer.customer_id))
    stones = [work.addresses.tombstones.get(identifier) for identifier in named]
    if any(stone is not None and at <= stone.deleted_at for stone in stones):
        return
    try:
        apply_activity(as_of(activity, Who(uuid=work.people.uuid_of(person.origin))), work, limits, source="event")
    except RefusedError:
        work.record(person, activity.name, at, uuid=activity.uuid, detail=activity.anonymous)
        if activity.uuid is not None:
            work.history.seen_uuids[activity.uuid] = person.origin
