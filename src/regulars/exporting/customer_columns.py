"""The columns of exported customers.

The header of a CSV file, the docs and the recognition of our own exports are derived from this table.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from regulars.domain.consent import Consent
from regulars.domain.fields import PERCENTILES
from regulars.domain.identity import uuid_text
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.money import decimal_text
from regulars.exporting.people import ExportedCustomer

ID: Final = "regulars_id"
"""The first column, by which an import recognises a file of ours."""

ATTRIBUTE_PREFIX: Final = "attributes."
"""Comes before the name of an attribute in the header of its column."""


class CustomerColumn(Struct, frozen=True):
    """A column. value: text, a number, a flag, a list, or None for an empty cell.

    relation: the ties that the column lists. is_moment: the value is a time, in ISO 8601.
    """

    name: str
    meaning: str
    value: Callable[[ExportedCustomer], Any]
    relation: str | None = None
    is_moment: bool = False


def _field(name: str, meaning: str, column: str | None = None) -> CustomerColumn:
    field = column or name
    return CustomerColumn(name, meaning, lambda each: getattr(each.customer, field))


def _moment(name: str, meaning: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, lambda each: iso_or_none(getattr(each.customer, name)), is_moment=True)


def _money(name: str, meaning: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, lambda each: decimal_text(getattr(each.customer, name)))


def _flag(name: str, meaning: str, relation: str | None = None) -> CustomerColumn:
    return CustomerColumn(name, meaning, lambda each: each.flag(relation or name), relation=relation or name)


def _ties(name: str, meaning: str, relation: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, lambda each: each.tied_to(relation), relation=relation)


def evidence(consent: Consent) -> dict[str, Any]:
    """A piece of evidence as files have it."""
    found: dict[str, Any] = {"at": iso(consent.at), "granted": consent.granted, "source": consent.source}
    for name in ("cause", "wording", "proof"):
        if (value := getattr(consent, name)) is not None:
            found[name] = value
    return found


COLUMNS: Final[tuple[CustomerColumn, ...]] = (
    CustomerColumn(ID, "the customer's number in this database", lambda each: each.id),
    _field("email", "the email address"),
    _field("customer_id", "the caller's own id"),
    CustomerColumn("uuid", "the customer's uuid", lambda each: uuid_text(each.customer.uuid)),
    _field("name", "the full name"),
    _field("firstname", "the first name"),
    _field("lastname", "the last name"),
    _field("phone_number", "the phone number"),
    _field("mobile_phone_number", "the mobile phone number"),
    _field("gender", "the gender"),
    _field("locale", "the language tag"),
    _field("address_line_1", "the first line of the address"),
    _field("address_line_2", "the second line of the address"),
    _field("address_city", "the city"),
    _field("address_state", "the state or region"),
    _field("address_country", "the country"),
    _field("address_zip", "the postal code"),
    *(_field(name, f"the prediction {name}", column) for name, column in PERCENTILES.items()),
    _moment("joined_at", "when the customer joined"),
    _moment("created_at", "when the customer was created here"),
    _moment("updated_at", "when the profile was last updated"),
    CustomerColumn("bsft_control_bucket", "the bucket of the control group", lambda each: each.customer.bucket),
    _flag("subscribed", "whether there is consent to marketing email; empty: never asked"),
    _moment("subscribed_at", "when consent was last given"),
    _moment("unsubscribed_at", "when consent last ended"),
    _moment("manually_unsubscribed_at", "when consent was last ended by the operator or in the settings"),
    _moment("opted_out_at", "when the customer last opted out by email"),
    _moment("complained_at", "when email was last reported as spam"),
    _moment("bounced_at", "when the address last bounced"),
    _flag("hard_bouncing", "whether the address bounces hard"),
    _flag("spam_reported", "whether email was reported as spam"),
    _flag("suppressed", "whether the customer is excluded from marketing email as risky"),
    _flag("hidden", "whether the customer is hidden from lists"),
    _money("net_revenue", "revenue less refunds"),
    _money("lifetime_revenue", "revenue"),
    _field("lifetime_orders", "the number of orders"),
    _field("lifetime_visits", "the number of visits"),
    _moment("last_purchase_at", "when the customer last purchased"),
    _moment("last_request_at", "when the customer was last active"),
    _moment("last_sent_at", "when email was last sent"),
    _moment("last_delivered_at", "when email was last delivered"),
    _moment("last_opened_at", "when email was last opened"),
    _moment("last_clicked_at", "when a link in an email was last clicked"),
    _ties("groups", "the groups", "group.member"),
    _ties("tags", "the tags", "tag.has"),
    _ties("newsletters", "the newsletters that the customer gets", "newsletter.subscribed"),
    _ties("ended_newsletters", "the newsletters that the customer has left", "newsletter.unsubscribed"),
    _ties("lists", "the lists that the customer is in", "audience.member"),
    _ties("offers", "the offers granted", "offer.granted"),
    _ties("products", "the products owned", "product.owned"),
    _ties("active_products", "the products with active access", "product.active"),
    _ties("sequences", "the sequences that the customer gets", "sequence.subscribed"),
    _ties("coupons", "the coupons used", "coupon.used"),
    _ties("forms", "the forms submitted", "form.submitted"),
    _ties("events", "the events registered for", "event.registered"),
    _ties("assessments", "the assessments completed", "assessment.completed"),
    CustomerColumn(
        "consents", "the evidence of consent", lambda each: [evidence(one) for one in each.consents] or None
    ),
)
"""The columns, in their order."""

BY_NAME: Final = {column.name: column for column in COLUMNS}
