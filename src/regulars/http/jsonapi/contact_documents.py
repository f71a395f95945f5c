"""Documents of contacts: the rows that a reply needs, read in one snapshot, and shown with what goes with them."""

from collections.abc import Sequence
from typing import Any, Final

from regulars.http.jsonapi import contact_resource, customer_resource
from regulars.http.jsonapi.contact_resource import RELATED, ContactView
from regulars.http.jsonapi.customer_documents import Question, included_objects, people_of
from regulars.http.jsonapi.customer_resource import CustomerView, Ties
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.site_resource import SITES, site_resource
from regulars.store import control, reads
from regulars.store.engine import Connection

TYPES: Final[dict[str, Sequence[str]]] = {
    "contacts": contact_resource.FIELDS,
    "customers": customer_resource.FIELDS,
    "offers": BY_KIND["offer"].fields,
    "contact_tags": BY_KIND["tag"].fields,
    "sites": tuple(SITES),
}
"""The types of resource in a document of contacts, with their fields."""


async def read(connection: Connection, numbers: Sequence[int], question: Question) -> dict[str, Any]:
    """`data`, and `included` where it was asked for, of the contacts in this order; unknown ones are left out.

    The vendor shows the data of tags always, and that of offers where they are included or the contact is alone.
    """
    query, site, include = question.query, question.site, question.query.include
    with_data = frozenset(RELATED) if question.alone or "offers" in include else frozenset({"tags"})
    view = ContactView(question.origin, site, query.fields.get("contacts"), with_data)
    customers = CustomerView(question.origin, site, query.fields.get("customers"), offers=False)
    relations = {*view.relations, *(RELATED[name][0] for name in RELATED if name in include)}
    if "customer" in include:
        relations.update(customer_resource.RELATED[name] for name in customers.with_data)
    people = await people_of(connection, site, numbers)
    ties: Ties = await reads.held_ties(connection, site, numbers, sorted(relations)) if numbers else {}
    found: dict[str, Any] = {"data": [view.show(person, ties) for person in people]}
    if not include:
        return found
    included = found["included"] = []
    if "customer" in include:
        included += [customers.show(person, ties) for person in people]
    for name, (relation, _) in RELATED.items():
        if name in include:
            included += (await included_objects(connection, question, name, relation, ties))[1]
    if "site" in include:
        sites = await control.list_sites(connection, question.account)
        included += [site_resource(each, query.fields.get("sites")) for each in sites if each.id == site]
    return found
