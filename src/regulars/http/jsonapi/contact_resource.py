"""Contacts in the vendor's format. A contact is a customer seen as a recipient, with the same id."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.customer import Customer
from regulars.domain.identity import public_number
from regulars.domain.moments import iso
from regulars.domain.phone import is_writing_of
from regulars.http.jsonapi.customer_resource import Ties, name_of
from regulars.http.jsonapi.documents import Attributes, chosen, identifier, identifiers, related

SUBSCRIBED: Final = "subscribed"
CUSTOM: Final = ("business_number", "custom_1", "custom_2", "custom_3")
"""Attributes of a contact that are attributes of the customer, under the same name."""

PHONE: Final = "phone_number"
"""The field, and the attribute that keeps the number as it was written, where that differs."""

RELATED: Final = {"offers": ("offer.granted", "offers"), "tags": ("tag.has", "contact_tags")}
"""The relationships of a contact to objects: the relation that each is, and the type of the objects."""

RELATIONSHIPS: Final = ("customer", *RELATED, "site")
"""The relationships of a contact, all of which can be included."""


class Contact(Struct, frozen=True):
    """A customer as the person to write to, its attributes, and whether the consent to mail stands."""

    customer: Customer
    attributes: Mapping[str, Any]
    subscribed: bool


def _custom(name: str) -> Callable[[Contact], str | None]:
    def read(contact: Contact) -> str | None:
        value = contact.attributes.get(name)
        return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()

    return read


def _phone(contact: Contact) -> str | None:
    """The number as it was written, unless another call has changed it since."""
    number, written = contact.customer.phone_number, contact.attributes.get(PHONE)
    if isinstance(written, str) and (number is None or is_writing_of(written, number)):
        return written
    return number


ATTRIBUTES: Final[Attributes[Contact]] = {
    "name": lambda contact: name_of(contact.customer),
    "email": lambda contact: contact.customer.email or "",
    PHONE: _phone,
    "business_number": _custom("business_number"),
    "subscribed": attrgetter("subscribed"),
    "address_line_1": attrgetter("customer.address_line_1"),
    "address_line_2": attrgetter("customer.address_line_2"),
    "address_city": attrgetter("customer.address_city"),
    "address_state": attrgetter("customer.address_state"),
    "address_country": attrgetter("customer.address_country"),
    "external_user_id": attrgetter("customer.customer_id"),
    "address_zip": attrgetter("customer.address_zip"),
    "custom_1": _custom("custom_1"),
    "custom_2": _custom("custom_2"),
    "custom_3": _custom("custom_3"),
    "created_at": lambda contact: iso(contact.customer.created_at),
    "updated_at": lambda contact: iso(contact.customer.changed_at or contact.customer.created_at),
}
"""The attributes of a contact."""

FIELDS: Final = (*ATTRIBUTES, *RELATIONSHIPS)
"""What `fields[contacts]` may name."""


class ContactView:
    """How the contacts of one reply are shown.

    fields: those of FIELDS that are wanted, None for all. with_data: the relationships to objects whose data is shown,
    beside their links.
    """

    def __init__(self, origin: str, site: int, fields: frozenset[str] | None, with_data: frozenset[str]) -> None:
        self._site = site
        self._origin = origin
        self._attributes = chosen(ATTRIBUTES, fields)
        self._wanted = [name for name in RELATIONSHIPS if fields is None or name in fields]
        self.with_data = with_data.intersection(self._wanted)

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations whose ties the contacts are shown with."""
        return (SUBSCRIBED, *(RELATED[name][0] for name in sorted(self.with_data)))

    def show(self, customer: Customer, ties: Ties) -> dict[str, Any]:
        """One contact as a resource."""
        number = str(public_number(self._site, customer.number))
        attributes = msgspec.json.decode(customer.attributes) if customer.attributes else {}
        contact = Contact(customer, attributes, subscribed=(customer.number, SUBSCRIBED) in ties)
        address = f"{self._origin}/v1/contacts/{number}"
        shown: dict[str, Any] = {}
        for name in self._wanted:
            if name == "customer":
                shown[name] = {"data": {"id": number, "type": "customers"}}
            elif name == "site":
                shown[name] = {"data": identifier("sites", self._site)}
            else:
                relation, type_ = RELATED[name]
                shown[name] = {"links": related(address, name)}
                if name in self.with_data:
                    shown[name]["data"] = identifiers(type_, ties.get((customer.number, relation), ()))
        return {
            "id": number,
            "type": "contacts",
            "attributes": {name: get(contact) for name, get in self._attributes},
            "links": {"customer": f"{self._origin}/v1/customers/{number}"},
            "relationships": shown,
        }
