"""Random activity in random order, and the end state that must not depend on the order."""

from typing import Any

from hypothesis import strategies as st

from regulars.domain.customer import Customer
from regulars.domain.events import EVENTS
from regulars.domain.mail import Log

from .memory import NOW

PEOPLE = ("anna@example.com", "bo@example.com")
START = NOW // 1000 - 1000

BY_ARRIVAL = frozenset(Customer.__struct_fields__) & {
    *("number", "uuid", "created_at", "updated_at", "bucket", "name", "firstname", "lastname", "attributes"),
    "changed_at",
}
"""What arrival decides: numbers, profile attributes and the moments of commits."""

_few = st.integers(1, 2).map(str)
_EXTRA: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "purchase": {"offer_id": _few, "product_ids": st.lists(_few, max_size=2), "coupon": st.just("SAVE")},
    "assessment_completed": {"passed": st.booleans()},
    "email_bounced": {"bounce_type": st.sampled_from(["hard", "soft"])},
    "email_unsubscribed": {"newsletter_id": _few},
    "subscribed": {"proof": st.just("a form"), "wording": st.just("Yes")},
    "unsubscribed": {"cause": st.sampled_from(["manual", "opt_out", "complaint", "bounce"])},
    "identify": {
        "unsubscribed": st.booleans(),
        "groups": st.lists(_few, max_size=2),
        "subscription_groups": st.lists(st.fixed_dictionaries({"id": _few, "subscribed": st.booleans()}), max_size=2),
    },
}


@st.composite
def _one(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from([*EVENTS, "wished"]))
    event = EVENTS.get(name)
    body: dict[str, Any] = {
        "event": name,
        "email": draw(st.sampled_from(PEOPLE)),
        "timestamp": START + draw(st.integers(0, 3)),
    }
    fields: dict[str, st.SearchStrategy[Any]] = {}
    if event is not None:
        fields |= {field: _few for field in event.requires if field != "revenue"}
        if event.mail:
            fields[draw(st.sampled_from(["broadcast_id", "template_id", "sequence_id", "log_id"]))] = _few
            if draw(st.booleans()):  # and what it was a mail of, on which the events of one mail may disagree
                fields[draw(st.sampled_from(["broadcast_id", "template_id", "sequence_id"]))] = _few
        if event.revenue:
            fields["revenue"] = st.integers(0, 5)
    for field, values in fields.items():
        body[field] = draw(values)
    if "log_id" in body:  # an id that several share is told apart by who is known already
        body["log_id"] = f"{body['email'][0]}{body['log_id']}"
    for field, values in _EXTRA.get(name, {}).items():
        if draw(st.booleans()):
            body[field] = draw(values)
    return body


@st.composite
def histories(draw: st.DrawFn, largest: int) -> list[dict[str, Any]]:
    """Activities with equal times, repeats by event_uuid and repeats of orders."""
    found = []
    for place, body in enumerate(draw(st.lists(_one(), min_size=1, max_size=largest))):
        match draw(st.sampled_from(["plain", "uuid", "order"])):
            case "uuid":
                body["event_uuid"] = f"u{place}"
                found += [body] * draw(st.integers(1, 2))
            case "order" if body["event"] in ("purchase", "refund"):
                body["order_id"] = f"o{place}"
                found += [body, {**body, "event_uuid": f"again{place}"}, {**body, "revenue": place}]
            case _:
                found.append(body)
    return found


def figures(customer: Customer) -> dict[str, Any]:
    """The customer without what arrival decides."""
    return {name: getattr(customer, name) for name in Customer.__struct_fields__ if name not in BY_ARRIVAL}


def mail_state(log: Log) -> tuple[object, ...]:
    """What is the same of a log for every order."""
    return (
        log.created_at,
        log.status,
        log.status_at,
        log.message,
        log.opens,
        log.clicks,
        log.address_key,
        log.email_id,
    )
