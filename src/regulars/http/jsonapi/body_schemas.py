"""Schemas of JSON:API request bodies: resources to create or change, and resource identifiers.

They are built from the tables that the calls use: the kinds of object, and the attributes of a contact.
"""

from collections.abc import Mapping
from typing import Final

from regulars.domain.limits import Limits
from regulars.http.jsonapi.audience_bodies import definition_schemas
from regulars.http.jsonapi.contact_bodies import WRITABLE
from regulars.http.jsonapi.contact_note_bodies import note_bodies
from regulars.http.jsonapi.drip_campaign_bodies import plan_schemas
from regulars.http.jsonapi.form_submission_bodies import form_submission_bodies
from regulars.http.jsonapi.kinds import AUDIENCE, DRIP_CAMPAIGN, KINDS, ResourceType
from regulars.http.schema import TEXT, WHOLE, YES_OR_NO, Schema, either, listed, or_null, record, ref, such_as

_SITE: Final = record(
    {"site": record({"data": record({"type": {"const": "sites"}, "id": such_as(TEXT, "1")})})},
    required=(),
    description="The site. Not needed if the account has only one.",
)


_SITE_ATTRIBUTES: Final = {
    "attributes": record(
        {
            "title": such_as(TEXT, "The shop"),
            "country": {**such_as(or_null(TEXT), "DE"), "description": "ISO 3166; for national phone numbers."},
            "currency": {**such_as(TEXT, "EUR"), "description": "ISO 4217; the one that figures count."},
            "time_zone": {**such_as(or_null(TEXT), "Europe/Berlin"), "description": "IANA; null for UTC."},
            "language": {**such_as(or_null(TEXT), "de"), "description": "Of the pages that customers see."},
            "accent_color": {**such_as(or_null(TEXT), "#0a7cff"), "description": "Of their buttons."},
        },
        required=(),
    )
}


def inputs(limits: Limits) -> dict[str, Schema]:
    """Every request body by component name, with the limits of this server."""
    contact = _contact(limits)
    tags = record({"tags": ref("contact_tags_identifiers")}, required=(), description="Replaces the contact's tags.")
    return {
        **_documents("contacts", contact, required=("email",), changed=contact, beside={"relationships": tags}),
        **{name: each for kind in KINDS for name, each in _of_kind(kind, limits).items()},
        **_of_kind(DRIP_CAMPAIGN, limits, beside=plan_schemas()),
        change("sites"): record({"data": record({"type": {"const": "sites"}, "id": TEXT, **_SITE_ATTRIBUTES})}),
        **_of_kind(AUDIENCE, limits, beside=definition_schemas()),
        **note_bodies(limits),
        **form_submission_bodies(limits),
    }


def identifiers(type_: str) -> str:
    """The component name of a list of identifiers of a type."""
    return f"{type_}_identifiers"


def creation(type_: str) -> str:
    """The component name of the body that creates a resource of a type."""
    return f"{type_}_creation"


def change(type_: str) -> str:
    """The component name of the body that changes a resource of a type."""
    return f"{type_}_change"


def _of_kind(kind: ResourceType, limits: Limits, *, beside: Mapping[str, Schema] = {}) -> dict[str, Schema]:
    own = "The code, which is also the id." if kind.by_key else "Your own key. Not a number, and without commas."
    key = {**TEXT, "minLength": 1, "maxLength": limits.object_key, "description": own}
    attributes: dict[str, Schema] = {
        kind.title: {**TEXT, "minLength": 1, "maxLength": limits.text, "examples": ["Spring sale"]},
        "description": or_null({**TEXT, "maxLength": limits.text}),
        kind.key: {**key, "examples": ["SPRING10"]} if kind.by_key else or_null(key),
        **beside,
    }
    assert tuple(attributes) == kind.writable
    changed = {**attributes, kind.key: or_null({**key, "description": "Cannot be changed. Send it unchanged or not."})}
    identifier = record(
        {"type": {"const": kind.type}, "id": such_as(either(TEXT, WHOLE), "1")}, description="`id` is a number or key."
    )
    return {
        **_documents(kind.type, attributes, required=(kind.key if kind.by_key else kind.title,), changed=changed),
        identifiers(kind.type): record({"data": listed(identifier, limits.references)}),
    }


def _contact(limits: Limits) -> dict[str, Schema]:
    text = or_null({**TEXT, "maxLength": limits.text})
    known: dict[str, Schema] = {
        "name": {**TEXT, "minLength": 1, "maxLength": limits.text, "examples": ["Anna Keller"]},
        "email": {**TEXT, "format": "email", "maxLength": limits.email, "examples": ["anna@example.com"]},
        "phone_number": {**or_null(TEXT), "description": "`+`, country code and number, such as +919742888933."},
        "subscribed": YES_OR_NO,
        "external_user_id": {
            **or_null(TEXT),
            "description": f"Your own id of the contact, at most {limits.customer_id} characters.",
        },
    }
    return {name: known.get(name, text) for name in WRITABLE}


def _documents(
    type_: str,
    attributes: Mapping[str, Schema],
    *,
    required: tuple[str, ...],
    changed: Mapping[str, Schema],
    beside: Mapping[str, Schema] = {},
) -> dict[str, Schema]:
    """The bodies that create and change a resource. beside: what a change may contain besides attributes."""
    ignored = f"Other attributes of `{type_}_resource` are ignored."
    named: dict[str, Schema] = {"type": {"const": type_}, "id": TEXT}
    creates = {**named, "attributes": record(attributes, required=required, description=ignored)}
    changes = {**named, "attributes": record(changed, required=(), description=ignored), **beside}
    return {
        creation(type_): record({"data": record({**creates, "relationships": _SITE}, required=("type", "attributes"))}),
        change(type_): record({"data": record(changes, required=("type",))}),
    }
