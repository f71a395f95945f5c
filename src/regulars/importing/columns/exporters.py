"""Known exporters: by which columns a file is recognised, what its columns fill, and how its cells are written.

The columns are those of real exports. What an exporter does not list is recognised by its name as in any other file.
"""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Final

from msgspec import Struct

from regulars.exporting.customer_columns import COLUMNS
from regulars.importing.columns.dates import Order
from regulars.importing.columns.names import folded
from regulars.importing.columns.statuses import State
from regulars.importing.columns.targets import IGNORED, Target, attribute


class Exporter(Struct, frozen=True, kw_only=True):
    """One kind of file.

    signs: sets of folded column names; a file with all names of one set is of this exporter. without: names that it
    never has. columns: by folded name. order: of day and month. states: words of its status column that mean something
    else than in other files. note: what somebody who imports such a file should know.
    """

    name: str
    title: str
    signs: tuple[frozenset[str], ...]
    without: frozenset[str] = frozenset()
    columns: dict[str, Target] = {}
    order: Order | None = None
    states: dict[str, State] = {}
    note: str | None = None


def _signs(*sets: Collection[str]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(map(folded, each)) for each in sets)


def _columns(**targets: Collection[str]) -> dict[str, Target]:
    return {folded(name): Target(field) for field, names in targets.items() for name in names}


def _attributes(**keys: tuple[str, str] | str) -> dict[str, Target]:
    """Attributes by key: the column, or the column with its kind."""
    return {
        folded(column if isinstance(column, str) else column[0]): attribute(
            key,
            "text" if isinstance(column, str) else column[1],  # type: ignore[arg-type]
        )
        for key, column in keys.items()
    }


def _ignored(*names: str) -> dict[str, Target]:
    return {folded(name): IGNORED for name in names}


OWN: Final = "regulars"
"""The exporter of our own files."""

EXPORTERS: Final[tuple[Exporter, ...]] = (
    Exporter(
        name=OWN,
        title="Regulars",
        signs=_signs({"regulars_id"}),
        columns={
            **_ignored(*(column.name for column in COLUMNS)),
            **_columns(
                **{name: [name] for name in ("email", "customer_id", "uuid", "name", "firstname", "lastname")},
                **{name: [name] for name in ("address_line_1", "address_line_2", "gender", "locale", "joined_at")},
                **{name: [name] for name in ("created_at", "updated_at", "groups", "tags", "newsletters", "consents")},
                **{name: [f"address_{name}"] for name in ("city", "state", "country", "zip")},
                phone=["phone_number"],
                mobile=["mobile_phone_number"],
                control_bucket=["bsft_control_bucket"],
                attributes=["other_attributes"],
            ),
        },
        note="a CSV file has the tags, groups and newsletters of today; NDJSON restores all with its times",
    ),
    Exporter(
        name="shopify",
        title="Shopify customers",
        signs=_signs(
            {"Accepts Email Marketing", "Tax Exempt"},
            {"Accepts Marketing", "Tax Exempt"},
            {"Accepts Email Marketing", "Total Orders"},
        ),
        columns={
            **_columns(
                customer_id=["Customer ID"],
                subscribed=["Accepts Email Marketing", "Accepts Marketing"],
                phone=["Phone"],
                address_line_1=["Default Address Address1", "Address1"],
                address_line_2=["Default Address Address2", "Address2"],
                city=["Default Address City", "City"],
                state=["Default Address Province Code", "Province Code", "Province"],
                country=["Default Address Country Code", "Country Code", "Country"],
                zip=["Default Address Zip", "Zip"],
                tags=["Tags"],
            ),
            **_attributes(
                company="Default Address Company",
                address_phone="Default Address Phone",
                total_spent=("Total Spent", "number"),
                total_orders=("Total Orders", "number"),
                note="Note",
                tax_exempt=("Tax Exempt", "flag"),
                accepts_sms_marketing=("Accepts SMS Marketing", "flag"),
                accepts_whatsapp_marketing=("Accepts WhatsApp Marketing", "flag"),
            ),
        },
        note="the file has no times of consent: yes counts unless the person ended it here, and no says nothing",
    ),
    Exporter(
        name="mailchimp",
        title="Mailchimp audience",
        signs=_signs({"MEMBER_RATING", "LEID"}, {"LEID", "EUID"}, {"Email Address", "OPTIN_TIME", "CONFIRM_TIME"}),
        columns={
            **_columns(
                email=["Email Address"],
                phone=["Phone Number"],
                subscribed_at=["OPTIN_TIME"],
                confirmed_at=["CONFIRM_TIME"],
                consent_proof=["CONFIRM_IP"],
                unsubscribed_at=["UNSUB_TIME"],
                bounced_at=["CLEAN_TIME"],
                tags=["TAGS"],
            ),
            **_attributes(
                member_rating=("MEMBER_RATING", "number"),
                birthday="Birthday",
                notes="NOTES",
                unsubscribe_reason="UNSUB_REASON",
                optin_ip="OPTIN_IP",
            ),
            **_ignored("LEID", "EUID", "LAST_CHANGED", "GMTOFF", "DSTOFF", "CC", "LATITUDE", "LONGITUDE", "TIMEZONE"),
        },
        note="the status of the people stands in the name of the file, such as subscribed_members_export_1.csv",
    ),
    Exporter(
        name="klaviyo",
        title="Klaviyo profiles",
        signs=_signs(
            {"Klaviyo ID"}, {"Email Marketing Consent", "Profile Created On"}, {"Email Marketing Consent", "Email"}
        ),
        columns={
            **_columns(
                address_line_1=["Address", "Address 1"],
                address_line_2=["Address 2"],
                state=["State / Region"],
                consent_status=["Email Marketing Consent", "Email Suppressions"],
                subscribed_at=["Email Marketing Consent Timestamp"],
                joined_at=["Profile Created On"],
            ),
            **_attributes(
                klaviyo_id="Klaviyo ID",
                company="Organization",
                title="Title",
                source="Source",
                lifetime_value=("Historic Customer Lifetime Value", "number"),
                date_added=("Date Added", "date"),
            ),
            **_ignored("Latitude", "Longitude", "Last Open", "Last Click", "IP Address"),
        },
    ),
    Exporter(
        name="zoho",
        title="Zoho contacts",
        signs=_signs(
            {"Record Id", "Account Name.id"}, {"Record Id", "Mailing Street"}, {"Record Id", "Contact Owner.id"}
        ),
        columns={
            **_columns(unsubscribed=["Email Opt Out"], joined_at=["Created Time"]),
            **_attributes(zoho_id="Record Id", company="Account Name"),
            **_ignored("Account Name.id", "Contact Owner.id"),
        },
    ),
    Exporter(
        name="hubspot",
        title="HubSpot contacts",
        signs=_signs(
            {"Record ID", "Lifecycle Stage"},
            {"Record ID", "Contact owner"},
            {"Record ID - Contact"},
            {"Record ID", "Lead Status"},
            {"Record ID", "Marketing contact status"},
            {"Record ID", "Unsubscribed from all email"},
        ),
        columns={
            **_columns(
                unsubscribed=["Unsubscribed from all email", "Opted out of all email"],
                joined_at=["Create Date"],
                mobile=["Mobile Phone Number"],
            ),
            **_attributes(
                hubspot_id="Record ID",
                contact_owner="Contact owner",
                lifecycle_stage="Lifecycle Stage",
                lead_status="Lead Status",
                marketing_contact_status="Marketing contact status",
                additional_emails=("Additional email addresses", "list"),
                last_activity_date=("Last Activity Date", "date"),
            ),
            folded("Record ID - Contact"): attribute("hubspot_id"),
        },
        note="Marketing contact status is for billing and says nothing about consent",
    ),
    Exporter(
        name="salesforce",
        title="Salesforce contacts",
        signs=_signs(
            {"Contact ID", "Mailing Street"}, {"Contact ID", "Email Opt Out"}, {"Contact ID", "Account Name", "Email"}
        ),
        columns={
            **_columns(unsubscribed=["Email Opt Out"]),
            **_attributes(salesforce_id="Contact ID", company="Account Name"),
        },
    ),
    Exporter(
        name="brevo",
        title="Brevo contacts",
        signs=_signs({"EMAIL_BLACKLISTED"}, {"SMS_BLACKLISTED", "EMAIL"}, {"EMAIL", "ADDED_TIME", "MODIFIED_TIME"}),
        columns={
            **_columns(
                unsubscribed=["EMAIL_BLACKLISTED"],
                mobile=["SMS"],
                joined_at=["ADDED_TIME"],
                consent_status=["DOUBLE_OPT-IN"],
            ),
            **_attributes(sms_blacklisted=("SMS_BLACKLISTED", "flag")),
            **_ignored("MODIFIED_TIME"),
        },
        order="dmy",
        states={"1": "confirmed", "yes": "confirmed", "2": "unknown", "no": "unknown"},
    ),
    Exporter(
        name="activecampaign",
        title="ActiveCampaign contacts",
        signs=_signs({"Date Created", "IP", "Status"}, {"Email", "Date Created", "IP", "Tags"}),
        columns={
            **_columns(joined_at=["Date Created"], consent_status=["Status"], consent_proof=["IP"], tags=["Tags"]),
        },
    ),
    Exporter(
        name="listmonk",
        title="listmonk subscribers",
        signs=_signs({"uuid", "email", "attributes", "status"}, {"uuid", "email", "name", "attribs", "status"}),
        columns={
            **_columns(consent_status=["status"], joined_at=["created_at"]),
            **_attributes(listmonk_uuid="uuid"),
            **_ignored("updated_at", "id"),
            **_columns(attributes=["attributes", "attribs"]),
        },
        states={"enabled": "unknown", "blocklisted": "ended", "disabled": "unknown"},
        note="the file has no status of the lists: enabled is no consent, so consent stays as it is",
    ),
    Exporter(
        name="mautic",
        title="Mautic contacts",
        signs=_signs(
            {"email", "firstname", "lastname", "points"}, {"email", "points", "stage"}, {"email", "points", "tags"}
        ),
        columns={
            **_columns(
                joined_at=["date_added", "dateadded"],
                address_line_1=["address1"],
                address_line_2=["address2"],
                tags=["tags"],
                locale=["preferred_locale"],
            ),
            **_attributes(points=("points", "number"), mautic_id="id"),
        },
        note="the file cannot tell who unsubscribed: import those from a report with the column do_not_contact",
    ),
    Exporter(
        name="woocommerce",
        title="WooCommerce customers",
        signs=_signs({"Username", "AOV"}, {"Username", "Last Active", "Email"}, {"user_login", "billing_email"}),
        columns={
            **_columns(
                joined_at=["Sign Up", "Date Registered", "user_registered"],
                state=["Region"],
                country=["Country / Region"],
                zip=["Postal Code"],
            ),
            **_attributes(
                username="Username",
                total_orders=("Orders", "number"),
                total_spend=("Total Spend", "number"),
                average_order_value=("AOV", "number"),
                last_active=("Last Active", "date"),
            ),
        },
    ),
    Exporter(
        name="stripe",
        title="Stripe customers",
        signs=_signs(
            {"id", "Created (UTC)", "Email"},
            {"id", "Delinquent"},
            {"id", "Email", "Payment Count"},
            {"id", "Total Spend"},
        ),
        columns={
            **_columns(joined_at=["Created (UTC)", "Created"]),
            **_attributes(
                stripe_id="id",
                description="Description",
                delinquent=("Delinquent", "flag"),
                plan="Plan",
                stripe_status="Status",
                total_spend=("Total Spend", "number"),
                payment_count=("Payment Count", "number"),
                refunded_volume=("Refunded Volume", "number"),
                dispute_losses=("Dispute Losses", "number"),
            ),
        },
        note="the file says nothing about consent",
    ),
    Exporter(
        name="systeme",
        title="systeme.io contacts",
        signs=_signs({"Email", "Surname", "Date registered"}),
        columns=_columns(joined_at=["Date registered"], lastname=["Surname"]),
        note="the file says nothing about consent",
    ),
    Exporter(
        name="kit",
        title="Kit subscribers",
        signs=_signs({"first_name", "email", "created_at", "status"}, {"email", "state", "created_at", "first_name"}),
        without=frozenset(map(folded, ("lastname", "uuid"))),
        columns=_columns(
            consent_status=["status"],
            subscribed_at=["created_at"],
            joined_at=[],
            tags=["tags"],
            firstname=["first_name"],
        ),
    ),
    Exporter(
        name="kajabi",
        title="Kajabi people",
        signs=_signs(
            {"Name", "Email", "Subscribed", "Tags"},
            {"Email", "Member Created At"},
            {"Email", "Sign In Count"},
            {"Email", "External User ID", "Products"},
        ),
        columns={
            **_columns(
                customer_id=["External User ID"],
                subscribed=["Subscribed"],
                tags=["Tags"],
                joined_at=["Member Created At", "Created At"],
            ),
            **_attributes(kajabi_id="ID"),
        },
    ),
)
"""Exporters, in the order in which they are tried."""

_MAILCHIMP_NAME: Final = re.compile(r"(?:^|[^a-z])(subscribed|unsubscribed|nonsubscribed|cleaned)_", re.IGNORECASE)
_MAILCHIMP_STATES: Final[dict[str, State]] = {
    "subscribed": "given",
    "unsubscribed": "ended",
    "nonsubscribed": "unknown",
    "cleaned": "bounced",
}


def exporter_of(header: Collection[str]) -> Exporter | None:
    """The exporter of a file with these columns."""
    names = set(map(folded, header))
    for each in EXPORTERS:
        if any(signs <= names for signs in each.signs) and not each.without & names:
            return each
    return None


def state_of_file(exporter: Exporter | None, name: str) -> State | None:
    """The state of consent of all people in a file, which Mailchimp writes into its name; None if it says none."""
    if exporter is None or exporter.name != "mailchimp":
        return None
    match = _MAILCHIMP_NAME.search(PurePosixPath(name).name)
    return None if match is None else _MAILCHIMP_STATES[match[1].lower()]
