"""Documents of customers: the rows that a reply needs, read in one snapshot, and shown with what goes with them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from regulars.domain.customer import Customer
from regulars.domain.relations import BY_NAME
from regulars.domain.text import fold
from regulars.http.jsonapi import customer_resource
from regulars.http.jsonapi.customer_resource import RELATED, CustomerView, Line, Ties
from regulars.http.jsonapi.query import Query
from regulars.http.jsonapi.related_resources import (
    CONTACTS,
    OBJECTS,
    SITES,
    Contact,
    contact_resource,
    object_resource,
    site_resource,
)
from regulars.store import control, reads
from regulars.store.engine import Connection

TYPES: Final[dict[str, Sequence[str]]] = {
    "customers": customer_resource.FIELDS,
    "contacts": tuple(CONTACTS),
    **{name: tuple(OBJECTS) for name in RELATED},
    "sites": tuple(SITES),
}
"""The types of resource in a document of customers, with their fields."""

_SUBSCRIBED: Final = "subscribed"


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
        lines = people = await _people(connection, site, numbers)
    else:
        lines, people = await reads.lines_by_number(connection, site, numbers), []
    relations = _relations(view, include)
    ties: Ties = await reads.held_ties(connection, site, numbers, relations) if relations and numbers else {}
    if not include:
        return {"data": [view.show(line, ties) for line in lines]}
    included: list[dict[str, Any]] = [_contact(site, person, ties, query) for person in people]
    for name in RELATED:
        if name in include:
            ties, shown = await _objects(connection, question, name, ties)
            included += shown
    if "site" in include:
        sites = await control.list_sites(connection, question.account)
        included += [site_resource(each, query.fields.get("sites")) for each in sites if each.id == site]
    return {"data": [view.show(line, ties) for line in lines], "included": included}


def _relations(view: CustomerView, include: frozenset[str]) -> list[str]:
    """The relations whose ties the document shows."""
    shown = [relation for name, relation in RELATED.items() if name in include or name in view.with_data]
    return [*shown, _SUBSCRIBED] if "contact" in include else shown


async def _people(connection: Connection, site: int, numbers: Sequence[int]) -> list[Customer]:
    """Whole customers, in this order."""
    found = {each.number: each for each in await reads.customers_by_number(connection, site, numbers)}
    return [found[number] for number in numbers if number in found]


def _contact(site: int, person: Customer, ties: Ties, query: Query) -> dict[str, Any]:
    contact = Contact(person, subscribed=(person.number, _SUBSCRIBED) in ties)
    return contact_resource(site, contact, query.fields.get("contacts"))


async def _objects(
    connection: Connection, question: Question, name: str, ties: Ties
) -> tuple[Ties, list[dict[str, Any]]]:
    """The ties without those to objects that are not searched for, and the objects of a relationship."""
    relation = RELATED[name]
    numbers = {number for (_, each), tied in ties.items() if each == relation for number in tied}
    kind = BY_NAME[relation].kind
    assert kind is not None
    objects = await reads.objects_by_number(connection, question.site, kind, sorted(numbers))
    if text := fold(question.searches.get(name, "")):
        objects = [item for item in objects if text in fold(item.name or item.public_id)]
        kept = {item.number for item in objects}
        ties = {
            place: [number for number in tied if number in kept] if place[1] == relation else tied
            for place, tied in ties.items()
        }
    return ties, [object_resource(name, item, question.query.fields.get(name)) for item in objects]
