"""The attributes that customers have: names, types, and commonest values."""

from collections.abc import Iterable
from typing import Any, Final

from starlette.responses import Response

from regulars.audience.attribute_survey import TYPES, Survey, SurveyedAttribute
from regulars.audience.questions.subjects.attributes import named, path_text
from regulars.domain.moments import iso
from regulars.domain.text import search_key
from regulars.http.call import Call
from regulars.http.jsonapi import paging, schemas
from regulars.http.jsonapi.documents import Attributes, chosen, document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation

TYPE: Final = "attributes"
STARTS: Final = "name_starts"
CONTAINS: Final = "name_contains"

ATTRIBUTES: Final[Attributes[SurveyedAttribute]] = {
    "name": lambda each: path_text(each.path),
    "q": lambda each: named(each.path),
    "customers": lambda each: each.customers,
    "types": lambda each: [{"type": kind, "customers": each.types[kind]} for kind in TYPES if kind in each.types],
    "values": lambda each: [{"value": value, "customers": customers} for value, customers in each.values],
    "has_all_values": lambda each: each.has_all_values,
}
"""What is shown of an attribute. q: how the text form of questions names it."""

SORTS: Final = ("-customers", "customers", "name", "-name")
INDEX: Final = QuerySpec(fields={TYPE: tuple(ATTRIBUTES)}, filters=(SITE_ID, STARTS, CONTAINS), sorts=SORTS, paged=True)


async def index(call: Call, caller: Reader) -> Response:
    """The attributes of the customers of a site."""
    query = INDEX.of(call)
    site = asked_site(query.filters, caller)
    found: list[SurveyedAttribute] = []
    meta: dict[str, Any] = {}
    if site is not None:
        survey, is_current = await call.services.surveys.of(site)
        found = _selected(survey.attributes, query)
        meta = _freshness(survey, is_current=is_current)
    page = found[query.page.skip : query.page.skip + query.page.size]
    table = chosen(ATTRIBUTES, query.fields.get(TYPE))
    home = origin(call.scope, call.services.settings.trusted_proxies)
    shown = {
        "data": [
            {"id": path_text(each.path), "type": TYPE, "attributes": {name: get(each) for name, get in table}}
            for each in page
        ],
        "links": paging.links(f"{home}/v1/{TYPE}", call.scope["query_string"], query.page, len(found)),
        "meta": {**paging.meta(query.page, len(found)), **meta},
    }
    return document(shown, warnings=query.warnings)


def _freshness(survey: Survey, *, is_current: bool) -> dict[str, Any]:
    return {
        "as_of": iso(survey.at),
        "is_current": is_current,
        "customers": survey.customers,
        "has_all_attributes": survey.has_all_paths,
    }


def _selected(attributes: Iterable[SurveyedAttribute], query: ParsedQuery) -> list[SurveyedAttribute]:
    """The attributes that the filters select, in order; equal ones by name."""
    for name, value in query.filters:
        text = search_key(value)
        if name == STARTS:
            attributes = [each for each in attributes if search_key(path_text(each.path)).startswith(text)]
        elif name == CONTAINS:
            attributes = [each for each in attributes if text in search_key(path_text(each.path))]
    is_reversed = query.sort.startswith("-")
    found = sorted(attributes, key=lambda each: path_text(each.path), reverse=query.sort == "-name")
    if query.sort.removeprefix("-") == "customers":
        found.sort(key=lambda each: each.customers, reverse=is_reversed)
    return found


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "attributes.index",
        "GET",
        "/v1/attributes",
        index,
        "List the attributes of customers",
        "Names, JSON types, the number of customers and the commonest values. `meta.as_of` is the time of the figures, "
        "`meta.is_current` whether anything has changed since.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
)
"""The operations of this module."""
