"""What an activity needs to be loaded."""

import msgspec

from regulars.domain.activity import Activity
from regulars.domain.commands.needs import ConsentNeed, MailNeed, Needs, OrderNeed, TieNeed
from regulars.domain.events import REFERENCE_FIELDS
from regulars.domain.identity import Who
from regulars.domain.references import Reference
from regulars.domain.ties import product_relations
from regulars.domain.working.addresses import Identifier
from regulars.domain.working.visitors import Visitors


def declare_activity(activity: Activity, who: Who, needs: Needs) -> None:
    """The customer and the objects, their ties that change, and whether event, order and mail are known.

    who: the customer; that of the activity, or whose an anonymous one may be.
    """
    if activity.uuid is not None:
        needs.events.add(activity.uuid)
    if activity.profile is not None:
        needs.profile(msgspec.structs.replace(activity.profile, who=who), is_dated=activity.at is not None)
    else:
        needs.people.append(who)
    if activity.consent is not None:
        needs.consents.append(ConsentNeed(who))
    if activity.at is not None:
        needs.happened.append(who)
    if activity.kind.of_address and who.email_key is not None:
        needs.addresses.add(who.email_key)
    if activity.order_id is not None:
        needs.orders.append(OrderNeed(who, activity.name, activity.order_id))
    if activity.kind.revenue and (activity.currency is not None or activity.order_id is not None):
        needs.revenues.append(who)  # another report of an order may have named a currency
    named = [(REFERENCE_FIELDS[field], reference) for field, reference in activity.references]
    if activity.kind.mail is not None or activity.log_key is not None:
        by_key = (
            activity.kind.concerns_email
            and activity.kind.mail != "sent"
            and (who.customer_id is None or activity.kind.of_address)
        )
        needs.mails.append(MailNeed(who, activity.log_key, tuple(named), activity.at, by_key=by_key))
    for field, references in _by_field(activity).items():
        relations = frozenset([rule.relation for rule in activity.rules() if rule.field == field])
        kind = REFERENCE_FIELDS[field]
        needs.tie(TieNeed(who, kind, references, relations, product_relations=product_relations(relations)))


def declare_anonymous(found: Visitors, needs: Needs) -> None:
    """What the anonymous events that wait or arrive need, for each customer whom they may be given to."""
    by_visitor: dict[Identifier, list[Who]] = {}
    for visitor, who in needs.namings:
        for each in visitor:
            by_visitor.setdefault(each, []).append(who)
    events = [(event.visitor, event.activity) for event in found.waiting.values()]
    for visitor, activity in [*events, *((activity.visitor, activity) for activity in needs.anonymous)]:
        holders = {found.holders[each].customer for each in visitor if each in found.holders}
        people = [who for each in visitor for who in by_visitor.get(each, ())]
        for who in dict.fromkeys([*people, *(Who(number=number) for number in holders)]):
            declare_activity(activity, who, needs)
            needs.happened.append(who)
        if activity.uuid is not None:
            needs.events.add(activity.uuid)


def _by_field(activity: Activity) -> dict[str, tuple[Reference, ...]]:
    """The references of each field that ties follow from."""
    found: dict[str, tuple[Reference, ...]] = {field: (reference,) for field, reference in activity.references}
    if activity.products:
        found["product_id"] = (*found.get("product_id", ()), *activity.products)
    return found
