"""Schemas of the JSON:API surface: resources, built from their field tables, and the documents around them."""

from collections.abc import Iterable
from typing import Final

from regulars.audience.attribute_survey import TYPES
from regulars.domain.audiences import KINDS as AUDIENCE_KINDS
from regulars.http.jsonapi.paging import PAGE_NUMBER
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.schema import (
    ADDRESS,
    ANY,
    MOMENT,
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

ATTRIBUTES: Final[dict[str, Schema]] = {
    "name": such_as(TEXT, "Anna Keller"),
    "email": such_as(TEXT, "anna@example.com"),
    "title": such_as(TEXT, "Spring sale"),
    "subdomain": such_as(TEXT, "shop"),
    "initials": such_as(TEXT, "AK"),
    "role_level": one_of(("OWNER", "ADMINISTRATOR", "READER", "NONE")),
    "external_user_id": such_as(or_null(TEXT), "c-1042"),
    "net_revenue": {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{1,2}$", "examples": ["120.5"]},
    "sign_in_count": such_as(or_null(WHOLE), 12),
    "subscribed": YES_OR_NO,
    "default": such_as(YES_OR_NO, False),
    "enabled": such_as(YES_OR_NO, True),
    "steps": listed(record({"delay_seconds": such_as(WHOLE, 86400), "template_id": such_as(TEXT, "tem_welcome")})),
    "kind": one_of(AUDIENCE_KINDS),
    "question": or_null({**record({}, required=()), "examples": [{"has": "tag", "any_of": ["vip"]}]}),
    "q": such_as(or_null(TEXT), "tag:vip"),
    "watched": such_as(YES_OR_NO, False),
    "version": such_as(WHOLE, 1),
    "etag": such_as(TEXT, "1-1767225600000"),
    "total": such_as(or_null(WHOLE), 2523),
    "reach": or_null(
        record(
            {
                "matched": such_as(WHOLE, 2523),
                "reachable": such_as(WHOLE, 1324),
                "excluded": listed(record({"reason": TEXT, "first": WHOLE, "any": WHOLE})),
            }
        )
    ),
    "customers": such_as(WHOLE, 2523),
    "types": listed(record({"type": one_of(TYPES), "customers": such_as(WHOLE, 2523)})),
    "values": listed(record({"value": such_as(ANY, "pro"), "customers": such_as(WHOLE, 812)})),
    "has_all_values": such_as(YES_OR_NO, True),
    "body": such_as(TEXT, "Called, wants the annual plan."),
    **{
        name: such_as(WHOLE, 1000)
        for name in (
            "amount_in_cents",
            "sales_tax_in_cents",
            "total_price_in_cents",
            "subtotal_in_cents",
            "sales_tax_amount_in_cents",
            "discount_amount_in_cents",
        )
    },
    **{name: such_as(WHOLE, 1) for name in ("quantity", "order_number", "item_id")},
    "multipay_payments_made": such_as(or_null(WHOLE), None),
    "opt_in": such_as(YES_OR_NO, False),
    "raw_extra_contact_information": record({}, required=()),
    "required": such_as(YES_OR_NO, False),
    "archived": such_as(YES_OR_NO, False),
    "problem": such_as(or_null(TEXT), None),
    "used_by": listed(such_as(TEXT, "dormant-vips")),
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
"""Attributes by name. Others are a time or null if the name ends in `_at`, else text or null."""

LINK: Final = or_null(ADDRESS)
LINKS: Final = record(dict.fromkeys(("self", "current", "first", "prev", "next", "last"), LINK))
META: Final = record(
    {
        "total_count": {
            **WHOLE,
            "description": "The exact number of matches.",
            "examples": [1],
        },
        "total": {**WHOLE, "description": "Same as `total_count`."},
        "total_pages": WHOLE,
        "current_page": {**WHOLE, "description": "Absent if the page was requested by a cursor."},
        "description": {
            **TEXT,
            "description": "The query in words, if requested with `describe=true`.",
            "examples": ["Every customer, newest first."],
        },
    },
    required=("total_count", "total", "total_pages"),
)
IDENTIFIER: Final = record({"id": such_as(TEXT, "1"), "type": such_as(TEXT, "sites")})
RELATIONSHIP: Final = record(
    {
        "data": either(ref("Identifier"), listed(ref("Identifier")), {"type": "null"}),
        "links": record({"self": ADDRESS}, required=()),
    },
    required=(),
)
DOCUMENT: Final = record({"data": ANY, "meta": ANY, "links": ANY}, required=())
ERRORS: Final = record(
    {
        "errors": listed(
            record(
                {
                    "status": such_as(TEXT, "400"),
                    "code": such_as(TEXT, "invalid_parameter"),
                    "title": such_as(TEXT, "Bad Request"),
                    "detail": such_as(TEXT, "page[size] must be a whole number from 1 to 100."),
                    "source": such_as(
                        or_null(record({"parameter": TEXT, "pointer": TEXT}, required=())), {"parameter": "page[size]"}
                    ),
                }
            )
        )
    }
)

COMPONENTS: Final[dict[str, Schema]] = {
    "Links": LINKS,
    "Meta": META,
    "Identifier": IDENTIFIER,
    "Relationship": RELATIONSHIP,
    "Document": DOCUMENT,
    "Errors": ERRORS,
}


RELATED: Final = record({"data": listed(ref("Identifier")), "links": record({"self": ADDRESS})})
"""The response of a relationship."""

NOTHING: Final = record({"data": record({}, maxProperties=0)})
"""The response of a deletion."""

OAUTH_ERROR: Final = record(
    {
        "error": such_as(TEXT, "invalid_grant"),
        "error_description": such_as(TEXT, "The refresh token is unknown, used, revoked or expired."),
    },
    required=("error",),
)


def attribute(name: str) -> Schema:
    """The schema of an attribute."""
    return ATTRIBUTES.get(name) or (or_null(MOMENT) if name.endswith("_at") else such_as(or_null(TEXT), None))


def resource(kind: str, fields: Iterable[str], relationships: Iterable[str]) -> Schema:
    """A resource type. Any attribute may be absent, because callers can select fields."""
    related = tuple(relationships)
    attributes = {name: attribute(name) for name in fields if name not in related}
    parts: dict[str, Schema] = {
        "id": such_as(TEXT, "4294967297"),
        "type": {"const": kind},
        "attributes": record(attributes, required=()),
    }
    if related:
        parts["relationships"] = record(dict.fromkeys(related, ref("Relationship")), required=())
    parts["links"] = record({}, additionalProperties=ADDRESS, examples=[{"self": "https://regulars.example/v1/..."}])
    return record(parts, required=("id", "type", "attributes"))


def resources(query_spec: QuerySpec) -> dict[str, Schema]:
    """Every resource type in the responses of a query spec, by component name."""
    types = list(query_spec.fields.values())
    return {
        component(kind): resource(kind, fields, query_spec.include if place == 0 else ())
        for place, (kind, fields) in enumerate(types)
    }


def component(kind: str) -> str:
    """The component name of a resource type."""
    return f"{kind}_resource"


def created(kind: str) -> Schema:
    """The response with a new resource, without included ones."""
    return record({"data": ref(component(kind)), "links": record({"self": ADDRESS})})


def shown(query_spec: QuerySpec) -> Schema:
    """The response of a query spec: resources of its first type, with the others included."""
    kind, *others = (kind for kind, _ in query_spec.fields.values())
    paged = PAGE_NUMBER in query_spec.names
    data = ref(component(kind))
    parts = {"data": listed(data) if paged else data}
    if query_spec.include:
        parts["included"] = listed(either(*(ref(component(each)) for each in others)))
    parts["links"] = ref("Links") if paged else record({"self": ADDRESS}, required=())
    if paged:
        parts["meta"] = ref("Meta")
    return record(parts, required=("data", "links", "meta") if paged else ("data",))
