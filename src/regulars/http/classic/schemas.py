"""Schemas of the classic surface: request bodies and responses."""

from typing import Final

from regulars.domain.consent import CAUSES
from regulars.domain.events import EVENTS, REFERENCE_FIELDS
from regulars.domain.fields import LONGEST_GENDER, PERCENTILES, TOP_RULES
from regulars.domain.limits import Limits
from regulars.domain.mail import STATUSES
from regulars.domain.visitors import LONGEST as LONGEST_VISITOR
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
    such_as,
)

DONE: Final[dict[str, Schema]] = {"success": {"const": True}, "status": such_as(TEXT, "OK")}
RESULT: Final = one_of(("created", "updated", "unchanged"), description="What happened.")
RESULT_OF_PERSON: Final = one_of(
    ("created", "updated", "unchanged", "ignored"),
    description="What happened; `ignored` for a person who was erased, with nothing else in the reply.",
)
DELETED: Final = such_as(TEXT, "deleted")
KEY: Final = either(TEXT, WHOLE)
PERCENTILE: Final = or_null({"type": "integer", "minimum": 0, "maximum": 100, "examples": [80]})
PREFERENCE: Final = record({"id": such_as(KEY, "weekly"), "subscribed": YES_OR_NO})

CUSTOMER: Final[dict[str, Schema]] = {
    "object": {"const": "customer"},
    "email": such_as(or_null(TEXT), "anna@example.com"),
    "data": {"type": "object", "description": "The customer's attributes.", "examples": [{"plan": "gold"}]},
    "created": SECONDS,
    "locale": {**TEXT, "description": "An IETF language tag, or `not set`.", "examples": ["de-DE"]},
    "groups": such_as(listed(TEXT), ["vip"]),
    "uuid": {"type": "string", "format": "uuid"},
    "customer_id": such_as(or_null(TEXT), "c-1042"),
    "email_domain": such_as(or_null(TEXT), "example.com"),
    "email_hash": {
        **or_null(TEXT),
        "description": "The MD5 hash of the email address.",
        "examples": ["8fd1e3c4a2b44b1f9a6e0d2c7b5a9e10"],
    },
    "email_hard_bounced": such_as(YES_OR_NO, False),
    "email_spam_reported": such_as(YES_OR_NO, False),
    "name": such_as(or_null(TEXT), "Anna Keller"),
    "firstname": such_as(or_null(TEXT), "Anna"),
    "lastname": such_as(or_null(TEXT), "Keller"),
    "gender": or_null(such_as(TEXT, "female")),
    "phone_number": such_as(or_null(TEXT), "+919742888933"),
    "created_at": MOMENT,
    "joined_at": or_null(MOMENT),
    "updated_at": MOMENT,
    "lifetime_orders": such_as(WHOLE, 3),
    "lifetime_revenue": such_as(NUMBER, 120.5),
    "lifetime_visits": such_as(WHOLE, 12),
    "bsft_control_bucket": {
        **TEXT,
        "description": "`1` to `100`. Assigned when the customer is created, and never changed.",
        "examples": ["42"],
    },
    "custom_attributes": {"type": "object", "description": "Same as `data`.", "examples": [{"plan": "gold"}]},
    **dict.fromkeys(PERCENTILES, PERCENTILE),
    "unsubscribed": such_as(YES_OR_NO, False),
    "unsubscribed_at": such_as(or_null(MOMENT), None),
    "subscription_groups": listed(PREFERENCE),
}
"""The `customer` object."""

FAULT: Final = record(
    {"field": such_as(TEXT, "locale"), "detail": such_as(TEXT, "must be an IETF language tag such as de-DE")}
)
FAILED: Final = listed(ANY, description="The refused items, as they were sent.", examples=[[]])

DRIP_STEP: Final = record(
    {
        "object": {"const": "drip_step"},
        "id": such_as(TEXT, "dcs_1000000000001_1"),
        "email_id": such_as(TEXT, "tem_welcome"),
        "delay_seconds": such_as(
            {**WHOLE, "description": "Seconds after the previous step, or after the activation."}, 86400
        ),
    }
)

_SENTENCE: Final = "locale: must be an IETF language tag such as de-DE"

COMPONENTS: Final[dict[str, Schema]] = {
    "Customer": record(CUSTOMER),
    "DripStep": DRIP_STEP,
    "DripCampaign": record(
        {
            "object": {"const": "drip_campaign"},
            "id": such_as(TEXT, "dc_onboarding"),
            "name": such_as(TEXT, "Onboarding"),
            "enabled": such_as(YES_OR_NO, True),
            "trigger_email_id": such_as(or_null(TEXT), None),
            "drip_steps": listed(ref("DripStep")),
        }
    ),
    "Group": record(
        {
            "id": such_as(TEXT, "vip"),
            "name": such_as(TEXT, "VIP"),
            "description": such_as(or_null(TEXT), "Our most valued customers"),
        }
    ),
    "GroupInShort": record({"id": such_as(TEXT, "weekly_promo"), "name": such_as(TEXT, "Weekly offers")}),
    "PastEvent": record(
        {
            "event": such_as(TEXT, "purchase"),
            "timestamp": MOMENT,
            "event_uuid": such_as(or_null(TEXT), "06743da2-9589-4c01-afda-e3d85e487fa7"),
            "customer": such_as(or_null(ANY), {"email": "anna@example.com", "customer_id": "anna-1"}),
        }
    ),
    "Log": record(
        {
            "object": {"const": "log"},
            "id": such_as(TEXT, "4294967297"),
            "created": SECONDS,
            "recipient_name": such_as(TEXT, "Anna Keller"),
            "recipient_address": such_as(TEXT, "anna@example.com"),
            "status": such_as(one_of(STATUSES), "opened"),
            "message": such_as(or_null(TEXT), None),
            "email_id": such_as(TEXT, "welcome"),
            "email_name": such_as(TEXT, "Welcome"),
            "email_version": such_as(TEXT, "A"),
        }
    ),
    "LogEvent": record(
        {
            "object": {"const": "event"},
            "created": SECONDS,
            "type": such_as(TEXT, "opened"),
            "message": such_as(TEXT, "Message has been opened"),
        }
    ),
    "Error": record(
        {
            "success": {"const": False},
            "status": {**TEXT, "description": "The HTTP status in words.", "examples": ["Bad Request"]},
            "error": {**TEXT, "description": "What is wrong, in one sentence.", "examples": [_SENTENCE]},
            "message": {**TEXT, "description": "Same as `error`.", "examples": [_SENTENCE]},
            "code": {**TEXT, "description": "A stable code; see docs/errors.md.", "examples": ["invalid"]},
            "errors": listed(FAULT, description="Every invalid field."),
        }
    ),
}

WARNINGS: Final = listed(
    record(
        {
            "field": TEXT,
            "detail": TEXT,
            "given": {**ANY, "description": "The value that was sent."},
            "taken": {**ANY, "description": "The value that was stored; null if the field was left out."},
        },
        required=["field", "detail"],
    ),
    description="Fields that were not stored as sent, and consent that was not restored. Absent if there are none.",
    examples=[[]],
)


def done(**fields: Schema) -> Schema:
    """A successful response with these fields.

    Only `warnings` may be absent, and what is said of a person where the result may be `ignored`.
    """
    found = {**DONE, **fields}
    needed = (*DONE, "result") if fields.get("result") is RESULT_OF_PERSON else found
    return record(found, required=[name for name in needed if name != "warnings"])


def inputs(limits: Limits) -> dict[str, Schema]:
    """Request bodies, with the limits of this server."""
    short = {"type": ["string", "integer"], "maxLength": limits.name}
    own: dict[str, Schema] = {
        "firstname": such_as(short, "Anna"),
        "lastname": such_as(short, "Keller"),
        "name": {**short, "maxLength": limits.text},
        "phone_number": {
            **TEXT,
            "description": "An international number, however it is written. Stored as E.164.",
            "examples": ["+919742888933"],
        },
        "gender": {**TEXT, "description": f"Any text of at most {LONGEST_GENDER} characters.", "examples": ["female"]},
        "locale": {**TEXT, "description": "An IETF language tag.", "examples": ["de-DE"]},
        "joined_at": {**TEXT, "description": "A time in ISO 8601.", "examples": ["2024-02-29T12:00:00Z"]},
        **dict.fromkeys(PERCENTILES, PERCENTILE),
    }
    customer: dict[str, Schema] = {
        "email": {**TEXT, "maxLength": limits.email, "examples": ["anna@example.com"]},
        "customer_id": {**KEY, "description": f"Your own id of the customer, at most {limits.customer_id} characters."},
        "uuid": {"type": "string", "format": "uuid"},
        **{name: own[name] for name in TOP_RULES},
        "unsubscribed": {**ANY, "description": "`true` ends consent, `false` gives it; also 1, 0 or text."},
        "data": {
            "type": "object",
            "description": "Attributes to set. They are merged key by key; null removes one.",
            "examples": [{"plan": "gold"}],
        },
        "groups": listed(
            KEY, limits.references, description="Groups to join. The customer leaves no other.", examples=[["vip"]]
        ),
        "subscription_groups": listed(
            record({"id": KEY, "subscribed": {"description": "true or false; also 1, 0 or text."}}),
            limits.references,
        ),
    }
    optional = {name: _or_nothing(schema) for name, schema in customer.items()}
    event = {
        "event": {
            **TEXT,
            "maxLength": limits.event_name,
            "description": (
                f"The name of the event. These change the customer: {', '.join(EVENTS)}. Any other name is stored in "
                "the history."
            ),
            "examples": ["purchase"],
        },
        **{
            name: or_null(
                {**TEXT, "maxLength": LONGEST_VISITOR, "description": f"{words} of a visitor. Alone, the event waits."}
            )
            for name, words in (("cookie", "The cookie"), ("device_id", "The device"))
        },
        "event_uuid": or_null({**TEXT, "description": "An id of the event. Events with the same id count once."}),
        "timestamp": {**either(MOMENT, WHOLE, {"type": "null"}), "description": "When it happened. Default: now."},
        **{
            name: {**either(TEXT, WHOLE, {"type": "null"}), "description": f"The {kind}'s number or key."}
            for name, kind in REFERENCE_FIELDS.items()
        },
        **_of_events(limits),
    }
    who = {name: optional[name] for name in ("email", "customer_id", "uuid")}
    return {
        "CustomerInput": record(
            optional,
            required=(),
            description="`email`, `customer_id` or `uuid` is required. Unknown keys are stored as attributes.",
        ),
        "Who": record(who, required=(), description="The customer's `email`, `customer_id` or `uuid`."),
        "Event": record({**who, **event}, required=("event",)),
        "GroupInput": record(
            {
                "name": {**TEXT, "maxLength": limits.text, "examples": ["VIP"]},
                "description": or_null({**TEXT, "maxLength": limits.text, "examples": ["Our most valued customers"]}),
            },
            required=("name",),
        ),
        "GroupChange": record(
            {
                "name": or_null({**TEXT, "maxLength": limits.text}),
                "description": or_null({**TEXT, "maxLength": limits.text, "examples": ["Our most valued customers"]}),
            },
            required=(),
        ),
    }


def _of_events(limits: Limits) -> dict[str, Schema]:
    """The fields that only some events have; see docs/events.md."""
    money = {**or_null(either(NUMBER, TEXT)), "description": "Not negative, at most two decimal places."}
    text = or_null({**either(TEXT, WHOLE), "maxLength": limits.text})
    return {
        "revenue": such_as(money, 49.9),
        "amount": {**money, "description": "Same as `revenue`."},
        "order_id": {**text, "description": "Your id of the order. A repeated report counts once."},
        "product_ids": or_null(listed(KEY, limits.references, description="Numbers or keys of products.")),
        "passed": {**or_null(YES_OR_NO), "description": "Whether the assessment was passed."},
        "bounce_type": {**TEXT, "enum": ["hard", "soft"], "description": "Default: `soft`."},
        "cause": {**one_of(CAUSES), "description": "Why the subscription ended. Default: `manual`."},
        "log_id": {**text, "description": "Your id of the email that the event is about. Also `message_id`."},
        "message": {**text, "description": "What the mail server said."},
        "wording": {**text, "description": "Evidence of the consent: the text that was agreed to."},
        "proof": {**text, "description": "Evidence of the consent: how it is known."},
    }


def _or_nothing(schema: Schema) -> Schema:
    """The schema, or null, which means the same as an absent field."""
    return schema if isinstance(schema.get("type"), list) or not schema.keys() & {"type", "anyOf"} else or_null(schema)


def customers(**more: Schema) -> Schema:
    """A list of customers, in the format of Blueshift."""
    customer = ref("Customer")
    return done(customers=listed(customer), user=or_null(customer), users=listed(customer), **more)


def components(limits: Limits) -> dict[str, Schema]:
    """Every schema that operations refer to by name, with the limits of this server."""
    return {**COMPONENTS, **inputs(limits)}
