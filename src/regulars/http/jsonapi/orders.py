"""The calls on orders and their items: what was bought, read from the events that tell it. An order has one item."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.currencies import formatted, symbol_of
from regulars.domain.identity import NUMBER_LIMIT, public_number
from regulars.domain.moments import iso
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.jsonapi import schemas
from regulars.http.jsonapi.customer_documents import TYPES
from regulars.http.jsonapi.documents import Attributes, chosen, identifier
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
from regulars.http.jsonapi.included import included_customers, included_site
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.sales import Sale, sales_of
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader
from regulars.http.operation import Operation
from regulars.store.engine import Connection

ORDERS: Final = "orders"
ITEMS: Final = "order_items"
LISTED: Final = {ORDERS: EventList(ORDERS, "purchases", "order"), ITEMS: EventList(ITEMS, "purchases", "order item")}

_MONEY: Final[Attributes[Sale]] = {
    "currency_code": lambda sale: _price(sale)[1],
    "fulfilled_at": lambda _: None,
    "created_at": lambda sale: iso(sale.event.at),
    "total_price_in_cents": lambda sale: _price(sale)[0],
    "subtotal_in_cents": lambda sale: _price(sale)[0],
    "sales_tax_amount_in_cents": lambda _: 0,
    "discount_amount_in_cents": lambda _: 0,
    "formatted_total_price": lambda sale: formatted(*_price(sale)),
    "formatted_subtotal": lambda sale: formatted(*_price(sale)),
    "currency_symbol": lambda sale: symbol_of(_price(sale)[1]),
}
ORDER: Final[Attributes[Sale]] = {
    "order_number": lambda sale: sale.event.number,
    "order_id": lambda sale: sale.event.order_id,
    **_MONEY,
}
ITEM: Final[Attributes[Sale]] = {
    "quantity": lambda sale: sale.quantity,
    "item_type": lambda sale: _item(sale)[0],
    "item_id": lambda sale: _item(sale)[1],
    "title": lambda sale: _item(sale)[2],
    **_MONEY,
}
_SORTS: Final = ("-created_at", "created_at")
_UNFULFILLED: Final = "fulfilled_at_null"
_RELATED: Final = {ORDERS: ("order_items", "customer", "site"), ITEMS: ("order",)}
_FIELDS: Final[dict[str, dict[str, Sequence[str]]]] = {
    ORDERS: {
        ORDERS: (*ORDER, *_RELATED[ORDERS]),
        ITEMS: (*ITEM, *_RELATED[ITEMS]),
        **{name: TYPES[name] for name in ("customers", "sites")},
    },
    ITEMS: {ITEMS: (*ITEM, *_RELATED[ITEMS]), ORDERS: (*ORDER, *_RELATED[ORDERS])},
}
_FILTERS: Final = {
    ORDERS: ("order_number_eq", _UNFULFILLED, CUSTOMER_ID, CUSTOMER_EMAIL, SITE_ID, *CREATED),
    ITEMS: ("item_type_eq", "item_id_eq", _UNFULFILLED, CUSTOMER_ID, CUSTOMER_EMAIL, SITE_ID, *CREATED),
}
INDEX: Final = {
    type_: QuerySpec(
        fields=_FIELDS[type_],
        filters=_FILTERS[type_],
        sorts=_SORTS,
        include=_RELATED[type_],
        paged=True,
        cursors=True,
    )
    for type_ in (ORDERS, ITEMS)
}
SHOW: Final = {type_: QuerySpec(fields=_FIELDS[type_], include=_RELATED[type_]) for type_ in (ORDERS, ITEMS)}


def _price(sale: Sale) -> tuple[int, str]:
    return sale.amount(sale.order.total)


def _item(sale: Sale) -> tuple[str, int, str]:
    """The type, number and title of what was bought: the offer, else the first product, else the order itself."""
    if sale.offer is not None:
        return "Offer", sale.offer.number, sale.offer.title
    if sale.products:
        return "Product", sale.products[0].number, sale.products[0].title
    return "Order", sale.event.number, sale.event.order_id or str(sale.event.number)


def _narrowing(query: ParsedQuery) -> Narrowing:
    """What the filters ask of an order or item. Raises ParameterProblem."""
    tests: list[Test[Sale]] = []
    numbers: set[int | None] = set()
    nothing = False
    for name, value in query.filters:
        if name == _UNFULFILLED:
            nothing |= not flag(name, value)
        elif name == "order_number_eq":
            numbers.add(whole_number(value.strip(), longest=16))
        elif name == "item_type_eq":
            tests.append((name, lambda sale, text=value: _item(sale)[0] == text))  # type: ignore[misc]
        elif name == "item_id_eq":
            tests.append((name, lambda sale, text=value: str(_item(sale)[1]) == text.strip()))  # type: ignore[misc]
    number = next(iter(numbers), None)
    nothing |= len(numbers) > 1 or (bool(numbers) and (number is None or number >= NUMBER_LIMIT))
    return Narrowing(tests, bounds=bounds_of(query), number=number, nothing=nothing)


def order_resource(type_: str, site: int, sale: Sale, fields: frozenset[str] | None = None) -> dict[str, Any]:
    """One order or order item as a resource."""
    number = public_number(site, sale.event.number)
    related: dict[str, Any] = {"order": {"data": identifier(ORDERS, number)}}
    if type_ == ORDERS:
        related = {
            "order_items": {"data": [identifier(ITEMS, number)]},
            "customer": {"data": identifier("customers", public_number(site, sale.event.customer))},
            "site": {"data": identifier("sites", site)},
        }
    table = ORDER if type_ == ORDERS else ITEM
    return {
        **identifier(type_, number),
        "attributes": {name: get(sale) for name, get in chosen(table, fields)},
        "relationships": {name: each for name, each in related.items() if fields is None or name in fields},
    }


def _operations(type_: str, description: str) -> tuple[Operation, ...]:
    """The two operations on a type."""
    noun = LISTED[type_].noun

    async def made(
        call: Call, caller: Caller, connection: Connection, site: int, sales: Sequence[Sale], query: ParsedQuery
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"data": [order_resource(type_, site, sale, query.fields.get(type_)) for sale in sales]}
        if query.include:
            included = found["included"] = []
            if "customer" in query.include:
                people = [sale.event.customer for sale in sales]
                included += await included_customers(call, caller, connection, site, people, query)
            if "site" in query.include and sales:
                included += await included_site(caller, connection, site, query)
            for name, other in (("order_items", ITEMS), ("order", ORDERS)):
                if name in query.include:
                    included += [order_resource(other, site, sale, query.fields.get(other)) for sale in sales]
        return found

    async def index(call: Call, caller: Reader) -> Response:
        query = INDEX[type_].of(call)

        async def show_all(connection: Connection, site: int, sales: Sequence[Sale]) -> dict[str, Any]:
            return await made(call, caller, connection, site, sales, query)

        return await answer(call, caller, query, LISTED[type_], sales_of, show_all, _narrowing(query))

    async def show(call: Call, caller: Reader) -> Response:
        query = SHOW[type_].of(call)
        site, sale = await find_item(call, caller, LISTED[type_], sales_of)
        async with call.services.store.snapshot() as connection:
            shown = await made(call, caller, connection, site, [sale], query)
        return shown_alone(call, LISTED[type_], query, shown)

    article = "an" if noun[0] == "o" else "a"
    return (
        Operation(
            JSONAPI,
            f"{type_}.index",
            "GET",
            f"/v1/{type_}",
            index,
            f"List {noun}s",
            description,
            query=INDEX[type_],
            reply=schemas.shown(INDEX[type_]),
        ),
        Operation(
            JSONAPI,
            f"{type_}.show",
            "GET",
            f"/v1/{type_}/{{id}}",
            show,
            f"Get {article} {noun}",
            query=SHOW[type_],
            reply=schemas.shown(SHOW[type_]),
        ),
    )


OPERATIONS: Final = (
    *_operations(
        ORDERS,
        "One for each order that `purchase` events tell, newest first. `order_id` is the caller's; taxes and discounts "
        "are part of the price.",
    ),
    *_operations(ITEMS, "Each order has one: its offer, else its first product."),
)
"""The operations on orders and their items."""
