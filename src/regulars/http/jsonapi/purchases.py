"""The calls on purchases: orders as the vendor's clients know them, each of one offer."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.activity import parse_activity
from regulars.domain.commands import Command, RecordActivity, Relate
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.identity import Who, public_number, uuid_text
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.text import fold
from regulars.http.call import Call
from regulars.http.errors import after_commit
from regulars.http.jsonapi import schemas
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.customer_documents import TYPES
from regulars.http.jsonapi.documents import Attributes, chosen, identifier, identifiers
from regulars.http.jsonapi.event_lists import (
    CREATED,
    CUSTOMER_EMAIL,
    CUSTOMER_ID,
    EventList,
    Narrowing,
    Test,
    answer,
    bounds_of,
    find_item,
    flag,
    shown_alone,
)
from regulars.http.jsonapi.included import included_customers, included_objects_of
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.places import SITE_ID, unknown_customer
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.sales import Sale, sales_of
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Handler, Operation
from regulars.store.engine import Connection
from regulars.store.query import read
from regulars.store.reads import customers_by_number

TYPE: Final = "purchases"
LISTED: Final = EventList(TYPE, "purchases", "purchase")
SINGLE: Final = "single"
FREE: Final = "free"
REVOKED: Final = "revoked"

_RELATED: Final = ("customer", "offer", "products", "transactions")
_INCLUDED: Final = ("customer", "offer", "products")

ATTRIBUTES: Final[Attributes[Sale]] = {
    "amount_in_cents": lambda sale: sale.amount(sale.order.total)[0],
    "payment_type": lambda sale: SINGLE if sale.amount(sale.order.total)[0] else FREE,
    "multipay_payments_made": lambda _: None,
    "opt_in": lambda _: False,
    "raw_extra_contact_information": lambda _: {},
    "currency": lambda sale: sale.amount(sale.order.total)[1],
    "effective_start_at": lambda sale: iso(sale.event.at),
    "cardholder_name": lambda _: None,
    "billing_address_zip": lambda _: None,
    "deactivated_at": lambda sale: iso_or_none(sale.ended_at),
    "deactivation_reason": lambda sale: None if sale.ended_at is None else REVOKED,
    "coupon_code": lambda sale: sale.text("coupon"),
    "source": lambda sale: sale.text("source"),
    "referrer": lambda sale: sale.text("referrer"),
    "quantity": lambda sale: sale.quantity,
    "order_id": lambda sale: sale.event.order_id,
    "created_at": lambda sale: iso(sale.event.at),
    "updated_at": lambda sale: iso(max(sale.event.at, sale.ended_at or 0)),
}
_FIELDS: Final = {
    TYPE: (*ATTRIBUTES, *_RELATED),
    **{name: TYPES[name] for name in ("customers", "offers", "products")},
}
PRODUCT_ID: Final = "product_id"
_SELECTING: Final = (CUSTOMER_ID, CUSTOMER_EMAIL, SITE_ID, *CREATED)
FILTERS: Final = ("active", "deactivated", "referrer", "coupon_code_eq", PRODUCT_ID, *_SELECTING)
INDEX: Final = QuerySpec(
    fields=_FIELDS, filters=FILTERS, sorts=("-created_at", "created_at"), include=_INCLUDED, paged=True, cursors=True
)
SHOW: Final = QuerySpec(fields=_FIELDS, include=_INCLUDED)


async def index(call: Call, caller: Reader) -> Response:
    """The purchases of a site, or of one customer."""
    query = INDEX.of(call)

    async def show_all(connection: Connection, site: int, sales: Sequence[Sale]) -> dict[str, Any]:
        return await _document(call, caller, connection, site, sales, query)

    return await answer(
        call, caller, query, LISTED, sales_of, show_all, Narrowing(_tests(query), bounds=bounds_of(query))
    )


async def show(call: Call, caller: Reader) -> Response:
    """One purchase."""
    return await _shown(call, caller, SHOW.of(call))


async def deactivate(call: Call, caller: Writer) -> Response:
    """Take the offer, or without one the products, from the customer."""
    return await _change(call, caller, holds=False)


async def reactivate(call: Call, caller: Writer) -> Response:
    """Give the offer, or without one the products, to the customer again."""
    return await _change(call, caller, holds=True)


async def _change(call: Call, caller: Writer, *, holds: bool) -> Response:
    query = SHOW.of(call)
    site, sale = await find_item(call, caller, LISTED, sales_of)
    if sale.offer is None and not sale.products:
        detail = "names no offer or product that exists, so there is nothing to take away or give back"
        raise refused([Fault("id", detail)], "unprocessable")

    def explained(refusal: RefusedError) -> Exception:
        return unknown_customer() if refusal.code == "customer_not_found" else refusal

    for command in await _commands(call, site, sale, holds=holds):
        await call.submit(site, command, explained=explained)
    with after_commit():
        return await _shown(call, caller, query)


async def _commands(call: Call, site: int, sale: Sale, *, holds: bool) -> list[Command]:
    number = sale.event.customer
    if sale.offer is not None:
        change = "add" if holds else "remove"
        return [Relate(Who(number=number), "offer.granted", (sale.offer.number,), change)]  # type: ignore[arg-type]
    async with call.services.store.snapshot() as connection:
        people = await read(connection, customers_by_number(site, [number]))
    if not people:
        raise unknown_customer()
    event = "product_reactivated" if holds else "product_deactivated"
    who = {"event": event, "uuid": uuid_text(people[0].uuid)}
    now, limits = call.services.clock(), call.services.store.limits
    return [
        RecordActivity(parse_activity({**who, "product_id": item.number}, now=now, limits=limits))
        for item in sale.products
    ]


def _tests(query: ParsedQuery) -> list[Test[Sale]]:
    """What the filters ask of a purchase. Raises ParameterProblem."""
    return [(name, _test(name, value)) for name, value in query.filters if name not in _SELECTING]


def _test(name: str, value: str) -> Callable[[Sale], bool]:
    if name == "referrer":
        return lambda sale: fold(value) in fold(sale.text("referrer") or "")
    if name == "coupon_code_eq":
        return lambda sale: fold(value) == fold(sale.text("coupon") or "")
    if name == PRODUCT_ID:
        return lambda sale: any(value.strip() in (str(item.number), item.key) for item in sale.products)
    wants_active = flag(name, value) == (name == "active")
    return lambda sale: (sale.ended_at is None) == wants_active


async def _document(
    call: Call, caller: Caller, connection: Connection, site: int, sales: Sequence[Sale], query: ParsedQuery
) -> dict[str, Any]:
    found: dict[str, Any] = {"data": [purchase_resource(site, sale, query.fields.get(TYPE)) for sale in sales]}
    if query.include:
        included = found["included"] = []
        if "customer" in query.include:
            people = [sale.event.customer for sale in sales]
            included += await included_customers(call, caller, connection, site, people, query)
        if "offer" in query.include:
            offers = [sale.offer for sale in sales if sale.offer is not None]
            included += included_objects_of(BY_KIND["offer"], site, offers, query)
        if "products" in query.include:
            products = [item for sale in sales for item in sale.products]
            included += included_objects_of(BY_KIND["product"], site, products, query)
    return found


def purchase_resource(site: int, sale: Sale, fields: frozenset[str] | None = None) -> dict[str, Any]:
    """One purchase as a resource."""
    paid = [*sale.order.purchases, *sale.order.refunds]
    related: dict[str, Any] = {
        "customer": {"data": identifier("customers", public_number(site, sale.event.customer))},
        "products": {"data": identifiers("products", [item.number for item in sale.products])},
        "transactions": {"data": identifiers("transactions", [public_number(site, each) for each in sorted(paid)])},
    }
    if sale.offer is not None:
        related["offer"] = {"data": identifier("offers", sale.offer.number)}
    return {
        **identifier(TYPE, public_number(site, sale.event.number)),
        "attributes": {name: get(sale) for name, get in chosen(ATTRIBUTES, fields)},
        "relationships": {name: each for name, each in related.items() if fields is None or name in fields},
    }


async def _shown(call: Call, caller: Caller, query: ParsedQuery) -> Response:
    site, sale = await find_item(call, caller, LISTED, sales_of)
    async with call.services.store.snapshot() as connection:
        shown = await _document(call, caller, connection, site, [sale], query)
    return shown_alone(call, LISTED, query, shown)


_ONE: Final = f"/v1/{TYPE}/{{id}}"
_CHANGES: Final[tuple[tuple[str, Handler, str, str], ...]] = (
    ("reactivate", reactivate, "Reactivate a purchase", "Grants the offer again. Repeating the call is safe."),
    ("deactivate", deactivate, "Deactivate a purchase", "Revokes the offer, or deactivates the products."),
    (
        "cancel_subscription",
        deactivate,
        "Cancel a subscription",
        "The same as `deactivate`: payments are not made here, so there is nothing else to cancel.",
    ),
)

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "purchases.index",
        "GET",
        f"/v1/{TYPE}",
        index,
        "List purchases",
        "One for each order that `purchase` events tell, newest first. A purchase is active while the customer has its "
        "offer, or one of its products if it names no offer.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(JSONAPI, "purchases.show", "GET", _ONE, show, "Get a purchase", query=SHOW, reply=schemas.shown(SHOW)),
    *(
        Operation(
            JSONAPI,
            f"purchases.{name}",
            "POST",
            f"{_ONE}/{name}",
            handler,
            summary,
            description,
            query=SHOW,
            reply=schemas.shown(SHOW),
        )
        for name, handler, summary, description in _CHANGES
    ),
)
"""The operations on purchases."""
