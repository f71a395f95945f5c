"""Documents of customers: reads what a response needs in one snapshot, and renders it with included resources."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from regulars.domain.customer import Customer
from regulars.domain.relations import BY_NAME
from regulars.domain.text import search_key
from regulars.http.jsonapi import contact_resource, customer_resource
from regulars.http.jsonapi.contact_resource import ContactView
from regulars.http.jsonapi.customer_resource import RELATED, CustomerView, Line, Ties
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.paging import Page
from regulars.http.jsonapi.query import ParsedQuery
from regulars.http.jsonapi.site_resource import SITES, site_resource
from regulars.http.slices import drained, rendered
from regulars.store import control, reads
from regulars.store.engine import Connection
from regulars.store.query import Query

TYPES: Final[dict[str, Sequence[str]]] = {
    "customers": customer_resource.FIELDS,
    "contacts": contact_resource.FIELDS,
    **{name: BY_KIND[BY_NAME[relation].kind or ""].fields for name, relation in RELATED.items()},
    "sites": tuple(SITES),
}
"""The types of resource in a document of customers, with their fields."""


class RenderContext(Struct, frozen=True):
    """What a document of customers is made for.

    searches: {relationship: text that the titles of its included objects must contain}. pages: {relationship: which of
    its objects are shown}, of those that are found. alone: one customer, which
    the vendor shows with the data of every relationship.
    """

    account: int
    site: int
    origin: str
    query: ParsedQuery
    searches: Mapping[str, str] = {}
    pages: Mapping[str, Page] = {}
    alone: bool = False


class CustomersDocument:
    """A document of customers, rendered in one context.

    complete: what `readings` names is all that it needs.
    """

    def __init__(self, context: RenderContext) -> None:
        query = context.query
        self._context = context
        self._include = query.include
        offers = context.alone or "offers" in query.include
        self._view = CustomerView(context.origin, context.site, query.fields.get("customers"), offers=offers)
        self._relations = _relations(self._view, query.include)
        self.complete = not query.include

    def queries(self, numbers: Sequence[int]) -> list[Query[Any]]:
        """What is read of these customers in any case: they themselves, and their ties if those are shown."""
        if not numbers:
            return []
        rows = reads.customers_by_number if "contact" in self._include else reads.lines_by_number
        ties = [reads.held_ties(self._context.site, numbers, self._relations)] if self._relations else []
        return [rows(self._context.site, numbers), *ties]

    async def shown(self, connection: Connection, found: Sequence[Any]) -> dict[str, Any]:
        """`data`, and `included` where it was asked for, of what the readings came to; unknown customers are left out.

        The connection reads in the same snapshot what the rest depends on.
        """
        lines: Sequence[Line] = found[0] if found else []
        ties: Ties = found[1] if len(found) > 1 else {}
        include, query, site = self._include, self._context.query, self._context.site
        for name in self._context.pages.keys() - include:
            ties = _page_of(ties, RELATED[name], self._context.pages[name])
        if not include:
            return {"data": await rendered(lines, lambda line: self._view.show(line, ties))}
        contacts = ContactView(self._context.origin, site, query.fields.get("contacts"), frozenset())
        # They are whole customers where contacts are included, and nowhere else.
        whole = (line for line in lines if isinstance(line, Customer))
        included = await rendered(whole, lambda line: contacts.show(line, ties))
        for name in RELATED:
            if name in include:
                ties, objects = await included_objects(connection, self._context, name, RELATED[name], ties)
                included += objects
        if "site" in include:
            sites = await control.list_sites(connection, self._context.account)
            included += [site_resource(each, query.fields.get("sites")) for each in sites if each.id == site]
        return {"data": await rendered(lines, lambda line: self._view.show(line, ties)), "included": included}


def _relations(view: CustomerView, include: frozenset[str]) -> list[str]:
    """The relations whose ties the document shows."""
    shown = [relation for name, relation in RELATED.items() if name in include or name in view.with_data]
    return [*shown, contact_resource.SUBSCRIBED] if "contact" in include else shown


def _page_of(ties: Ties, relation: str, page: Page) -> Ties:
    """The ties with only a page of those of one relation."""
    return {
        place: tied[page.skip : page.skip + page.size] if place[1] == relation else tied for place, tied in ties.items()
    }


async def included_objects(
    connection: Connection, context: RenderContext, name: str, relation: str, ties: Ties
) -> tuple[Ties, list[dict[str, Any]]]:
    """The ties without those to objects that are not searched for, and the objects of a relationship."""
    tied = [numbers for (_, each), numbers in ties.items() if each == relation]
    numbers = tied[0] if len(tied) == 1 else sorted(set().union(*tied))
    kind = BY_KIND[BY_NAME[relation].kind or ""]
    objects = await reads.objects_by_number(connection, context.site, kind.kind, numbers)
    if text := search_key(context.searches.get(name, "")):
        objects = [item for item in objects if text in item.title_key]
        kept = {item.number for item in objects}
        ties = {
            place: [number for number in tied if number in kept] if place[1] == relation else tied
            for place, tied in ties.items()
        }
    if name in context.pages:
        ties = _page_of(ties, relation, context.pages[name])
        shown = {number for (_, each), tied in ties.items() if each == relation for number in tied}
        objects = [item for item in objects if item.number in shown]
    products = None
    if kind.has_products:
        products = await reads.products_of(connection, context.site, [item.number for item in objects])
    fields = context.query.fields.get(kind.type)
    return ties, await rendered(drained(objects), lambda item: kind.resource(context.site, item, fields, products))
