"""Documents of contacts: reads what a response needs in one snapshot, and renders it with included resources."""

from collections.abc import Sequence
from typing import Any, Final

from regulars.http.jsonapi import contact_resource, customer_resource
from regulars.http.jsonapi.contact_resource import RELATED, ContactView
from regulars.http.jsonapi.customer_documents import RenderContext, included_objects
from regulars.http.jsonapi.customer_resource import CustomerView
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.site_resource import SITES, site_resource
from regulars.http.slices import rendered
from regulars.store import control, reads
from regulars.store.engine import Connection
from regulars.store.query import Query

TYPES: Final[dict[str, Sequence[str]]] = {
    "contacts": contact_resource.FIELDS,
    "customers": customer_resource.FIELDS,
    "offers": BY_KIND["offer"].fields,
    "contact_tags": BY_KIND["tag"].fields,
    "sites": tuple(SITES),
}
"""The types of resource in a document of contacts, with their fields."""


class ContactsDocument:
    """A document of contacts, rendered in one context.

    The vendor shows the data of tags always, and that of offers where they are included or the contact is alone.
    complete: what `readings` names is all that it needs.
    """

    def __init__(self, context: RenderContext) -> None:
        query = context.query
        self._context = context
        with_data = frozenset(RELATED) if context.alone or "offers" in query.include else frozenset({"tags"})
        self._view = ContactView(context.origin, context.site, query.fields.get("contacts"), with_data)
        self._customers = CustomerView(context.origin, context.site, query.fields.get("customers"), offers=False)
        self._relations = {*self._view.relations, *(RELATED[name][0] for name in RELATED if name in query.include)}
        if "customer" in query.include:
            self._relations.update(customer_resource.RELATED[name] for name in self._customers.with_data)
        self.complete = not query.include

    def queries(self, numbers: Sequence[int]) -> list[Query[Any]]:
        """What is read of these contacts in any case: they themselves, and their ties."""
        if not numbers:
            return []
        site = self._context.site
        return [reads.customers_by_number(site, numbers), reads.held_ties(site, numbers, sorted(self._relations))]

    async def shown(self, connection: Connection, found: Sequence[Any]) -> dict[str, Any]:
        """`data`, and `included` where it was asked for, of what the readings came to; unknown contacts are left out.

        The connection reads in the same snapshot what the rest depends on.
        """
        people, ties = found or ([], {})
        query, site = self._context.query, self._context.site
        document: dict[str, Any] = {"data": await rendered(people, lambda person: self._view.show(person, ties))}
        if not query.include:
            return document
        included = document["included"] = []
        if "customer" in query.include:
            included += await rendered(people, lambda person: self._customers.show(person, ties))
        for name, (relation, _) in RELATED.items():
            if name in query.include:
                included += (await included_objects(connection, self._context, name, relation, ties))[1]
        if "site" in query.include:
            sites = await control.list_sites(connection, self._context.account)
            included += [site_resource(each, query.fields.get("sites")) for each in sites if each.id == site]
        return document
