"""The products of an offer. Customers who are granted the offer from now on, or lose it, get or lose them too."""

from typing import Final

from starlette.responses import Response

from regulars.domain.commands import LinkProducts, SetChange
from regulars.domain.faults import RefusedError
from regulars.http.call import Call
from regulars.http.errors import after_commit
from regulars.http.jsonapi import body_schemas, objects, schemas
from regulars.http.jsonapi.bodies import read_identifiers, unknown_objects
from regulars.http.jsonapi.documents import document, identifier, related
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.http.slices import rendered
from regulars.store.reads import find_object, products_of

PATH: Final = "/v1/offers/{id}/relationships/products"
OFFERS: Final = BY_KIND["offer"]
PRODUCTS: Final = BY_KIND["product"]
QUERY: Final = QuerySpec(fields={}, filters=(SITE_ID,))


async def show(call: Call, caller: Reader) -> Response:
    """The products of an offer."""
    query, site = await objects.asked(call, caller, OFFERS, QUERY)
    return await _listed(call, query, site)


async def add(call: Call, caller: Writer) -> Response:
    """Add products to an offer."""
    return await _change(call, caller, "add")


async def replace(call: Call, caller: Writer) -> Response:
    """Replace the products of an offer."""
    return await _change(call, caller, "replace")


async def remove(call: Call, caller: Writer) -> Response:
    """Remove products from an offer."""
    return await _change(call, caller, "remove")


async def _change(call: Call, caller: Writer, change: SetChange) -> Response:
    query, site = await objects.asked(call, caller, OFFERS, QUERY)
    offer = objects.reference_in_path(call, OFFERS)
    products = await read_identifiers(call, PRODUCTS.type, PRODUCTS.kind)

    def explained(refusal: RefusedError) -> Exception:
        return objects.unknown(OFFERS) if refusal.faults[0].field == OFFERS.kind else unknown_objects(refusal)

    await call.submit(site, LinkProducts(offer, products, change), explained=explained)
    with after_commit():
        return await _listed(call, query, site)


async def _listed(call: Call, query: ParsedQuery, site: int) -> Response:
    async with call.services.store.snapshot() as connection:
        offer = await find_object(connection, site, OFFERS.kind, objects.reference_in_path(call, OFFERS))
        if offer is None:
            raise objects.unknown(OFFERS)
        numbers = (await products_of(connection, site, [offer.number])).get(offer.number, [])
    home = origin(call.scope, call.services.settings.trusted_proxies)
    links = related(f"{home}/v1/offers/{offer.number}", "products")
    shown = await rendered(numbers, lambda number: identifier(PRODUCTS.type, number))
    return document({"data": shown, "links": links}, warnings=query.warnings)


_BODY: Final = ref(body_schemas.identifiers(PRODUCTS.type))

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "offer_products.show",
        "GET",
        PATH,
        show,
        "List the products of an offer",
        query=QUERY,
        reply=schemas.RELATED,
    ),
    *(
        Operation(
            JSONAPI,
            f"offer_products.{name}",
            method,
            PATH,
            handler,
            summary,
            query=QUERY,
            body=_BODY,
            reply=schemas.RELATED,
        )
        for name, method, handler, summary in (
            ("add", "POST", add, "Add products to an offer"),
            ("replace", "PATCH", replace, "Replace the products of an offer"),
            ("remove", "DELETE", remove, "Remove products from an offer"),
        )
    ),
)
"""The operations on the relationship."""
