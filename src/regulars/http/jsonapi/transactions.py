"""The calls on transactions: payments and refunds, one for each event that tells one."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.currencies import formatted, symbol_of
from regulars.domain.identity import public_number
from regulars.domain.moments import iso
from regulars.domain.text import search_key
from regulars.http.call import Call
from regulars.http.jsonapi import schemas
from regulars.http.jsonapi.customer_documents import TYPES
from regulars.http.jsonapi.documents import Attributes, chosen, identifier
from regulars.http.jsonapi.event_lists import (
    CUSTOMER_ID,
    END,
    START,
    EventList,
    Narrowing,
    answer,
    bounds_of,
    find_item,
    shown_alone,
)
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.included import included_customers
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.sales import Sale, sales_of
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader
from regulars.http.operation import Operation
from regulars.store.engine import Connection
from regulars.store.query import read
from regulars.store.reads import lines_by_number
from regulars.store.sales import ListedEvent

TYPE: Final = "transactions"
LISTED: Final = EventList(TYPE, TYPE, "transaction")
NAME_OR_EMAIL: Final = "name_or_email"
_read: Final = partial(sales_of, shares=True)


def _amount(sale: Sale) -> tuple[int, str]:
    return sale.amount(sale.order.shares[sale.event.number])


def _action(sale: Sale) -> str:
    if sale.event.name == "refund":
        return "refund"
    return "charge" if _amount(sale)[0] else "free_purchase"


ATTRIBUTES: Final[Attributes[Sale]] = {
    "action": _action,
    "state": lambda _: "succeeded",
    "payment_type": lambda _: None,
    "amount_in_cents": lambda sale: _amount(sale)[0],
    "sales_tax_in_cents": lambda _: 0,
    "currency": lambda sale: _amount(sale)[1],
    "currency_symbol": lambda sale: symbol_of(_amount(sale)[1]),
    "formatted_amount": lambda sale: formatted(*_amount(sale)),
    "created_at": lambda sale: iso(sale.event.at),
}
_RELATED: Final = ("customer", "offer", "purchases")
_FIELDS: Final = {TYPE: (*ATTRIBUTES, *_RELATED), "customers": TYPES["customers"]}
INDEX: Final = QuerySpec(
    fields=_FIELDS,
    filters=(START, END, CUSTOMER_ID, NAME_OR_EMAIL, SITE_ID),
    sorts=("-created_at", "created_at"),
    include=("customer",),
    paged=True,
    cursors=True,
)
SHOW: Final = QuerySpec(fields=_FIELDS, include=("customer",))


async def index(call: Call, caller: Reader) -> Response:
    """The transactions of a site, or of one customer, between two times."""
    query = INDEX.of(call)

    async def show_all(connection: Connection, site: int, sales: Sequence[Sale]) -> dict[str, Any]:
        return await _document(call, caller, connection, site, sales, query)

    sought = [_sought(value) for name, value in query.filters if name == NAME_OR_EMAIL]
    named: dict[int, tuple[str, str]] = {}

    async def read_named(connection: Connection, place: int, events: Sequence[ListedEvent]) -> list[Sale]:
        unknown = sorted({event.customer for event in events}.difference(named)) if sought else []
        if unknown:
            for line in await read(connection, lines_by_number(place, unknown)):
                named[line.number] = search_key(line.name or ""), search_key(line.email or "")
        return await _read(connection, place, events)

    def meets(sale: Sale) -> bool:
        texts = named.get(sale.event.customer, ())
        return all(any(each in text for text in texts) for each in sought)

    tests = [(NAME_OR_EMAIL, meets)]
    narrowing = Narrowing(tests if sought else (), bounds=bounds_of(query))
    return await answer(call, caller, query, LISTED, read_named, show_all, narrowing)


def _sought(value: str) -> str:
    """What a name or an address must contain. Raises ParameterProblem."""
    key = search_key(value)
    if not key:
        raise ParameterProblem(
            f"filter[{NAME_OR_EMAIL}]", f"filter[{NAME_OR_EMAIL}] must be part of a name or address."
        )
    return key


async def show(call: Call, caller: Reader) -> Response:
    """One transaction."""
    query = SHOW.of(call)
    site, sale = await find_item(call, caller, LISTED, _read)
    async with call.services.store.snapshot() as connection:
        shown = await _document(call, caller, connection, site, [sale], query)
    return shown_alone(call, LISTED, query, shown)


async def _document(
    call: Call, caller: Caller, connection: Connection, site: int, sales: Sequence[Sale], query: ParsedQuery
) -> dict[str, Any]:
    found: dict[str, Any] = {"data": [transaction_resource(site, sale, query.fields.get(TYPE)) for sale in sales]}
    if query.include:
        people = [sale.event.customer for sale in sales]
        found["included"] = await included_customers(call, caller, connection, site, people, query)
    return found


def transaction_resource(site: int, sale: Sale, fields: frozenset[str] | None = None) -> dict[str, Any]:
    """One transaction as a resource."""
    purchase = [public_number(site, number) for number in sale.order.purchases[:1]]
    related: dict[str, Any] = {
        "customer": {"data": identifier("customers", public_number(site, sale.event.customer))},
        "purchases": {"data": [identifier("purchases", each) for each in purchase]},
    }
    if sale.offer is not None:
        related["offer"] = {"data": identifier("offers", sale.offer.number)}
    return {
        **identifier(TYPE, public_number(site, sale.event.number)),
        "attributes": {name: get(sale) for name, get in chosen(ATTRIBUTES, fields)},
        "relationships": {name: each for name, each in related.items() if fields is None or name in fields},
    }


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "transactions.index",
        "GET",
        f"/v1/{TYPE}",
        index,
        "List transactions",
        "One for each `purchase` and `refund` event, newest first, with what it added to its order: the amounts of all "
        "come to the net revenue without conversions. `end_date` includes its day, in UTC. `name_or_email` looks "
        "for part of a name or address, among at most 20,000 transactions.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "transactions.show",
        "GET",
        f"/v1/{TYPE}/{{id}}",
        show,
        "Get a transaction",
        query=SHOW,
        reply=schemas.shown(SHOW),
    ),
)
"""The operations on transactions."""
