"""Customers: the list with its filters, orders and pages, and one customer."""

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from regulars.audience.filters import catalogue
from regulars.http.call import Call
from regulars.http.jsonapi import customer_files, listing, schemas
from regulars.http.jsonapi.customer_documents import TYPES, CustomersDocument, RenderContext
from regulars.http.jsonapi.customer_resource import RELATED, RELATIONSHIPS
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.listing import SORTS, Listing
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.paging import DEFAULT_SIZE, LARGEST_NUMBER, Page, whole
from regulars.http.jsonapi.places import customer_place, merged_into, unknown_customer
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.store.query import read_all

SEARCHES: Final = {f"{name}_search": name for name in RELATED}
"""Filters of one customer's included objects, by a part of their title."""

INDEX: Final = QuerySpec(
    fields=TYPES,
    filters=catalogue.BY_NAME,
    sorts=SORTS,
    include=RELATIONSHIPS,
    paged=True,
    cursors=True,
    described=True,
    asked=True,
)
PARTS: Final = {f"{name}_{part}": (name, part) for name in RELATED for part in ("page", "per")}
"""The vendor's pages of one customer's objects: which, and how many to a page."""

SHOW: Final = QuerySpec(fields=TYPES, filters=(*SEARCHES, *PARTS), include=RELATIONSHIPS)
CUSTOMERS: Final = Listing("customers", INDEX, CustomersDocument)


async def index(call: Call, caller: Reader) -> Response:
    """The customers who fit every filter, in order, and their exact number; or a file with all of them."""
    if (name := customer_files.file_format(call)) is not None:
        return customer_files.answer(call, caller, name, "customers")
    return await listing.answer(call, caller, CUSTOMERS)


async def show(call: Call, caller: Reader) -> Response:
    """One customer."""
    settings = call.services.settings
    query = SHOW.of(call)
    site, number = customer_place(call.path("id"), caller)
    home = origin(call.scope, settings.trusted_proxies)
    searches = {SEARCHES[name]: text for name, text in query.filters if name in SEARCHES}
    pages = _pages(query.filters, settings.page_size_limit)
    context = RenderContext(caller.account, site, home, query, searches=searches, pages=pages, alone=True)
    made = CustomersDocument(context)
    async with call.services.store.snapshot() as connection:
        found = await made.shown(connection, await read_all(connection, made.queries([number]), last=made.complete))
    if not found["data"] and (whole := await merged_into(call, site, number)) is not None:
        async with call.services.store.snapshot() as connection:
            found = await made.shown(connection, await read_all(connection, made.queries([whole]), last=made.complete))
    if not found["data"]:
        raise unknown_customer()
    (resource,) = found["data"]
    links = {"self": f"{home}/v1/customers/{resource['id']}"}
    return document({**found, "data": resource, "links": links}, warnings=query.warnings)


def _pages(filters: Sequence[tuple[str, str]], largest: int) -> dict[str, Page]:
    """The pages of objects that the filters ask for, by relationship. Raises ParameterProblem."""
    given: dict[str, dict[str, int]] = {}
    for name, text in filters:
        if name in PARTS:
            relationship, part = PARTS[name]
            limit = largest if part == "per" else LARGEST_NUMBER
            given.setdefault(relationship, {})[part] = whole(f"filter[{name}]", text, limit)
    return {
        name: Page(found.get("page", 1), found.get("per", min(DEFAULT_SIZE, largest))) for name, found in given.items()
    }


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.index",
        "GET",
        "/v1/customers",
        index,
        "List customers",
        "Returns the customers that match every filter, sorted, with their exact number.",
        query=INDEX,
        reply=schemas.shown(INDEX),
        parameters=customer_files.PARAMETERS,
        files=customer_files.MEDIA,
    ),
    Operation(
        JSONAPI,
        "customers.show",
        "GET",
        "/v1/customers/{id}",
        show,
        "Get a customer",
        query=SHOW,
        reply=schemas.shown(SHOW),
    ),
)
"""The operations on customers."""
