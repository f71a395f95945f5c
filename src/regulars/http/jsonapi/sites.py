"""The sites of the caller's account."""

from typing import Final

from starlette.responses import Response

from regulars.domain.text import search_key
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import paging, schemas
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.site_resource import SITES, site_resource
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.store import control
from regulars.store.control import Site

SORTS: Final = ("title", "-title", "subdomain", "-subdomain")
"""Sort orders in the callers' spelling; the default first."""

FILTERS: Final = {"title_cont": "title", "subdomain_cont": "subdomain"}
"""Filters by a part of a field, as the vendor spells them."""

INDEX: Final = QuerySpec(fields={"sites": SITES}, filters=FILTERS, sorts=SORTS, paged=True)
SHOW: Final = QuerySpec(fields={"sites": SITES})


async def index(call: Call, caller: Reader) -> Response:
    """The sites of the account."""
    settings = call.services.settings
    raw: bytes = call.scope["query_string"]
    query = INDEX.of(call)
    async with call.services.store.snapshot() as connection:
        found = _selected(await control.list_sites(connection, caller.account), query)
    page = found[query.page.skip : query.page.skip + query.page.size]
    home = origin(call.scope, settings.trusted_proxies)
    return document(
        {
            "data": [site_resource(site, query.fields.get("sites")) for site in page],
            "links": paging.links(f"{home}/v1/sites", raw, query.page, len(found)),
            "meta": paging.meta(query.page, len(found)),
        },
        warnings=query.warnings,
    )


async def show(call: Call, caller: Reader) -> Response:
    """One site."""
    settings = call.services.settings
    query = SHOW.of(call)
    number = call.path("id")
    async with call.services.store.snapshot() as connection:
        sites = await control.list_sites(connection, caller.account)
    for site in sites:
        if str(site.id) == number:
            self_link = f"{origin(call.scope, settings.trusted_proxies)}/v1/sites/{number}"
            shown = {"data": site_resource(site, query.fields.get("sites")), "links": {"self": self_link}}
            return document(shown, warnings=query.warnings)
    raise Problem("object_not_found", "No site of this account has this id.")


def _selected(sites: list[Site], query: ParsedQuery) -> list[Site]:
    """The sites that the filters select, in order."""
    for name, value in query.filters:
        text = search_key(value)
        sites = [site for site in sites if text in search_key(getattr(site, FILTERS[name]))]
    field = query.sort.removeprefix("-")
    # The sort is stable in reverse too, so that equal ones stand by ascending number.
    return sorted(
        sites,
        key=lambda site: (search_key(getattr(site, field)), getattr(site, field)),
        reverse=query.sort.startswith("-"),
    )


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "sites.index",
        "GET",
        "/v1/sites",
        index,
        "List sites",
        "Returns the sites of the key's account.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI, "sites.show", "GET", "/v1/sites/{id}", show, "Get a site", query=SHOW, reply=schemas.shown(SHOW)
    ),
)
"""The operations on sites."""
