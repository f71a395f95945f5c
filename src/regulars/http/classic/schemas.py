"""Schemas of the classic surface: what its clients send and read."""

from typing import Final

from regulars.domain.consent import CAUSES
from regulars.domain.events import EVENTS, REFERENCE_FIELDS
from regulars.domain.fields import GENDERS, PERCENTILES, TOP_RULES
from regulars.domain.limits import Limits
from regulars.domain.mail import STATUSES
from regulars.http.schema import (
    ANY,
    MOMENT,
    NUMBER,
    SECONDS,
    TEXT,
    WHOLE,
    YES_OR_NO,
    Schema,
    either,
    listed,
    one_of,
    or_null,
    record,
    ref,
)

DONE: Final[dict[str, Schema]] = {"success": {"const": True}, "status": TEXT}
RESULT: Final = one_of(("created", "updated", "unchanged"), description="What happened.")
KEY: Final = either(TEXT, WHOLE)
PERCENTILE: Final = or_null({"type": "integer", "minimum": 0, "maximum": 100})
PREFERENCE: Final = record({"id": KEY, "subscribed": YES_OR_NO})

CUSTOMER: Final[dict[str, Schema]] = {
    "object": {"const": "customer"},
    "email": or_null(TEXT),
    "data": {"type": "object", "description": "All attributes."},
    "created": SECONDS,
    "locale": {**TEXT, "description": "`not set` where there is none."},
    "groups": listed(TEXT),
    "uuid": {"type": "string", "format": "uuid"},
    "customer_id": or_null(TEXT),
    "email_domain": or_null(TEXT),
    "email_hash": {**or_null(TEXT), "description": "MD5 of the address."},
    "email_hard_bounced": YES_OR_NO,
    "email_spam_reported": YES_OR_NO,
    "name": or_null(TEXT),
    "firstname": or_null(TEXT),
    "lastname": or_null(TEXT),
    "gender": or_null(one_of(GENDERS)),
    "phone_number": or_null(TEXT),
    "created_at": MOMENT,
    "joined_at": or_null(MOMENT),
    "updated_at": MOMENT,
    "lifetime_orders": WHOLE,
    "lifetime_revenue": NUMBER,
    "lifetime_visits": WHOLE,
    "bsft_control_bucket": {**TEXT, "description": "`1` to `100`, fixed when the customer is created."},
    "custom_attributes": {"type": "object", "description": "The same as `data`."},
    **dict.fromkeys(PERCENTILES, PERCENTILE),
    "unsubscribed": YES_OR_NO,
    "unsubscribed_at": or_null(MOMENT),
    "subscription_groups": listed(PREFERENCE),
}
"""The `customer` object."""

FAULT: Final = record({"field": TEXT, "detail": TEXT})
FAILED: Final = listed(ANY, description="The inputs that failed, as they were sent.")

COMPONENTS: Final[dict[str, Schema]] = {
    "Customer": record(CUSTOMER),
    "Group": record({"id": TEXT, "name": TEXT, "description": or_null(TEXT)}),
    "Log": record(
        {
            "object": {"const": "log"},
            "id": TEXT,
            "created": SECONDS,
            "recipient_name": TEXT,
            "recipient_address": TEXT,
            "status": one_of(STATUSES),
            "message": or_null(TEXT),
            "email_id": TEXT,
            "email_name": TEXT,
            "email_version": TEXT,
        }
    ),
    "Error": record(
        {
            "success": {"const": False},
            "status": {**TEXT, "description": "The HTTP status in words."},
            "error": {**TEXT, "description": "One sentence."},
            "message": {**TEXT, "description": "The same."},
            "code": {**TEXT, "description": "A stable word; docs/errors.md lists them."},
            "errors": listed(FAULT, description="Every single fault."),
        }
    ),
}


def done(**fields: Schema) -> Schema:
    """A success with something in it."""
    return record({**DONE, **fields})


def inputs(limits: Limits) -> dict[str, Schema]:
    """What callers send, with the limits of this server."""
    short = {"type": ["string", "integer"], "maxLength": limits.name}
    own: dict[str, Schema] = {
        "firstname": short,
        "lastname": short,
        "name": {**short, "maxLength": limits.text},
        "phone_number": {**TEXT, "description": "`+`, country code and number.", "examples": ["+919742888933"]},
        "gender": {**TEXT, "description": f"One of {', '.join(GENDERS)}."},
        "locale": {**TEXT, "description": "An IETF tag.", "examples": ["de-DE"]},
        "joined_at": {**TEXT, "description": "ISO 8601.", "examples": ["2024-02-29T12:00:00Z"]},
        **dict.fromkeys(PERCENTILES, PERCENTILE),
    }
    customer: dict[str, Schema] = {
        "email": {**TEXT, "maxLength": limits.email, "examples": ["anna@example.com"]},
        "customer_id": {**KEY, "description": f"Your own id, at most {limits.customer_id} characters."},
        "uuid": {"type": "string", "format": "uuid"},
        **{name: own[name] for name in TOP_RULES},
        "unsubscribed": {**ANY, "description": "true or false, also as 1 or 0 or text: ends or gives consent."},
        "data": {"type": "object", "description": "Attributes, merged key by key; null clears one."},
        "groups": listed(KEY, limits.references, description="Groups to be in, beside those they are in."),
        "subscription_groups": listed(
            record({"id": KEY, "subscribed": {"description": "true or false, also as 1 or 0 or text."}}),
            limits.references,
        ),
    }
    optional = {name: _or_nothing(schema) for name, schema in customer.items()}
    event = {
        "event": {
            **TEXT,
            "maxLength": limits.event_name,
            "description": f"The name. Those that change a customer: {', '.join(EVENTS)}. Others are kept.",
            "examples": ["purchase"],
        },
        "event_uuid": or_null({**TEXT, "description": "A repeat of it is counted once."}),
        "timestamp": {**either(MOMENT, WHOLE, {"type": "null"}), "description": "When it happened; else now."},
        **{
            name: {**either(TEXT, WHOLE, {"type": "null"}), "description": f"A {kind}, by number or key."}
            for name, kind in REFERENCE_FIELDS.items()
        },
        **_of_events(limits),
    }
    who = {name: optional[name] for name in ("email", "customer_id", "uuid")}
    return {
        "CustomerInput": record(
            optional,
            required=(),
            description="`email`, `customer_id` or `uuid` says who. Any other key is an attribute of the customer.",
        ),
        "Who": record(who, required=(), description="One of them says who."),
        "Event": record({**who, **event}, required=("event",)),
        "GroupInput": record(
            {"name": {**TEXT, "maxLength": limits.text}, "description": or_null({**TEXT, "maxLength": limits.text})},
            required=("name",),
        ),
        "GroupChange": record(
            {name: or_null({**TEXT, "maxLength": limits.text}) for name in ("name", "description")}, required=()
        ),
    }


def _of_events(limits: Limits) -> dict[str, Schema]:
    """The fields that only some events have; docs/events.md says which."""
    money = {**or_null(either(NUMBER, TEXT)), "description": "Not negative, at most two decimal places."}
    text = or_null({**either(TEXT, WHOLE), "maxLength": limits.text})
    return {
        "revenue": money,
        "amount": {**money, "description": "The same as `revenue`."},
        "order_id": {**text, "description": "A repeat of it is counted once."},
        "product_ids": or_null(listed(KEY, limits.references, description="Products, by number or key.")),
        "passed": {**or_null(YES_OR_NO), "description": "Whether the assessment was passed."},
        "bounce_type": {**TEXT, "enum": ["hard", "soft"], "description": "`soft` where it is not given."},
        "cause": {**one_of(CAUSES), "description": "Why the subscription ended; `manual` where it is not given."},
        "log_id": {**text, "description": "The mail that it is about, by an id of yours; also `message_id`."},
        "message": {**text, "description": "What the mail server said."},
        "wording": {**text, "description": "What was agreed to: evidence of the consent."},
        "proof": {**text, "description": "How that is known: evidence of the consent."},
    }


def _or_nothing(schema: Schema) -> Schema:
    """The schema, or null, which means the same as leaving it out."""
    return schema if isinstance(schema.get("type"), list) or not schema.keys() & {"type", "anyOf"} else or_null(schema)


def customers(**more: Schema) -> Schema:
    """A list of customers as Blueshift's clients read one."""
    customer = ref("Customer")
    return done(customers=listed(customer), user=or_null(customer), users=listed(customer), **more)


def components(limits: Limits) -> dict[str, Schema]:
    """Every schema that operations refer to by name, with the limits of this server."""
    return {**COMPONENTS, **inputs(limits)}
