"""The sites of the caller's account."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.faults import Fault
from regulars.domain.fields import FIELD_RULES
from regulars.domain.site_settings import SETTING_RULES
from regulars.domain.text import is_blank, search_key, whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem, after_commit
from regulars.http.jsonapi import paging, schemas
from regulars.http.jsonapi.bodies import read_resource, refused
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.site_resource import SITES, site_resource
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.store import control
from regulars.store.control import Site
from regulars.store.site_settings import CHANGEABLE, change_site, count_revenue

SORTS: Final = ("title", "-title", "subdomain", "-subdomain")
"""Sort orders in the callers' spelling; the default first."""

FILTERS: Final = {"title_cont": "title", "subdomain_cont": "subdomain"}
"""Filters by a part of a field, as the vendor spells them."""

READ_ONLY: Final = ("subdomain", "created_at", "updated_at")
"""Attributes that may be sent, as a client does that sends back what it got, and are ignored."""

NEVER_NULL: Final = ("title", "currency")
COUNTED_AT_ONCE: Final = 5
"""Slices of customers whose revenue is counted anew before the reply; a job counts the rest."""

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


async def change(call: Call, caller: Writer) -> Response:
    """Change what the body names of a site."""
    query = SHOW.of(call)
    number = _number(call, caller)
    body = await read_resource(call, "sites", id_=call.path("id"))
    store = call.services.store
    async with store.snapshot() as connection:
        shown = next(each for each in await control.list_sites(connection, caller.account) if each.id == number)
    new = {name: value for name, value in body.attributes.items() if name not in SITES or value != SITES[name](shown)}
    site = await change_site(store.engine, number, _changes(new, call), now=call.services.clock(), origin=call.origin)
    with after_commit():
        call.services.keyring.forget()
        await count_revenue(store, number, slices=COUNTED_AT_ONCE)
        home = origin(call.scope, call.services.settings.trusted_proxies)
        links = {"self": f"{home}/v1/sites/{number}"}
        changed = {"data": site_resource(site, query.fields.get("sites")), "links": links}
        return document(changed, warnings=query.warnings)


def _number(call: Call, caller: Caller) -> int:
    """The site of the caller's account that the path names. Raises Problem."""
    number = whole_number(call.path("id"), longest=16)
    if number is None or number not in caller.sites:
        raise Problem("object_not_found", "There is no site with this id.")
    return number


def _changes(attributes: Mapping[str, Any], call: Call) -> dict[str, str | None]:
    """The new values of what is named, None to clear. Raises Problem with all faults."""
    faults: list[Fault] = []
    changes: dict[str, str | None] = {}
    for name, value in attributes.items():
        where = f"data.attributes.{name}"
        if name in READ_ONLY:
            continue
        if name not in CHANGEABLE:
            faults.append(Fault(where, f"cannot be changed; allowed: {', '.join(CHANGEABLE)}"))
        elif value is None or is_blank(value):
            changes[name] = None
            if name in NEVER_NULL:
                faults.append(Fault(where, "cannot be cleared"))
        else:
            try:
                rule = SETTING_RULES.get(name)
                limits = call.services.store.limits
                changes[name] = FIELD_RULES["name"](value, limits) if rule is None else rule(value)
            except ValueError as error:
                faults.append(Fault(where, str(error)))
    if faults:
        raise refused(faults, "unprocessable")
    return changes


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
    Operation(
        JSONAPI,
        "sites.change",
        "PATCH",
        "/v1/sites/{id}",
        change,
        "Change a site",
        "Attributes that the body leaves out stay as they are. A new `currency` recounts all revenue; for a large "
        "site a background job does so.",
        query=SHOW,
        body=ref("sites_change"),
        reply=schemas.shown(SHOW),
    ),
)
"""The operations on sites."""
