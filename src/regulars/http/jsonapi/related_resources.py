"""The resources around a customer: the contact it is at the same time, its site, and the objects it is tied to."""

from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from regulars.domain.customer import Customer
from regulars.domain.identity import public_number
from regulars.domain.moments import iso
from regulars.domain.objects import RelatedObject
from regulars.http.jsonapi.customer_resource import name_of
from regulars.http.jsonapi.documents import Attributes, nothing, resource
from regulars.store.control import Site


class Contact(Struct, frozen=True):
    """A customer as the person to write to, and whether the consent to that stands."""

    customer: Customer
    subscribed: bool


CONTACTS: Final[Attributes[Contact]] = {
    "name": lambda contact: name_of(contact.customer),
    "email": lambda contact: contact.customer.email or "",
    "phone_number": attrgetter("customer.phone_number"),
    "business_number": nothing,
    "subscribed": attrgetter("subscribed"),
    "address_line_1": attrgetter("customer.address_line_1"),
    "address_line_2": attrgetter("customer.address_line_2"),
    "address_city": attrgetter("customer.address_city"),
    "address_state": attrgetter("customer.address_state"),
    "address_country": attrgetter("customer.address_country"),
    "external_user_id": attrgetter("customer.customer_id"),
    "address_zip": attrgetter("customer.address_zip"),
    "created_at": lambda contact: iso(contact.customer.created_at),
    "updated_at": lambda contact: iso(contact.customer.updated_at),
}
"""The attributes of a contact."""

OBJECTS: Final[Attributes[RelatedObject]] = {
    "title": lambda item: item.name or item.public_id,
    "description": attrgetter("description"),
    "created_at": lambda item: iso(item.created_at),
}
"""The attributes of an offer or product."""

SITES: Final[Attributes[Site]] = {
    "title": attrgetter("title"),
    "subdomain": attrgetter("subdomain"),
    "created_at": lambda site: iso(site.created_at),
    "updated_at": lambda site: iso(site.updated_at),
}
"""The attributes of a site."""


def contact_resource(site: int, contact: Contact, fields: frozenset[str] | None) -> dict[str, Any]:
    """A contact; it has the number of the customer."""
    return resource("contacts", public_number(site, contact.customer.number), CONTACTS, fields, contact)


def object_resource(kind: str, item: RelatedObject, fields: frozenset[str] | None) -> dict[str, Any]:
    """An offer or product; `kind` is its JSON:API type."""
    return resource(kind, item.number, OBJECTS, fields, item)


def site_resource(site: Site, fields: frozenset[str] | None) -> dict[str, Any]:
    """A site."""
    return resource("sites", site.id, SITES, fields, site)
