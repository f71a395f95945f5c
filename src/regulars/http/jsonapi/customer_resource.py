"""Customers in the vendor's format: attributes, relationships, and the selected fields."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from regulars.domain.customer import Customer, shown_name
from regulars.domain.identity import public_number
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.money import decimal_text
from regulars.http.jsonapi.documents import identifier, identifiers
from regulars.store.reads import CustomerLine

Line = CustomerLine | Customer
"""A customer as the store gives it: a page needs only the few fields that both have."""

Ties = Mapping[tuple[int, str], Sequence[int]]
"""{(customer, relation): numbers of the objects tied to it}."""


def name_of(line: Line) -> str:
    """The name or a substitute; never null."""
    return line.name or shown_name(None, line.email, line.customer_id) or ""


def attributes_of(line: Line) -> dict[str, Any]:
    """The attributes of a customer. What the vendor has and we do not keep is null."""
    # One function and not a table of them: a page shows hundreds of attributes.
    return {
        "name": name_of(line),
        "email": line.email or "",
        "avatar": None,
        "external_user_id": line.customer_id,
        "public_bio": None,
        "public_location": None,
        "public_website": None,
        "socials": None,
        "net_revenue": decimal_text(line.net_revenue),
        "sign_in_count": None,
        "last_request_at": iso_or_none(line.last_request_at),
        "bounced_at": iso_or_none(line.bounced_at),
        "created_at": iso(line.created_at),
        "updated_at": iso(line.changed_at or line.created_at),
    }


ATTRIBUTES: Final = tuple(attributes_of(CustomerLine(0, 0, 0, None, None, None, None, 0, None)))
"""The names of the attributes, in the order in which they are shown."""

RELATED: Final = {"offers": "offer.granted", "products": "product.owned"}
"""The relationships of a customer to objects, and the relation that each is."""

RELATIONSHIPS: Final = ("contact", *RELATED, "site")
"""The relationships of a customer, all of which can be included."""

FIELDS: Final = (*ATTRIBUTES, *RELATIONSHIPS)
"""What `fields[customers]` may name."""


class CustomerView:
    """How the customers of one reply are shown.

    fields: those of FIELDS that are wanted, None for all. offers: whether their data is shown beside their link; the
    vendor shows the data of products, and the link of offers, always.
    """

    def __init__(self, origin: str, site: int, fields: frozenset[str] | None, *, offers: bool) -> None:
        self._site = site
        self._customers = f"{origin}/v1/customers/"
        self._contacts = f"{origin}/v1/contacts/"
        self._fields = fields
        wanted = frozenset(RELATIONSHIPS if fields is None else fields.intersection(RELATIONSHIPS))
        self._has_relationships = bool(wanted)
        self._contact = "contact" in wanted
        self._offers = "offers" in wanted
        self._site_link = {"data": identifier("sites", site)} if "site" in wanted else None
        self.with_data = wanted.intersection(RELATED) - (frozenset() if offers else {"offers"})

    def show(self, line: Line, ties: Ties) -> dict[str, Any]:
        """One customer as a resource."""
        number = str(public_number(self._site, line.number))
        attributes = attributes_of(line)
        if self._fields is not None:
            attributes = {name: value for name, value in attributes.items() if name in self._fields}
        resource = {
            "id": number,
            "type": "customers",
            "attributes": attributes,
            "links": {"contact": self._contacts + number},
        }
        if self._has_relationships:
            resource["relationships"] = self._relationships(number, line.number, ties)
        return resource

    def _relationships(self, number: str, customer: int, ties: Ties) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if self._contact:
            shown["contact"] = {"data": {"id": number, "type": "contacts"}}
        if self._offers:
            shown["offers"] = {"links": {"self": f"{self._customers}{number}/relationships/offers"}}
        for name in self.with_data:
            data = identifiers(name, ties.get((customer, RELATED[name]), ()))
            shown.setdefault(name, {})["data"] = data
        if self._site_link is not None:
            shown["site"] = self._site_link
        return shown
