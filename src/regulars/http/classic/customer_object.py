"""The `customer` object of the classic surface: the union of what Sendwithus and Blueshift clients read."""

import asyncio
from typing import Any, Final

import msgspec

from regulars.domain.customer import Person, Picture, attributes_json, email_hash
from regulars.domain.identity import uuid_text
from regulars.domain.moments import SECOND, iso, iso_or_none
from regulars.domain.money import number
from regulars.domain.profile import NO_LOCALE
from regulars.domain.relations import BY_NAME, FLAG
from regulars.store.engine import SLICE
from regulars.store.reads import CustomerCard

_CONSENT: Final = (BY_NAME["subscribed"].code, FLAG)
_HARD_BOUNCING: Final = BY_NAME["hard_bouncing"].code
_SPAM_REPORTED: Final = BY_NAME["spam_reported"].code
_GROUP: Final = BY_NAME["group.member"].code
_NEWSLETTERS: Final = ((BY_NAME["newsletter.subscribed"].code, True), (BY_NAME["newsletter.unsubscribed"].code, False))
_Held = dict[int, list[tuple[int, str | None]]]


async def shown_customer(person: Person | Picture[CustomerCard]) -> dict[str, Any] | msgspec.Raw:
    """`customer_object` as part of a response. With many ties it is built and encoded on a thread."""
    if len(person.ties) <= SLICE:
        return customer_object(person)
    return await asyncio.to_thread(lambda: msgspec.Raw(msgspec.json.encode(customer_object(person))))


def customer_object(person: Person | Picture[CustomerCard]) -> dict[str, Any]:
    """The customer object of both vendors. `created` is Unix seconds, `*_at` ISO 8601."""
    c = person.customer
    held = person.held()
    attributes = attributes_json(c.attributes)
    consent = person.ties.get(_CONSENT)
    created_at = iso(c.created_at)
    return {
        "object": "customer",
        "email": c.email,
        "data": attributes,
        "created": c.created_at // SECOND,
        "locale": c.locale or NO_LOCALE,
        "groups": [key or str(group) for group, key in sorted(held.get(_GROUP, ()))],
        "uuid": uuid_text(c.uuid),
        "customer_id": c.customer_id,
        "email_domain": None if c.email is None else c.email.rpartition("@")[2],
        "email_hash": email_hash(c.email),
        "email_hard_bounced": _HARD_BOUNCING in held,
        "email_spam_reported": _SPAM_REPORTED in held,
        "name": c.name,
        "firstname": c.firstname,
        "lastname": c.lastname,
        "gender": c.gender,
        "phone_number": c.phone_number,
        "created_at": created_at,
        "joined_at": iso_or_none(c.joined_at),
        "updated_at": created_at if c.updated_at == c.created_at else iso(c.updated_at),
        "lifetime_orders": c.lifetime_orders,
        "lifetime_revenue": number(c.lifetime_revenue),
        "lifetime_visits": c.lifetime_visits,
        "bsft_control_bucket": str(c.bucket),
        "custom_attributes": attributes,
        "predictive_engagement_percentile": c.engagement_percentile,
        "predictive_purchase_intent_percentile": c.purchase_percentile,
        "predictive_retention_percentile": c.retention_percentile,
        "unsubscribed": consent is not None and not consent.holds,
        "unsubscribed_at": iso_or_none(c.unsubscribed_at),
        "subscription_groups": _subscription_groups(held),
    }


def _subscription_groups(held: _Held) -> list[dict[str, Any]]:
    chosen = sorted((item, key, subscribed) for code, subscribed in _NEWSLETTERS for item, key in held.get(code, ()))
    return [{"id": key or str(item), "subscribed": subscribed} for item, key, subscribed in chosen]
