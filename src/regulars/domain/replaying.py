"""Replaying: applies stored events to a customer again, beside the transaction, to find out what follows from them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from regulars.domain.activity import Activity, parse_activity
from regulars.domain.activity_rules import change_ties, count_figures, order_effect
from regulars.domain.customer import Person
from regulars.domain.events import REFERENCE_FIELDS
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.relations import ReportKind
from regulars.domain.working import LACKS_TIME, LACKS_UUID, Counters, WorkingSet
from regulars.domain.working.history import ActivityRow
from regulars.domain.working.revenues import Revenue
from regulars.domain.working.ties import Ties

_SOMEBODY: Final = "00000000-0000-0000-0000-000000000000"
"""Stands for the customer, whom the details of an event do not name."""


def stored_activity(row: ActivityRow, limits: Limits) -> Activity | None:
    """A stored event as an activity without a customer; None if it cannot be read, or is an update of a profile."""
    detail: dict[str, Any] = msgspec.json.decode(row.detail) if row.detail else {}
    body = {**detail, "event": row.name, "uuid": _SOMEBODY}
    if row.order_id is not None:
        body["order_id"] = row.order_id
    try:
        activity = parse_activity(body, now=row.at, clamp=True, limits=limits)
    except RefusedError:
        return None
    if activity.profile is not None:
        return None
    activity.who, activity.visitor, activity.anonymous, activity.detail = Who(), (), None, row.detail
    activity.at, activity.uuid, activity.order_id = row.at, row.uuid, row.order_id
    activity.at_is_arrival = bool(row.lacks & LACKS_TIME)
    activity.uuid_is_derived = bool(row.lacks & LACKS_UUID)
    return activity


def replay(
    person: Person,
    revenues: Iterable[Revenue],
    late: Iterable[ActivityRow],
    work: WorkingSet,
    limits: Limits,
    numbers: Sequence[int],
    first: int,
) -> list[Revenue]:
    """Apply events to a customer, whose row and ties change; returns its revenue by currency.

    numbers, first: earlier reports of orders are those under these numbers, of events before the first. Objects that do
    not exist any more are left out, and so is what belongs to an address, an email or consent.
    """
    scratch = WorkingSet(work.now, Counters(0, 0, 0, 0))
    scratch.objects, scratch.ties = work.objects, Ties(work.objects)
    scratch.revenues.currency = work.revenues.currency
    number = person.customer.number
    for row in revenues:
        row.customer = number
        scratch.revenues.add(row)
    for (customer, event, order), reports in work.merges.reports.items():
        if customer in numbers:
            known = scratch.history.orders.setdefault((number, event, order), [])
            known += [report for activity, report in reports if activity < first]
    for event_row in late:
        activity = stored_activity(event_row, limits)
        if activity is not None:
            _apply(activity, event_row.at, person, scratch)
    return scratch.revenues.of(number)


def _apply(activity: Activity, at: int, person: Person, scratch: WorkingSet) -> None:
    order = None
    if activity.order_id is not None:
        order = order_effect(activity, person.customer.number, scratch)
        if order.is_repeat:
            return
    is_here = not activity.kind.of_address
    count_figures(activity, person, scratch, at, order, is_here=is_here)
    numbers = []
    for field, reference in activity.references:
        found = scratch.objects.find(REFERENCE_FIELDS[field], reference)
        if found is not None:
            numbers.append((field, found.number))
    products = [
        item.number for each in activity.products if (item := scratch.objects.find("product", each)) is not None
    ]
    report = ReportKind.IMMEDIATE if activity.at_is_arrival else ReportKind.BACKDATED
    change_ties(activity, person, scratch, numbers, products, at, report, is_here=is_here)
