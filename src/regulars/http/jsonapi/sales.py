"""Sales: what purchases, orders, their items and transactions are shown with, read for the events that tell them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.currencies import NONE
from regulars.domain.objects import RelatedObject
from regulars.domain.orders import Sums
from regulars.domain.references import Reference, parse_reference
from regulars.domain.relations import BY_NAME, KINDS
from regulars.store.engine import Connection
from regulars.store.query import read_all
from regulars.store.reads import existing_rows, products_of
from regulars.store.revenue_statements import CURRENCY
from regulars.store.sales import ListedEvent, Order, read_orders
from regulars.store.tie_statements import TIES

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
    order: Order
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


def _reference(value: Any, kind: str) -> Reference | None:
    try:
        return parse_reference(value, kind)
    except ValueError:
        return None


async def sales_of(
    connection: Connection, site: int, events: Sequence[ListedEvent], *, shares: bool = False
) -> list[Sale]:
    """The events with what they are shown with. shares: also with what each of them added to its order."""
    orders = await read_orders(connection, site, events, shares=shares)
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
    currency = await currency_of(connection, site)
    sales = []
    for event in events:
        reference, references = named[event.number]
        offer = None if reference is None else objects.get(("offer", reference))
        own = [*references, *(linked.get(offer.number, ()) if offer is not None else ())]
        products = {item.number: item for each in own if (item := objects.get(("product", each))) is not None}
        sales.append(Sale(event, orders[event.number], offer, list(products.values()), currency))
    return await _with_ends(connection, site, sales)


async def currency_of(connection: Connection, site: int) -> str:
    """The currency of amounts that name none."""
    row = await connection.one(CURRENCY, {"site": site})
    return (None if row is None else row[0]) or NONE


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
