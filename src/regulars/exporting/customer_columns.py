"""The columns of exported customers.

The header of a CSV file, the docs and the recognition of our own exports are derived from this table.
"""

from typing import Any, Final

from msgspec import Struct

from regulars.domain.consent import Consent
from regulars.domain.fields import PERCENTILES
from regulars.domain.moments import iso
from regulars.domain.working.history import NewsletterConsent
from regulars.exporting.tables import Form

ID: Final = "regulars_id"
"""The first column, by which an import recognises a file of ours."""

ATTRIBUTE_PREFIX: Final = "attributes."
"""Comes before the name of an attribute in the header of its column."""


class CustomerColumn(Struct, frozen=True):
    """A column. field: of `Customer`, where it is one. relation: the ties or flag that it shows."""

    name: str
    meaning: str
    form: Form
    field: str | None = None
    relation: str | None = None


def _text(name: str, meaning: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, "text", name)


def _number(name: str, meaning: str, field: str | None = None) -> CustomerColumn:
    return CustomerColumn(name, meaning, "number", field or name)


def _moment(name: str, meaning: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, "moment", name)


def _money(name: str, meaning: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, "money", name)


def _flag(name: str, meaning: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, "flag", relation=name)


def _ties(name: str, meaning: str, relation: str) -> CustomerColumn:
    return CustomerColumn(name, meaning, "objects", relation=relation)


def evidence(consent: Consent | NewsletterConsent) -> dict[str, Any]:
    """A piece of evidence as files have it."""
    found: dict[str, Any] = {"at": iso(consent.at), "granted": consent.granted, "source": consent.source}
    for name in ("cause", "wording", "proof"):
        if (value := getattr(consent, name)) is not None:
            found[name] = value
    return found


COLUMNS: Final[tuple[CustomerColumn, ...]] = (
    CustomerColumn(ID, "the customer's number in this database", "id"),
    _text("email", "the email address"),
    _text("customer_id", "the caller's own id"),
    CustomerColumn("uuid", "the customer's uuid", "uuid", "uuid"),
    _text("name", "the full name"),
    _text("firstname", "the first name"),
    _text("lastname", "the last name"),
    _text("phone_number", "the phone number"),
    _text("mobile_phone_number", "the mobile phone number"),
    _text("gender", "the gender"),
    _text("locale", "the language tag"),
    _text("address_line_1", "the first line of the address"),
    _text("address_line_2", "the second line of the address"),
    _text("address_city", "the city"),
    _text("address_state", "the state or region"),
    _text("address_country", "the country"),
    _text("address_zip", "the postal code"),
    *(_number(name, f"the prediction {name}", column) for name, column in PERCENTILES.items()),
    _moment("joined_at", "when the customer joined"),
    _moment("created_at", "when the customer was created here"),
    _moment("updated_at", "when the profile was last updated"),
    _number("bsft_control_bucket", "the bucket of the control group", "bucket"),
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
    _flag("forgotten", "whether the customer is forgotten: no email reaches them, and their events are not kept"),
    _flag("hidden", "whether the customer is hidden from lists"),
    _money("net_revenue", "revenue less refunds"),
    _money("lifetime_revenue", "revenue"),
    _number("lifetime_orders", "the number of orders"),
    _number("lifetime_visits", "the number of visits"),
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
    CustomerColumn("consents", "the evidence of consent", "evidence"),
)
"""The columns, in their order."""

BY_NAME: Final = {column.name: column for column in COLUMNS}
