"""Every operation of the server. Each module declares its own and is listed here once."""

from collections.abc import Sequence
from typing import Final

from regulars.http import health, metrics
from regulars.http.classic import batch, drip_campaigns, events, groups, logs, segments, subscription_groups, user_lists
from regulars.http.classic import customers as classic_customers
from regulars.http.classic import merges as classic_merges
from regulars.http.jsonapi import (
    attributes,
    audience_history,
    audience_why,
    audiences,
    audit_events,
    breakdown,
    broadcast_reports,
    bulk_actions,
    contact_notes,
    contacts,
    custom_fields,
    customer_activity,
    customer_profile,
    customer_records,
    customers,
    duplicates,
    erasures,
    exports,
    imports,
    list_members,
    merges,
    oauth,
    objects,
    offer_products,
    overlap,
    question_catalogue,
    questions,
    reach,
    relationships,
    server,
    sites,
    why,
)
from regulars.http.jsonapi import drip_campaigns as jsonapi_drip_campaigns
from regulars.http.operation import Operation
from regulars.http.pages import admin, documentation
from regulars.http.pages.admin_surface import ADMIN

OPERATIONS: Final = (
    *classic_customers.OPERATIONS,
    *logs.OPERATIONS,
    *groups.OPERATIONS,
    *events.OPERATIONS,
    *subscription_groups.OPERATIONS,
    *drip_campaigns.OPERATIONS,
    *user_lists.OPERATIONS,
    *segments.OPERATIONS,
    *classic_merges.OPERATIONS,
    *batch.OPERATIONS,
    *customers.OPERATIONS,
    *customer_activity.OPERATIONS,
    *customer_profile.OPERATIONS,
    *customer_records.OPERATIONS,
    *merges.OPERATIONS,
    *duplicates.OPERATIONS,
    *erasures.OPERATIONS,
    *questions.OPERATIONS,
    *question_catalogue.OPERATIONS,
    *reach.OPERATIONS,
    *breakdown.OPERATIONS,
    *overlap.OPERATIONS,
    *broadcast_reports.OPERATIONS,
    *why.OPERATIONS,
    *audiences.OPERATIONS,
    *list_members.OPERATIONS,
    *audience_why.OPERATIONS,
    *audience_history.OPERATIONS,
    *audit_events.OPERATIONS,
    *attributes.OPERATIONS,
    *custom_fields.OPERATIONS,
    *bulk_actions.OPERATIONS,
    *exports.OPERATIONS,
    *contacts.OPERATIONS,
    *contact_notes.OPERATIONS,
    *relationships.OPERATIONS,
    *offer_products.OPERATIONS,
    *objects.OPERATIONS,
    *jsonapi_drip_campaigns.OPERATIONS,
    *sites.OPERATIONS,
    *imports.OPERATIONS,
    *server.OPERATIONS,
    *oauth.OPERATIONS,
    *health.OPERATIONS,
    *metrics.OPERATIONS,
    *documentation.OPERATIONS,
    *admin.OPERATIONS,
)
"""Most used first: routes are tried in order where the gate has no table for them."""


def without_admin_page(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The operations of a server that has no admin page."""
    return tuple(each for each in operations if each.surface is not ADMIN)
