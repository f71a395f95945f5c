"""Samples of what webhooks send: lists of resources as the other calls show them, about a person who does not exist."""

from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.customer import Customer
from regulars.domain.objects import RelatedObject
from regulars.domain.relations import KIND_CODES
from regulars.http.call import Call, json_response
from regulars.http.jsonapi.contact_resource import SUBSCRIBED, ContactView
from regulars.http.jsonapi.customer_resource import CustomerView
from regulars.http.jsonapi.failures import MEDIA_TYPE
from regulars.http.jsonapi.form_submission_bodies import EVENT
from regulars.http.jsonapi.form_submissions import Submission, submission_resource
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.orders import ITEMS, ORDERS, order_resource
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.purchases import purchase_resource
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.sales import Sale, currency_of
from regulars.http.jsonapi.schemas import component
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.jsonapi.transactions import transaction_resource
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import either, listed, ref
from regulars.store.sales import ListedEvent, Order

SAMPLE: Final = QuerySpec(fields={})
_AT: Final = 1_767_225_600_000
_CENTS: Final = 4_900
_ENTERED: Final = {
    "phone_number": "+4915112345678",
    "address_line_1": "1 Market Street",
    "address_city": "Berlin",
    "address_country": "DE",
    "address_zip": "10115",
}


class Samples:
    """The resources of samples, as they are shown on a site. Their number within the site is 0, which nobody has."""

    def __init__(self, home: str, site: int, currency: str) -> None:
        self._site = site
        event = ListedEvent(0, 0, "purchase", _AT, None, "order-1", {"quantity": 1}, 0)
        order = Order([0], [], {currency: _CENTS}, {0: {currency: _CENTS}})
        offer = self._object("offer", "Annual membership")
        self._sale = Sale(event, order, offer, [], currency)
        fields: dict[str, Any] = dict(_ENTERED)
        self._customer = Customer(
            0, bytes(16), _AT, _AT, 1, "anna@example.com", "anna@example.com", name="Anna Keller", **fields
        )
        self._customers = CustomerView(home, site, None, offers=True)
        self._contacts = ContactView(home, site, None, frozenset())

    def customer(self) -> dict[str, Any]:
        """A customer."""
        return self._customers.show(self._customer, {})

    def contact(self) -> dict[str, Any]:
        """A contact, who agreed to email."""
        return self._contacts.show(self._customer, {(0, SUBSCRIBED): [0]})

    def tag(self) -> dict[str, Any]:
        """A tag."""
        return BY_KIND["tag"].resource(self._site, self._object("tag", "VIP"), None)

    def offer(self) -> dict[str, Any]:
        """The offer of the purchase."""
        return BY_KIND["offer"].resource(self._site, self._object("offer", "Annual membership"), None, {})

    def form(self) -> dict[str, Any]:
        """The form of the submission."""
        return BY_KIND["form"].resource(self._site, self._object("form", "Newsletter"), None)

    def form_submission(self) -> dict[str, Any]:
        """A submission of a form."""
        event = ListedEvent(0, 0, EVENT, _AT, None, None, {"name": "Anna Keller", **_ENTERED}, 0)
        form = self._object("form", "Newsletter")
        return submission_resource(self._site, Submission(event, form, "Anna Keller", "anna@example.com"))

    def purchase(self) -> dict[str, Any]:
        """A purchase of the offer."""
        return purchase_resource(self._site, self._sale)

    def transaction(self) -> dict[str, Any]:
        """The payment for it."""
        return transaction_resource(self._site, self._sale)

    def order(self) -> dict[str, Any]:
        """The order that the purchase is of."""
        return order_resource(ORDERS, self._site, self._sale)

    def order_item(self) -> dict[str, Any]:
        """The item of the order."""
        return order_resource(ITEMS, self._site, self._sale)

    def _object(self, kind: str, name: str) -> RelatedObject:
        return RelatedObject(KIND_CODES[kind], 0, None, name, name.lower(), None, _AT, _AT)


Resource = Callable[[Samples], dict[str, Any]]
PAYLOADS: Final[dict[str, tuple[str, tuple[tuple[str, Resource], ...]]]] = {
    "tag_added": ("a tag that was added", (("contacts", Samples.contact), ("contact_tags", Samples.tag))),
    "tag_removed": ("a tag that was removed", (("contacts", Samples.contact), ("contact_tags", Samples.tag))),
    "form_submission": (
        "a form submission",
        (("form_submissions", Samples.form_submission), ("forms", Samples.form)),
    ),
    "purchase": (
        "a purchase",
        (("purchases", Samples.purchase), ("offers", Samples.offer), ("customers", Samples.customer)),
    ),
    "payment_succeeded": (
        "a payment",
        (("transactions", Samples.transaction), ("customers", Samples.customer), ("offers", Samples.offer)),
    ),
    "order_created": (
        "an order",
        (
            ("transactions", Samples.transaction),
            ("customers", Samples.customer),
            ("offers", Samples.offer),
            ("orders", Samples.order),
            ("order_items", Samples.order_item),
        ),
    ),
}
"""By the vendor's event: what it is called, and the resources of its payload with their types."""


def _operation(event: str, called: str, resources: tuple[tuple[str, Resource], ...]) -> Operation:
    async def sample(call: Call, caller: Reader) -> Response:
        SAMPLE.of(call)
        async with call.services.store.snapshot() as connection:
            currency = await currency_of(connection, caller.site)
        samples = Samples(origin(call.scope, call.services.settings.trusted_proxies), caller.site, currency)
        return json_response([made(samples) for _, made in resources], media_type=MEDIA_TYPE)

    return Operation(
        JSONAPI,
        f"hooks.{event}_sample",
        "GET",
        f"/v1/hooks/{event}_sample",
        sample,
        f"Get a sample of {called}",
        "A list of resources about a person who does not exist. Their ids are those of nothing.",
        query=SAMPLE,
        reply=listed(either(*(ref(component(type_)) for type_, _ in resources))),
    )


OPERATIONS: Final = tuple(_operation(event, *payload) for event, payload in PAYLOADS.items())
"""The operations on samples."""
