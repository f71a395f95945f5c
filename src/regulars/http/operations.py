"""Every operation of the server. Each module declares its own and is listed here once."""

from collections.abc import Sequence
from typing import Final

from regulars.http import health, metrics
from regulars.http.classic import (
    batch,
    campaign_activity,
    customer_groups,
    drip_campaigns,
    email_checks,
    events,
    forgetting,
    groups,
    interests,
    logs,
    segments,
    subscription_groups,
    user_lists,
)
from regulars.http.classic import customers as classic_customers
from regulars.http.classic import imports as classic_imports
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
    consent_requests,
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
    form_submissions,
    hook_samples,
    imports,
    keys,
    list_members,
    merges,
    oauth,
    objects,
    offer_products,
    orders,
    overlap,
    payouts,
    purchases,
    question_catalogue,
    questions,
    reach,
    relationships,
    server,
    sites,
    transactions,
    why,
)
from regulars.http.jsonapi import drip_campaigns as jsonapi_drip_campaigns
from regulars.http.operation import Operation
from regulars.http.pages import admin, confirming, documentation, one_click, preferences
from regulars.http.pages.admin_surface import ADMIN
from regulars.http.pages.public_surface import PUBLIC
from regulars.settings import Settings

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
    *forgetting.OPERATIONS,
    *email_checks.OPERATIONS,
    *interests.OPERATIONS,
    *classic_imports.OPERATIONS,
    *campaign_activity.OPERATIONS,
    *customer_groups.OPERATIONS,
    *batch.OPERATIONS,
    *customers.OPERATIONS,
    *customer_activity.OPERATIONS,
    *customer_profile.OPERATIONS,
    *customer_records.OPERATIONS,
    *consent_requests.OPERATIONS,
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
    *purchases.OPERATIONS,
    *orders.OPERATIONS,
    *transactions.OPERATIONS,
    *form_submissions.OPERATIONS,
    *payouts.OPERATIONS,
    *hook_samples.OPERATIONS,
    *relationships.OPERATIONS,
    *offer_products.OPERATIONS,
    *objects.OPERATIONS,
    *jsonapi_drip_campaigns.OPERATIONS,
    *sites.OPERATIONS,
    *imports.OPERATIONS,
    *keys.OPERATIONS,
    *server.OPERATIONS,
    *oauth.OPERATIONS,
    *health.OPERATIONS,
    *metrics.OPERATIONS,
    *documentation.OPERATIONS,
    *preferences.OPERATIONS,
    *confirming.OPERATIONS,
    *one_click.OPERATIONS,
    *admin.OPERATIONS,
)
"""Most used first: routes are tried in order where the gate has no table for them."""


def served(settings: Settings, operations: Sequence[Operation] = OPERATIONS) -> tuple[Operation, ...]:
    """The operations of a server: those of pages that are switched off are left out."""
    pages = ((ADMIN, settings.admin), (PUBLIC, settings.public_pages))
    left_out = {surface.errors.name for surface, switch in pages if switch == "off"}
    return tuple(each for each in operations if each.surface.errors.name not in left_out)
