"""Schemas of the JSON:API surface: resources by their tables of fields, and the documents around them."""

from collections.abc import Iterable
from typing import Final

from regulars.http.jsonapi.paging import PAGE_NUMBER
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.openapi.schema import (
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
)

ATTRIBUTES: Final[dict[str, Schema]] = {
    "name": TEXT,
    "email": TEXT,
    "title": TEXT,
    "subdomain": TEXT,
    "initials": TEXT,
    "role_level": one_of(("OWNER", "ADMINISTRATOR", "READER", "NONE")),
    "external_user_id": or_null(TEXT),
    "net_revenue": {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{1,2}$", "examples": ["120.5"]},
    "sign_in_count": or_null(WHOLE),
    "subscribed": YES_OR_NO,
    "default": YES_OR_NO,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
"""Attributes by name. Those that are not here are text or null, or by their ending a moment or null."""

LINK: Final = or_null(ADDRESS)
LINKS: Final = record(dict.fromkeys(("self", "current", "first", "prev", "next", "last"), LINK))
META: Final = record(
    {
        "total_count": {**WHOLE, "description": "How many there are in all, exactly, at this moment."},
        "total": {**WHOLE, "description": "The same."},
        "total_pages": WHOLE,
        "current_page": {**WHOLE, "description": "Absent where a cursor names the page."},
        "description": {**TEXT, "description": "The question in words, where `describe=true` asks for it."},
    },
    required=("total_count", "total", "total_pages"),
)
IDENTIFIER: Final = record({"id": TEXT, "type": TEXT})
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
                    "status": TEXT,
                    "code": TEXT,
                    "title": TEXT,
                    "detail": TEXT,
                    "source": or_null(record({"parameter": TEXT, "pointer": TEXT}, required=())),
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


_RELATIONSHIP: Final = "/relationships/"


def attribute(name: str) -> Schema:
    """The schema of an attribute."""
    return ATTRIBUTES.get(name) or or_null(MOMENT if name.endswith("_at") else TEXT)


def resource(kind: str, fields: Iterable[str], relationships: Iterable[str]) -> Schema:
    """A type of resource. Callers may leave out any of its fields."""
    related = tuple(relationships)
    attributes = {name: attribute(name) for name in fields if name not in related}
    parts: dict[str, Schema] = {"id": TEXT, "type": {"const": kind}, "attributes": record(attributes, required=())}
    if related:
        parts["relationships"] = record(dict.fromkeys(related, ref("Relationship")), required=())
    parts["links"] = record({}, additionalProperties=ADDRESS)
    return record(parts, required=("id", "type", "attributes"))


def resources(query_spec: QuerySpec) -> dict[str, Schema]:
    """Every type that the documents of a call may hold, by its component's name."""
    types = list(query_spec.fields.values())
    return {
        component(kind): resource(kind, fields, query_spec.include if place == 0 else ())
        for place, (kind, fields) in enumerate(types)
    }


def component(kind: str) -> str:
    """The name of a type's component."""
    return f"{kind}_resource"


def reply(path: str, method: str, query_spec: QuerySpec | None) -> Schema:
    """The document that answers a call: of what its path and method write, or of what its query spec can show."""
    if _RELATIONSHIP in path:
        return record({"data": listed(ref("Identifier")), "links": record({"self": ADDRESS})})
    if method == "DELETE":
        return record({"data": record({}, maxProperties=0)})
    if query_spec is not None and query_spec.fields:
        return _shown(query_spec)
    if method == "POST":
        return record({"data": ref(component(_type(path))), "links": record({"self": ADDRESS})})
    return ref("Document")


def creates(path: str, method: str) -> bool:
    """Whether a call makes a new resource, which is answered 201."""
    return method == "POST" and "{" not in path


def _type(path: str) -> str:
    """The type of the resources below a path."""
    return path.removeprefix("/v1/").partition("/")[0]


def _shown(query_spec: QuerySpec) -> Schema:
    """The document of a query spec: of its first type, with the others included."""
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
