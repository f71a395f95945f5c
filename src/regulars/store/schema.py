"""The database tables. The key of every customer table starts with site_id, the unit of ordering and distribution."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from regulars.store.address_schema import former_addresses as former_addresses
from regulars.store.address_schema import tombstones as tombstones
from regulars.store.audience_schema import audience_members as audience_members
from regulars.store.audience_schema import audience_points as audience_points
from regulars.store.audience_schema import audience_watches as audience_watches
from regulars.store.audience_schema import audiences as audiences
from regulars.store.audit_schema import account_audit_events as account_audit_events
from regulars.store.audit_schema import audit_events as audit_events
from regulars.store.consent_request_schema import consent_requests as consent_requests
from regulars.store.control_schema import accounts as accounts
from regulars.store.control_schema import jobs as jobs
from regulars.store.control_schema import keys as keys
from regulars.store.control_schema import schema_migrations as schema_migrations
from regulars.store.control_schema import settings as settings
from regulars.store.control_schema import sites as sites
from regulars.store.control_schema import tokens as tokens
from regulars.store.customer_history_schema import consents as consents
from regulars.store.customer_history_schema import newsletter_consents as newsletter_consents
from regulars.store.customer_history_schema import profile_changes as profile_changes
from regulars.store.duplicate_schema import duplicate_dismissals as duplicate_dismissals
from regulars.store.duplicate_schema import duplicates as duplicates
from regulars.store.erasure_schema import erasures as erasures
from regulars.store.import_schema import import_changes as import_changes
from regulars.store.import_schema import imports as imports
from regulars.store.merge_schema import merged_customers as merged_customers
from regulars.store.merge_schema import merges as merges
from regulars.store.note_schema import notes as notes
from regulars.store.schema_columns import metadata as metadata
from regulars.store.schema_columns import moment as _moment
from regulars.store.schema_columns import number as _number
from regulars.store.schema_columns import text as _text
from regulars.store.tie_schema import deleted_ties as deleted_ties
from regulars.store.tie_schema import relations as relations
from regulars.store.user_schema import sign_in_failures as sign_in_failures
from regulars.store.user_schema import user_links as user_links
from regulars.store.user_schema import user_sessions as user_sessions
from regulars.store.user_schema import users as users
from regulars.store.waiting_schema import anonymous_events as anonymous_events
from regulars.store.waiting_schema import drip_campaigns as drip_campaigns
from regulars.store.waiting_schema import pending_mails as pending_mails
from regulars.store.waiting_schema import visitors as visitors

# -- customers ------------------------------------------------------------------------------------------------

site_heads = Table(
    "site_heads",
    metadata,
    Column("site_id", Integer, primary_key=True, autoincrement=False),
    _number("head"),
    _number("token"),
    _number("previous"),
    _number("next_customer"),
    _number("next_activity"),
    _number("next_log"),
    _number("next_consent"),
    Column("moment", BigInteger, nullable=False, server_default="0"),
    Column("fenced_head", BigInteger, nullable=False, server_default="0"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("fence = 0 OR fenced_head = head", name="site_heads_fence"),
    postgresql_with={"fillfactor": "10"},
)
"""One row per site: the newest change, its token and its predecessor's, the next numbers, and the moment of the newest
change: the time (ms), or one more than the moment before where the clock has not advanced. Updating the row takes the
site's lock.

fence: the change that created an object again whose former ties are still in `relations`, else 0. Servers of before
step 24 cannot tell them from its new ones. fenced_head: the head, but older servers leave it as it is, so they cannot
write while there is a fence.
"""

customers = Table(
    "customers",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("number"),
    Column("uuid", LargeBinary, nullable=False),
    _moment("created_at", nullable=False),
    _moment("updated_at", nullable=False),
    Column("bucket", Integer, nullable=False),
    _text("email"),
    _text("email_key"),
    _text("customer_id"),
    _moment("joined_at"),
    _moment("last_request_at"),
    _text("name"),
    _text("firstname"),
    _text("lastname"),
    _text("phone_number"),
    _text("mobile_phone_number"),
    _text("gender"),
    _text("locale"),
    _text("address_line_1"),
    _text("address_line_2"),
    _text("address_city"),
    _text("address_state"),
    _text("address_country"),
    _text("address_zip"),
    _text("attributes"),
    _number("net_revenue"),
    _number("lifetime_revenue"),
    _number("lifetime_orders"),
    _number("lifetime_visits"),
    _moment("last_purchase_at"),
    _moment("subscribed_at"),
    _moment("unsubscribed_at"),
    _moment("manually_unsubscribed_at"),
    _moment("opted_out_at"),
    _moment("complained_at"),
    _moment("bounced_at"),
    _moment("last_sent_at"),
    _moment("last_delivered_at"),
    _moment("last_opened_at"),
    _moment("last_clicked_at"),
    Column("engagement_percentile", Integer),
    Column("purchase_percentile", Integer),
    Column("retention_percentile", Integer),
    _moment("changed_at"),
    _number("merged_into", nullable=True),
    _number("ignored_events", nullable=True),
    PrimaryKeyConstraint("site_id", "number"),
    UniqueConstraint("site_id", "email_key", name="customers_email"),
    UniqueConstraint("site_id", "customer_id", name="customers_customer_id"),
    UniqueConstraint("site_id", "uuid", name="customers_uuid"),
    sqlite_with_rowid=False,
)
"""One row per customer; columns in the order of `domain.customer.Customer`.

One that was merged into another keeps its row, as it was: no list has it, and its identifiers find the other."""

objects = Table(
    "objects",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("kind", Integer, nullable=False),
    _number("number"),
    _text("key"),
    _text("name"),
    _text("name_key"),
    _text("description"),
    _moment("created_at", nullable=False),
    _moment("updated_at", nullable=False),
    _moment("deleted_at"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("fence = 0 OR deleted_at IS NOT NULL", name="objects_fence"),
    PrimaryKeyConstraint("site_id", "kind", "number"),
    UniqueConstraint("site_id", "kind", "key", name="objects_key"),
    Index("objects_name", "site_id", "kind", "name_key", unique=True),
    sqlite_with_rowid=False,
)
"""Groups, tags, offers and so on; columns in the order of `domain.objects.RelatedObject`, and:

fence: the change that deleted it, until its former ties are removed, else 0. Servers of before step 24 cannot create it
again meanwhile, since they would take these for its new ties.
"""

object_titles = Table(
    "object_titles",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("kind", Integer, nullable=False),
    _number("number"),
    Column("title_key", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    PrimaryKeyConstraint("site_id", "kind", "number"),
    Index("object_titles_title", "site_id", "kind", "title_key", "number"),
    sqlite_with_rowid=False,
)
"""The search form of the titles of existing objects, sorted by code point on every engine."""

object_counts = Table(
    "object_counts",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("kind", Integer, nullable=False),
    _number("count"),
    PrimaryKeyConstraint("site_id", "kind"),
    sqlite_with_rowid=False,
)
"""The number of objects of each kind, equal to their rows in `object_titles`."""

offer_products = Table(
    "offer_products",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("offer"),
    _number("product"),
    PrimaryKeyConstraint("site_id", "offer", "product"),
    Index("offer_products_product", "site_id", "product"),
    sqlite_with_rowid=False,
)
"""The products of each offer: customers who are granted the offer own them."""

logs = Table(
    "logs",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("number"),
    Column("identity", LargeBinary, nullable=False),
    _text("key"),
    _number("customer"),
    _text("address_key"),
    _text("recipient_name"),
    _text("recipient_address"),
    _moment("created_at", nullable=False),
    Column("status", Integer, nullable=False),
    _moment("status_at", nullable=False),
    _text("message", nullable=False),
    _text("email_id"),
    _text("email_name"),
    _text("email_version"),
    Column("opens", Integer, nullable=False),
    Column("clicks", Integer, nullable=False),
    PrimaryKeyConstraint("site_id", "number"),
    UniqueConstraint("site_id", "identity", name="logs_identity"),
    Index("logs_address", "site_id", "address_key", "created_at"),
    Index("logs_customer", "site_id", "customer", "created_at"),
    Index("logs_created", "site_id", "created_at", "number"),
    Index("logs_key", "site_id", "key", "created_at", "number"),
    sqlite_with_rowid=False,
)
"""One mail to one person; columns in the order of `domain.mail.Log`. Logs are kept when the customer is deleted."""

activities = Table(
    "activities",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("number"),
    _number("customer"),
    _text("name", nullable=False),
    _moment("at", nullable=False),
    Column("uuid", LargeBinary),
    _text("order_id"),
    _number("log", nullable=True),
    _text("detail"),
    Column("lacks", Integer, nullable=False, server_default="0"),
    _moment("received_at"),
    Column("channel", Integer),
    _number("actor", nullable=True),
    PrimaryKeyConstraint("site_id", "number"),
    Index("activities_customer", "site_id", "customer", "at"),
    sqlite_with_rowid=False,
)
"""The history of all customers; columns in the order of `domain.working.ActivityRow`."""

Index(
    "activities_uuid",
    activities.c.site_id,
    activities.c.uuid,
    unique=True,
    sqlite_where=activities.c.uuid.is_not(None),
    postgresql_where=activities.c.uuid.is_not(None),
)
Index(
    "activities_orders",
    activities.c.site_id,
    activities.c.customer,
    activities.c.name,
    activities.c.order_id,
    sqlite_where=activities.c.order_id.is_not(None),
    postgresql_where=activities.c.order_id.is_not(None),
)
Index(
    "activities_log",
    activities.c.site_id,
    activities.c.log,
    sqlite_where=activities.c.log.is_not(None),
    postgresql_where=activities.c.log.is_not(None),
)

LISTED_EVENTS: Final = ("purchase", "refund", "form_submitted")
"""The events that are listed for a whole site, by their time."""

_is_listed = activities.c.name.in_([literal_column(f"'{name}'") for name in LISTED_EVENTS])
Index(
    "activities_listed",
    activities.c.site_id,
    activities.c.at,
    activities.c.number,
    activities.c.name,
    activities.c.customer,
    activities.c.order_id,
    sqlite_where=_is_listed,
    postgresql_where=_is_listed,
)

_is_submission = activities.c.name == literal_column("'form_submitted'")
Index(
    "activities_submissions",
    *(activities.c[name] for name in ("site_id", "at", "number", "customer")),
    sqlite_where=_is_submission,
    postgresql_where=_is_submission,
)

revenues = Table(
    "revenues",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("customer"),
    Column("currency", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    _number("net"),
    _number("lifetime"),
    Column("is_counted", Integer, nullable=False),
    PrimaryKeyConstraint("site_id", "customer", "currency"),
    sqlite_with_rowid=False,
)
"""What amounts that named a currency come to, by customer and currency: `domain.working.revenues.Revenue`."""


changes = Table(
    "changes",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("number"),
    Column("part", Integer, nullable=False),
    _number("token"),
    _number("previous"),
    Column("last", Integer, nullable=False),
    _moment("at", nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("site_id", "number", "part"),
    sqlite_with_rowid=False,
)
"""The change log: what each commit changed, as the index needs it (`domain.changes.Record`), in parts."""

outbox = Table(
    "outbox",
    metadata,
    Column("site_id", Integer, nullable=False),
    _number("number"),
    Column("position", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    _number("token"),
    _number("previous"),
    Column("last", Integer, nullable=False),
    _moment("at", nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("site_id", "number", "position"),
    sqlite_with_rowid=False,
)
"""The events of each commit for external consumers (`domain.outbox`), in parts, by change number."""

SITE_TABLES: Final = (
    site_heads,
    customers,
    relations,
    deleted_ties,
    objects,
    object_titles,
    object_counts,
    offer_products,
    logs,
    activities,
    consents,
    newsletter_consents,
    consent_requests,
    profile_changes,
    notes,
    former_addresses,
    revenues,
    tombstones,
    audiences,
    audience_watches,
    audience_members,
    audience_points,
    drip_campaigns,
    pending_mails,
    visitors,
    anonymous_events,
    imports,
    import_changes,
    erasures,
    audit_events,
    merges,
    merged_customers,
    duplicates,
    duplicate_dismissals,
    changes,
    outbox,
)
"""The tables keyed by site: every statement on one of them must name its site."""
