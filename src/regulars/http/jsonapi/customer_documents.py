"""Documents of customers: the rows that a reply needs, read in one snapshot, and shown with what goes with them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from regulars.domain.customer import Customer
from regulars.domain.relations import BY_NAME
from regulars.domain.text import fold
from regulars.http.jsonapi import contact_resource, customer_resource
from regulars.http.jsonapi.contact_resource import ContactView
from regulars.http.jsonapi.customer_resource import RELATED, CustomerView, Line, Ties
from regulars.http.jsonapi.kinds import BY_KIND, title_of
from regulars.http.jsonapi.query import Query
from regulars.http.jsonapi.site_resource import SITES, site_resource
from regulars.store import control, reads
from regulars.store.engine import Connection

TYPES: Final[dict[str, Sequence[str]]] = {
    "customers": customer_resource.FIELDS,
    "contacts": contact_resource.FIELDS,
    **{name: BY_KIND[BY_NAME[relation].kind or ""].fields for name, relation in RELATED.items()},
    "sites": tuple(SITES),
}
"""The types of resource in a document of customers, with their fields."""


class Question(Struct, frozen=True):
    """What a document of customers is made for.

    searches: {relationship: text that the titles of its included objects must contain}. alone: one customer, which
    the vendor shows with the data of every relationship.
    """

    account: int
    site: int
    origin: str
    query: Query
    searches: Mapping[str, str] = {}
    alone: bool = False


async def read(connection: Connection, numbers: Sequence[int], question: Question) -> dict[str, Any]:
    """`data`, and `included` where it was asked for, of the customers in this order; unknown ones are left out."""
    query, site, include = question.query, question.site, question.query.include
    fields = query.fields.get("customers")
    view = CustomerView(question.origin, site, fields, offers=question.alone or "offers" in include)
    lines: Sequence[Line]
    if "contact" in include:
        lines = people = await people_of(connection, site, numbers)
    else:
        lines, people = await reads.lines_by_number(connection, site, numbers), []
    relations = _relations(view, include)
    ties: Ties = await reads.held_ties(connection, site, numbers, relations) if relations and numbers else {}
    if not include:
        return {"data": [view.show(line, ties) for line in lines]}
    contacts = ContactView(question.origin, site, query.fields.get("contacts"), frozenset())
    included: list[dict[str, Any]] = [contacts.show(person, ties) for person in people]
    for name in RELATED:
        if name in include:
            ties, shown = await included_objects(connection, question, name, RELATED[name], ties)
            included += shown
    if "site" in include:
        sites = await control.list_sites(connection, question.account)
        included += [site_resource(each, query.fields.get("sites")) for each in sites if each.id == site]
    return {"data": [view.show(line, ties) for line in lines], "included": included}


def _relations(view: CustomerView, include: frozenset[str]) -> list[str]:
    """The relations whose ties the document shows."""
    shown = [relation for name, relation in RELATED.items() if name in include or name in view.with_data]
    return [*shown, contact_resource.SUBSCRIBED] if "contact" in include else shown


async def people_of(connection: Connection, site: int, numbers: Sequence[int]) -> list[Customer]:
    """Whole customers, in this order."""
    found = {each.number: each for each in await reads.customers_by_number(connection, site, numbers)}
    return [found[number] for number in numbers if number in found]


async def included_objects(
    connection: Connection, question: Question, name: str, relation: str, ties: Ties
) -> tuple[Ties, list[dict[str, Any]]]:
    """The ties without those to objects that are not searched for, and the objects of a relationship."""
    numbers = {number for (_, each), tied in ties.items() if each == relation for number in tied}
    kind = BY_KIND[BY_NAME[relation].kind or ""]
    objects = await reads.objects_by_number(connection, question.site, kind.kind, sorted(numbers))
    if text := fold(question.searches.get(name, "")):
        objects = [item for item in objects if text in fold(title_of(item))]
        kept = {item.number for item in objects}
        ties = {
            place: [number for number in tied if number in kept] if place[1] == relation else tied
            for place, tied in ties.items()
        }
    products = None
    if kind.kind == "offer":
        products = await reads.products_of(connection, question.site, [item.number for item in objects])
    fields = question.query.fields.get(kind.type)
    return ties, [kind.resource(question.site, item, fields, products) for item in objects]
