"""What a client of Kajabi's API relies on, as JSON Schema: the members of each document and their types.

An extract in our own words of the vendor's public description, under its names. It is stricter: what it lists must be
there.
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
WHOLE: Final[Schema] = {"type": "integer"}
WHOLE_OR_NULL: Final[Schema] = {"type": ["integer", "null"]}
FLAG: Final[Schema] = {"type": "boolean"}
TIME: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
TIME_OR_NULL: Final[Schema] = {"anyOf": [TIME, {"type": "null"}]}

_PRICE: Final[dict[str, Schema]] = {
    **dict.fromkeys(("currency_code", "currency_symbol", "formatted_total_price", "formatted_subtotal"), TEXT),
    **dict.fromkeys(("total_price_in_cents", "subtotal_in_cents"), WHOLE),
    **dict.fromkeys(("sales_tax_amount_in_cents", "discount_amount_in_cents"), WHOLE),
    "fulfilled_at": TIME_OR_NULL,
    "created_at": TIME,
}
_SOCIALS: Final = ("twitter", "facebook", "instagram")


def members(some: Mapping[str, Schema], *, optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object that has all of `some`."""
    return {"type": "object", "required": list(some), "properties": {**some, **(optional or {})}}


ATTRIBUTES: Final[dict[str, Schema]] = {
    "customers": members(
        {
            **dict.fromkeys(("name", "email"), TEXT),
            **dict.fromkeys(("avatar", "external_user_id", "public_bio", "public_location"), TEXT_OR_NULL),
            "public_website": TEXT_OR_NULL,
            "socials": {"anyOf": [members(dict.fromkeys(_SOCIALS, TEXT_OR_NULL)), {"type": "null"}]},
            "net_revenue": {"type": ["string", "null"], "pattern": r"^-?\d+\.\d\d$"},
            "sign_in_count": WHOLE_OR_NULL,
            **dict.fromkeys(("last_request_at", "bounced_at"), TIME_OR_NULL),
            **dict.fromkeys(("created_at", "updated_at"), TIME),
        }
    ),
    "contacts": members(
        {
            **dict.fromkeys(("name", "email"), TEXT),
            **dict.fromkeys(("phone_number", "business_number", "external_user_id"), TEXT_OR_NULL),
            **dict.fromkeys(("address_line_1", "address_line_2", "address_city", "address_state"), TEXT_OR_NULL),
            **dict.fromkeys(("address_country", "address_zip", "custom_1", "custom_2", "custom_3"), TEXT_OR_NULL),
            "subscribed": FLAG,
            **dict.fromkeys(("created_at", "updated_at"), TIME),
        }
    ),
    "contact_tags": members({"name": TEXT}),
    "contact_notes": members({"body": TEXT, "created_at": TIME, "updated_at": TIME}),
    "purchases": members(
        {
            **dict.fromkeys(("payment_type", "currency"), TEXT),
            **dict.fromkeys(("coupon_code", "source", "referrer", "deactivation_reason"), TEXT_OR_NULL),
            **dict.fromkeys(("effective_start_at", "deactivated_at"), TIME_OR_NULL),
            "amount_in_cents": WHOLE,
            **dict.fromkeys(("quantity", "multipay_payments_made"), WHOLE_OR_NULL),
            "opt_in": FLAG,
            **dict.fromkeys(("created_at", "updated_at"), TIME),
        }
    ),
    "orders": members({"order_number": WHOLE, **_PRICE}),
    "order_items": members({"quantity": WHOLE, "item_id": WHOLE, "item_type": TEXT, "title": TEXT, **_PRICE}),
    "transactions": members(
        {
            **dict.fromkeys(("action", "state", "currency", "currency_symbol", "formatted_amount"), TEXT),
            **dict.fromkeys(("amount_in_cents", "sales_tax_in_cents"), WHOLE),
            "payment_type": TEXT_OR_NULL,
            "created_at": TIME,
        }
    ),
    "form_submission": members(
        {
            **dict.fromkeys(("name", "email"), TEXT),
            **dict.fromkeys(("phone_number", "business_number", "mobile_phone_number"), TEXT_OR_NULL),
            **dict.fromkeys(("address_line_1", "address_line_2", "address_city", "address_state"), TEXT_OR_NULL),
            **dict.fromkeys(("address_country", "address_zip", "custom_1", "custom_2", "custom_3"), TEXT_OR_NULL),
        }
    ),
    "offers": members({"title": TEXT, "description": TEXT_OR_NULL}),
    "products": members({"title": TEXT, "description": TEXT_OR_NULL, "created_at": TIME}),
    "forms": members({"title": TEXT}),
    "sites": members({"title": TEXT, "subdomain": TEXT, "created_at": TIME, "updated_at": TIME}),
    "me": members(dict.fromkeys(("name", "email"), TEXT)),
}
"""The attributes of each resource type."""

IDENTIFIER: Final = members({"id": TEXT, "type": TEXT})
_ONE: Final = members({"data": IDENTIFIER})
_MANY: Final = members({"data": {"type": "array", "items": IDENTIFIER}})
_LINKED: Final = members({"links": members({"self": TEXT})})

TYPES: Final = {"me": "users", "form_submission": "form_submissions"}
"""The types of resources that go by another name than their schema."""

RELATIONSHIPS: Final[dict[str, dict[str, Schema]]] = {
    "customers": {"contact": _ONE, "site": _ONE, "offers": _LINKED, "products": _MANY},
    "contacts": {"customer": _ONE, "site": _ONE, "offers": _LINKED, "tags": _MANY},
    "contact_tags": {"site": _ONE},
    "contact_notes": {"contact": _ONE},
    "purchases": {"customer": _ONE, "offer": _ONE, "products": _MANY, "transactions": _MANY},
    "orders": {"site": _ONE, "customer": _ONE, "order_items": _MANY},
    "order_items": {"order": _ONE},
    "transactions": {"customer": _ONE, "offer": _ONE, "purchases": _MANY},
    "form_submission": {"site": _ONE, "form": _ONE},
    "offers": {"site": _ONE, "products": _MANY},
    "products": {"site": _ONE},
    "forms": {"site": _ONE},
    "sites": {},
    "me": {},
}
"""The relationships of each resource type; offers of a person are linked in lists, and have data in a document."""

LINKS: Final[dict[str, Schema]] = {
    "customers": members({"contact": TEXT}),
    "contacts": members({"customer": TEXT}),
}
"""The links of a resource."""

_LIST_LINKS: Final = members({"self": TEXT, "current": TEXT})
_ERRORS: Final = members(
    {"errors": {"type": "array", "minItems": 1, "items": members(dict.fromkeys(("status", "title", "detail"), TEXT))}}
)
_IDENTIFIERS: Final = members({"data": {"type": "array", "items": IDENTIFIER}, "links": members({"self": TEXT})})


def resource(kind: str) -> Schema:
    """A resource of a type."""
    parts = {"id": TEXT, "type": {"const": TYPES.get(kind, kind)}, "attributes": ATTRIBUTES[kind]}
    if RELATIONSHIPS[kind]:
        parts["relationships"] = members(RELATIONSHIPS[kind])
    if kind in LINKS:
        parts["links"] = LINKS[kind]
    return members(parts)


def components() -> Schema:
    """The schemas by the vendor's names, as the components of an OpenAPI document."""
    schemas: Schema = {f"{kind}_attributes": schema for kind, schema in ATTRIBUTES.items()}
    for kind in ATTRIBUTES.keys() - {"me"}:
        schemas[f"{kind}_show_response"] = members({"data": resource(kind), "links": members({"self": TEXT})})
        listed = {"type": "array", "items": resource(kind)}
        schemas[f"{kind}_index_response"] = members({"data": listed, "links": _LIST_LINKS})
    for name in ("show", "index"):
        schemas[f"form_submissions_{name}_response"] = schemas.pop(f"form_submission_{name}_response")
    schemas["form_attributes"] = schemas["forms_attributes"]
    schemas["form_submission_response"] = schemas["form_submissions_show_response"]
    for name in ("contacts_relationships_tags_response", "customers_relationships_offers_response"):
        schemas[name] = _IDENTIFIERS
    for name in ("unprocessable", "bad_request", "not_found", "unauthorized"):
        schemas[f"errors_{name}"] = _ERRORS
    schemas["errors_authentication_failed"] = members({"error": TEXT})
    schemas["me_response"] = members({"data": resource("me")})
    schemas["version_response"] = members(
        {
            "meta": members({"title": TEXT, "version": TEXT}),
            "links": members({"documentation": TEXT}),
            "jsonapi": members({"version": TEXT}),
        }
    )
    schemas["empty_response"] = members({"data": {"type": ["object", "null"], "maxProperties": 0}})
    schemas["oauth_token_response"] = members(
        {**dict.fromkeys(("access_token", "refresh_token", "token_type"), TEXT), "expires_in": WHOLE}
    )
    return {"schemas": schemas}
