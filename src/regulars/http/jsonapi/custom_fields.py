"""Custom fields: the attributes of customers as the vendor's clients list them.

Nobody declares an attribute, so a field is what customers have, with the type that most of its values are of.
"""

from typing import Any, Final

from starlette.responses import Response

from regulars.audience.attribute_survey import SurveyedAttribute
from regulars.audience.questions.subjects.attributes import path_text
from regulars.domain.text import search_key
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import paging, schemas
from regulars.http.jsonapi.documents import Attributes, chosen, document, identifier
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader
from regulars.http.operation import Operation

TYPE: Final = "custom_fields"
TITLE: Final = "title_cont"
KIND: Final = "type_eq"
REQUIRED: Final = "required_eq"

TEXT_FIELD: Final = "TextField"
KINDS: Final = {"number": "NumberField", "boolean": "CheckboxField"}
"""The vendor's type of a field by the JSON type of its values; others are texts."""

ATTRIBUTES: Final[Attributes[SurveyedAttribute]] = {
    "handle": lambda each: path_text(each.path),
    "title": lambda each: path_text(each.path),
    "type": lambda each: _kind(each),
    "required": lambda _: False,
    "archived": lambda _: False,
}
SORTS: Final = ("title", "-title", "handle", "-handle", "type", "-type", "required", "-required")
FIELDS: Final = {TYPE: tuple(ATTRIBUTES)}
INDEX: Final = QuerySpec(fields=FIELDS, filters=(SITE_ID, TITLE, KIND, REQUIRED), sorts=SORTS, paged=True)
SHOW: Final = QuerySpec(fields=FIELDS, filters=(SITE_ID,))


async def index(call: Call, caller: Reader) -> Response:
    """The custom fields of a site."""
    query = INDEX.of(call)
    found = _selected(await _surveyed(call, caller, query), query)
    page = found[query.page.skip : query.page.skip + query.page.size]
    home = origin(call.scope, call.services.settings.trusted_proxies)
    shown = {
        "data": _resources(page, query, caller),
        "links": paging.links(f"{home}/v1/{TYPE}", call.scope["query_string"], query.page, len(found)),
        "meta": paging.meta(query.page, len(found)),
    }
    return document(shown, warnings=query.warnings)


async def show(call: Call, caller: Reader) -> Response:
    """One custom field."""
    query, handle = SHOW.of(call), call.path("id")
    found = [each for each in await _surveyed(call, caller, query) if path_text(each.path) == handle]
    if not found:
        raise Problem("object_not_found", "No customer of the site has this custom field.")
    (resource,) = _resources(found, query, caller)
    home = origin(call.scope, call.services.settings.trusted_proxies)
    return document({"data": resource, "links": {"self": f"{home}{call.scope['path']}"}}, warnings=query.warnings)


async def _surveyed(call: Call, caller: Caller, query: ParsedQuery) -> list[SurveyedAttribute]:
    site = asked_site(query.filters, caller)
    if site is None:
        return []
    survey, _ = await call.services.surveys.of(site)
    return list(survey.attributes)


def _resources(fields: list[SurveyedAttribute], query: ParsedQuery, caller: Caller) -> list[dict[str, Any]]:
    table = chosen(ATTRIBUTES, query.fields.get(TYPE))
    site = identifier("sites", asked_site(query.filters, caller) or caller.site)
    return [
        {
            "id": path_text(each.path),
            "type": TYPE,
            "attributes": {name: get(each) for name, get in table},
            "relationships": {"site": {"data": site}},
        }
        for each in fields
    ]


def _kind(field: SurveyedAttribute) -> str:
    commonest = max(field.types, key=lambda kind: field.types[kind], default="")
    return KINDS.get(commonest, TEXT_FIELD)


def _selected(fields: list[SurveyedAttribute], query: ParsedQuery) -> list[SurveyedAttribute]:
    """The fields that the filters select, in order; equal ones by handle."""
    for name, value in query.filters:
        if name == TITLE:
            text = search_key(value)
            fields = [each for each in fields if text in search_key(path_text(each.path))]
        elif name == KIND:
            fields = [each for each in fields if _kind(each) == value]
        elif name == REQUIRED and value.lower() in ("true", "1"):
            fields = []
    fields = sorted(fields, key=lambda each: path_text(each.path), reverse=query.sort in ("-title", "-handle"))
    if query.sort.endswith("type"):
        fields.sort(key=_kind, reverse=query.sort.startswith("-"))
    return fields


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "custom_fields.index",
        "GET",
        f"/v1/{TYPE}",
        index,
        "List custom fields",
        "The attributes that customers have. `handle` is the name, and `type` what most of the values are.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "custom_fields.show",
        "GET",
        f"/v1/{TYPE}/{{id}}",
        show,
        "Get a custom field",
        "The id is the handle.",
        query=SHOW,
        reply=schemas.shown(SHOW),
    ),
)
"""The operations of this module."""
