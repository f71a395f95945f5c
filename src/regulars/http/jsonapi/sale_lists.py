"""Lists of sales: purchases, orders, their items and transactions, which are read from the events that tell them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from regulars.domain.currencies import NONE
from regulars.domain.identity import NUMBER_LIMIT, split_number
from regulars.domain.objects import RelatedObject
from regulars.domain.orders import Sums
from regulars.domain.references import Reference, parse_reference
from regulars.domain.relations import BY_NAME, KINDS
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import FLAGS, ParsedQuery
from regulars.http.jsonapi.range_pages import RangePages
from regulars.http.keyring import Caller
from regulars.store.engine import Connection
from regulars.store.merges import group_of
from regulars.store.query import read_all
from regulars.store.reads import existing_rows, number_after_merges, products_of
from regulars.store.revenue_statements import CURRENCY
from regulars.store.sales import (
    EventSelection,
    ListedEvent,
    OrderReports,
    all_events,
    count_events,
    find_event,
    read_events,
    read_orders,
)
from regulars.store.tie_statements import TIES

CUSTOMER_ID: Final = "customer_id"
_MOST_PRODUCTS: Final = 1_000
_GRANTED: Final = BY_NAME["offer.granted"].code
_ACTIVE: Final = BY_NAME["product.active"].code


class Sale(Struct, frozen=True):
    """One event of a list with what it is shown with.

    order: the order that it is of. offer: the one that it names, None if it names none or that was deleted. products:
    those that it names, and those of the offer. site_currency: that of amounts that name none. ended_at: since when
    (ms) the customer has neither the offer nor, without one, any of the products; None while that is not so.
    """

    event: ListedEvent
    order: OrderReports
    offer: RelatedObject | None
    products: list[RelatedObject]
    site_currency: str
    ended_at: int | None = None

    def amount(self, sums: Sums) -> tuple[int, str]:
        """Cents and currency: of several currencies, that of the site before others."""
        known = sorted(sums, key=lambda each: (each not in (None, self.site_currency), each or ""))
        if not known:
            return 0, self.site_currency
        first = known[0] or self.site_currency
        return sum(cents for each, cents in sums.items() if (each or self.site_currency) == first), first

    def text(self, name: str) -> str | None:
        """A detail of the event that is text."""
        value = self.event.detail.get(name)
        return value if isinstance(value, str) else None

    @property
    def quantity(self) -> int:
        """How many were bought, as the event says; otherwise one."""
        value = self.event.detail.get("quantity")
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 1


Test = Callable[[Sale], bool]
Show = Callable[[Connection, int, Sequence[Sale]], Awaitable[dict[str, Any]]]
"""Makes the document of sales of a site, without links."""


def _reference(value: Any, kind: str) -> Reference | None:
    try:
        return parse_reference(value, kind)
    except ValueError:
        return None


async def sales_of(connection: Connection, site: int, events: Sequence[ListedEvent]) -> list[Sale]:
    """The events with what they are shown with."""
    orders = await read_orders(connection, site, events)
    named: dict[int, tuple[Reference | None, list[Reference]]] = {}
    for event in events:
        listed = event.detail.get("product_ids")
        values = [event.detail.get("product_id"), *(listed[:_MOST_PRODUCTS] if isinstance(listed, list) else [])]
        found = [each for value in values if (each := _reference(value, "product")) is not None]
        named[event.number] = _reference(event.detail.get("offer_id"), "offer"), found
    wanted = {("offer", offer) for offer, _ in named.values() if offer is not None}
    wanted |= {("product", product) for _, products in named.values() for product in products}
    objects = await _objects(connection, site, sorted(wanted, key=str))
    offers = sorted({item.number for (kind, _), item in objects.items() if kind == "offer"})
    linked = await products_of(connection, site, offers)
    more = {("product", number) for numbers in linked.values() for number in numbers}
    objects |= await _objects(connection, site, sorted(more - objects.keys(), key=str))
    row = await connection.one(CURRENCY, {"site": site})
    currency = (None if row is None else row[0]) or NONE
    sales = []
    for event in events:
        reference, references = named[event.number]
        offer = None if reference is None else objects.get(("offer", reference))
        own = [*references, *(linked.get(offer.number, ()) if offer is not None else ())]
        products = {item.number: item for each in own if (item := objects.get(("product", each))) is not None}
        sales.append(Sale(event, orders[event.number], offer, list(products.values()), currency))
    return await _with_ends(connection, site, sales)


async def _objects(
    connection: Connection, site: int, named: Sequence[tuple[str, Reference]]
) -> dict[tuple[str, Reference], RelatedObject]:
    found: dict[tuple[str, Reference], RelatedObject] = {}
    for items in await read_all(connection, existing_rows(site, named)) if named else ():
        for item in items:
            kind = KINDS[item.kind - 1]
            found[kind, item.number] = item
            if item.key is not None:
                found[kind, item.key] = item
    return found


async def _with_ends(connection: Connection, site: int, sales: list[Sale]) -> list[Sale]:
    """The sales, with the time since when the customer no longer has what was bought."""
    keys = sorted({place for sale in sales for place in _places(sale)})
    if not keys:
        return sales
    values = {"site": site, "keys": msgspec.json.encode(keys).decode()}
    ties = {tuple(row[:3]): (row[3], row[4]) for row in await connection.all(TIES, values)}
    found = []
    for sale in sales:
        states = [ties.get(place, (1, 0)) for place in _places(sale)]
        has_ended = bool(states) and not any(holds for holds, _ in states)
        found.append(msgspec.structs.replace(sale, ended_at=max(at for _, at in states) if has_ended else None))
    return found


def _places(sale: Sale) -> list[tuple[int, int, int]]:
    """The ties that say whether the customer still has what was bought."""
    if sale.offer is not None:
        return [(sale.event.customer, _GRANTED, sale.offer.number)]
    return [(sale.event.customer, _ACTIVE, item.number) for item in sale.products]


async def answer(
    call: Call,
    caller: Caller,
    query: ParsedQuery,
    path: str,
    kind: str,
    show: Show,
    *,
    tests: Sequence[Test] = (),
    bounds: tuple[int, int] | None = None,
) -> Response:
    """A page of a list. tests: what its items must meet; with any, the whole list is read, a slice at a time."""
    site = asked_site(query.filters, caller)
    pages = RangePages(call, path, site, query)
    wanted = pages.wanted()
    total, events = 0, list[ListedEvent]()
    async with call.attended(), call.services.store.snapshot() as connection:
        selection = None if site is None else await _selection(connection, site, kind, query, caller)
        if selection is not None:
            site = selection.site
            if bounds is not None:
                selection = EventSelection(site, kind, selection.customers, *bounds)
            if tests:
                async for some in all_events(connection, selection, descending=wanted.descending):
                    for sale in await sales_of(connection, site, some):
                        if all(test(sale) for test in tests):
                            total += 1
                            is_behind = wanted.behind is None or (
                                sale.event.place < wanted.behind
                                if wanted.descending
                                else sale.event.place > wanted.behind
                            )
                            if is_behind and total > wanted.skip and len(events) < wanted.size:
                                events.append(sale.event)
            else:
                events = await read_events(connection, selection, wanted)
                total = await count_events(connection, selection)
        events, beside = pages.shown(events, lambda event: event.place)
        shown = await show(connection, site or 0, await sales_of(connection, site or 0, events))
    return pages.answer(shown, total, beside)


async def _selection(
    connection: Connection, site: int, kind: str, query: ParsedQuery, caller: Caller
) -> EventSelection | None:
    """What the filters by site and customer select; None if nothing. Raises ParameterProblem."""
    asked = {value for name, value in query.filters if name == CUSTOMER_ID}
    if not asked:
        return EventSelection(site, kind)
    numbers = {whole_number(text.strip(), longest=16) for text in asked}
    if None in numbers:
        detail = f"filter[{CUSTOMER_ID}] must be the id of a customer, a number."
        raise ParameterProblem(f"filter[{CUSTOMER_ID}]", detail)
    number = numbers.pop()
    if numbers or number is None or number >= NUMBER_LIMIT:
        return None
    place, customer = split_number(number)
    names_site = any(name == SITE_ID for name, _ in query.filters)
    if place not in caller.sites or (names_site and place != site):
        return None
    whole = await number_after_merges(connection, place, customer)
    return None if whole is None else EventSelection(place, kind, await group_of(connection, place, whole))


async def find_sale(call: Call, caller: Caller, kind: str, noun: str) -> tuple[int, Sale]:
    """The site and the sale that the path names. Raises Problem."""
    known = whole_number(call.path("id"), longest=16)
    if known is not None and known < NUMBER_LIMIT:
        site, number = split_number(known)
        if site in caller.sites:
            async with call.services.store.snapshot() as connection:
                event = await find_event(connection, site, kind, number)
                if event is not None:
                    return site, (await sales_of(connection, site, [event]))[0]
    raise Problem("object_not_found", f"No {noun} has this id.")


def shown_alone(call: Call, path: str, query: ParsedQuery, shown: dict[str, Any]) -> Response:
    """The document of one item, out of the document of a list."""
    (resource,) = shown["data"]
    home = origin(call.scope, call.services.settings.trusted_proxies)
    address = f"{home}/v1/{path}/{resource['id']}"
    links = {"self": address, "current": address}
    return document({**shown, "data": resource, "links": links}, warnings=query.warnings)


def flag(name: str, value: str) -> bool:
    """The value of a filter that is true or false. Raises ParameterProblem."""
    known = FLAGS.get(value.strip().lower())
    if known is None:
        raise ParameterProblem(f"filter[{name}]", f"filter[{name}] must be one of {', '.join(FLAGS)}.")
    return known
