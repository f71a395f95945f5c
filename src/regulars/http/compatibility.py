# ruff: noqa: E501 -- a table: one call a line
"""Compatibility: every call of the three vendors, one line each; the declared operations say which of them are served.

docs/compatibility.md is made from it. A vendor's call that gets an operation becomes "have" there without a change here.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from msgspec import Struct

from regulars.http.operation import Operation
from regulars.http.operations import OPERATIONS


class VendorCall(Struct, frozen=True):
    """One call as a vendor's documentation writes it; `note` says how far ours goes, or where it differs."""

    method: str
    path: str
    does: str
    note: str = ""


class Vendor(Struct, frozen=True):
    """A vendor: what its clients call, and `scope`, which of its calls are listed at all."""

    name: str
    scope: str
    calls: tuple[VendorCall, ...]


def _calls(prefix: str, table: Iterable[tuple[str, ...]]) -> tuple[VendorCall, ...]:
    return tuple(VendorCall(method, prefix + path, *rest) for method, path, *rest in table)


# fmt: off
SENDWITHUS: Final = Vendor(
    "Sendwithus",
    "All calls of its API, version 1.",
    _calls("/api/v1", (
        ("GET", "/customers/{email}", "One customer", "The path takes a uuid as well."),
        ("POST", "/customers", "Create or update a customer", "The reply also holds the customer and `result`."),
        ("DELETE", "/customers/{email}", "Delete a customer", "An unknown address is a success too. The logs stay, by address."),
        ("GET", "/customers/{email}/logs", "The mails to a customer", "`count`, `created_lt`, `created_gt`. Scheduled drips are not in it yet."),
        ("POST", "/customers/{email}/groups/{group_id}", "Put a customer into a group", "`groups({group_id})` and `groups{group_id}` work too."),
        ("DELETE", "/customers/{email}/groups/{group_id}", "Take a customer out of a group", "In the same spellings."),
        ("POST", "/customers/{email}/conversions", "Revenue of a customer", "Until then: `POST /api/v1/event` with the event `conversion`."),
        ("GET", "/groups", "The groups"),
        ("POST", "/groups", "Create a group", "A name that another group has is refused."),
        ("PUT", "/groups/{group_id}", "Change a group"),
        ("DELETE", "/groups/{group_id}", "Delete a group", "Nobody is in it any more."),
        ("POST", "/batch", "Many calls in one", "Up to 100 items; each is answered by itself."),
        ("GET", "/logs", "The mails to everybody", "A list, newest first. `count` to 100, `offset` to 10,000; behind a log: `before`."),
        ("GET", "/logs/{log_id}", "One mail"),
        ("GET", "/logs/{log_id}/events", "What happened to one mail"),
        ("POST", "/resend", "Send a mail again"),
        ("POST", "/send", "Send a mail"),
        ("POST", "/render", "Render a template"),
        ("GET", "/drip_campaigns", "The drip campaigns"),
        ("GET", "/drip_campaigns/{campaign_id}", "One drip campaign"),
        ("POST", "/drip_campaigns/{campaign_id}/activate", "Start a campaign for a customer", "Until then: the event `sequence_subscribed`."),
        ("POST", "/drip_campaigns/{campaign_id}/deactivate", "End a campaign for a customer", "Until then: the event `sequence_unsubscribed`."),
        ("POST", "/drip_campaigns/deactivate", "End all campaigns for a customer"),
        ("POST", "/drips/deactivate", "The same, by its older name"),
        ("GET", "/drip_campaigns/{campaign_id}/steps", "The steps of a campaign"),
        ("GET", "/drip_campaigns/{campaign_id}/customers", "The customers in a campaign"),
        ("GET", "/drip_campaigns/{campaign_id}/steps/{step_id}/customers", "The customers at a step"),
        ("GET", "/segments", "The segments"),
        ("GET", "/segments/{segment_id}", "The customers of a segment"),
        ("POST", "/segments/{segment_id}/send", "Send a mail to a segment"),
        ("GET", "/templates", "The templates"),
        ("POST", "/templates", "Create a template"),
        ("GET", "/templates/{template_id}", "One template"),
        ("PUT", "/templates/{template_id}", "Change a template"),
        ("DELETE", "/templates/{template_id}", "Delete a template"),
        ("GET", "/templates/{template_id}/versions", "The versions of a template"),
        ("POST", "/templates/{template_id}/versions", "Create a version"),
        ("GET", "/templates/{template_id}/versions/{version_id}", "One version"),
        ("PUT", "/templates/{template_id}/versions/{version_id}", "Change a version"),
        ("GET", "/templates/{template_id}/locales/{locale}", "One template in one language"),
        ("PUT", "/templates/{template_id}/locales/{locale}", "Change a template in one language"),
        ("POST", "/templates/{template_id}/locales", "Add a language to a template"),
        ("DELETE", "/templates/{template_id}/locales/{locale}", "Delete a language of a template"),
        ("GET", "/templates/{template_id}/locales/{locale}/versions", "The versions in one language"),
        ("POST", "/templates/{template_id}/locales/{locale}/versions", "Create a version in one language"),
        ("GET", "/templates/{template_id}/locales/{locale}/versions/{version_id}", "One version in one language"),
        ("PUT", "/templates/{template_id}/locales/{locale}/versions/{version_id}", "Change a version in one language"),
        ("GET", "/emails", "The templates, by their older name"),
        ("POST", "/emails", "Create a template, by its older name"),
        ("GET", "/snippets", "The snippets"),
        ("POST", "/snippets", "Create a snippet"),
        ("GET", "/snippets/{snippet_id}", "One snippet"),
        ("PUT", "/snippets/{snippet_id}", "Change a snippet"),
        ("DELETE", "/snippets/{snippet_id}", "Delete a snippet"),
        ("GET", "/i18n/pot/{tag}", "Texts to translate"),
        ("POST", "/i18n/po/{tag}", "Translated texts"),
        ("GET", "/esp_accounts", "The accounts at mail providers"),
        ("POST", "/esp_accounts", "Add an account at a mail provider"),
        ("PUT", "/esp_accounts/set_default", "Choose the default account"),
    )),
)

BLUESHIFT: Final = Vendor(
    "Blueshift",
    "Its calls on customers, their lists and subscriptions, and events. Campaigns, catalogs, templates, promotions and "
    "assets are no matter of a customers API and are not listed.",
    _calls("", (
        ("POST", "/api/v1/customers", "Create or update a customer", "The reply also holds `result`."),
        ("POST", "/api/v1/customers/bulk", "Create or update up to 50 customers", "`results` gives a verdict for each."),
        ("GET", "/api/v1/customers", "Find a customer by address", "`email`, `customer_id` or `uuid`; a list of one or none."),
        ("GET", "/api/v1/customers/{uuid}", "One customer", "The path takes an address as well."),
        ("POST", "/api/v1/customers/delete", "Delete a customer"),
        ("POST", "/api/v1/customers/merge", "Make two customers one"),
        ("POST", "/api/v1/customers/forget", "Stop tracking a customer"),
        ("POST", "/api/v1/customers/unforget", "Track a customer again"),
        ("POST", "/api/v1/event", "Something happened", "All events of [events.md](events.md), and names of your own."),
        ("POST", "/api/v1/bulkevents", "Up to 100 things, or 1 MB", "`failed` lists the refused ones with reasons."),
        ("GET", "/api/v1/event/history", "The events of late", "`event_name`, `limit` to 50; of one customer with `email`, `customer_id` or `uuid`."),
        ("GET", "/api/v1/event/debug", "The events of late"),
        ("POST", "/api/v1/event/summary.json", "Counts of events"),
        ("GET", "/api/v1/customer_search/show_events", "The events of a customer"),
        ("GET", "/api/v2/customer_campaign_activity", "The mails to a customer", "Until then: `GET /api/v1/customers/{email}/logs`."),
        ("GET", "/api/v1/subscription_groups", "The subscription groups", "They are newsletters here; a customer's are in its object."),
        ("GET", "/api/v1/subscription_groups/index_lite", "The subscription groups in short"),
        ("GET", "/api/v1/subscription_groups/{uuid}", "One subscription group"),
        ("POST", "/api/v1/custom_user_lists/create", "Create a list"),
        ("GET", "/api/v1/custom_user_lists/id/{list_id}", "One list"),
        ("GET", "/api/v1/custom_user_lists/seed_lists", "The lists for tests"),
        ("PUT", "/api/v1/custom_user_lists/add_user_to_list/{list_id}", "Put a customer on a list"),
        ("PUT", "/api/v1/custom_user_lists/remove_user_from_list/{list_id}", "Take a customer off a list"),
        ("PUT", "/api/v1/custom_user_lists/bulk_add_users_to_list/{list_id}", "Put customers on a list"),
        ("PUT", "/api/v1/custom_user_lists/bulk_remove_users_from_list/{list_id}", "Take customers off a list"),
        ("PUT", "/api/v1/custom_user_lists/overwrite_list/{list_id}", "Replace a list"),
        ("POST", "/api/v1/customer_attributes/trigger_import", "Start an import", "Until then: `regulars import customers`."),
        ("DELETE", "/api/v1/customer_group/{group_id}", "Delete a household of customers"),
        ("DELETE", "/api/v1/customer_group/{group_id}/user/{user_uuid}", "Take a customer out of a household"),
        ("GET", "/api/v1/segments/list", "The segments"),
        ("GET", "/api/v1/segments/{segment_uuid}/matching_users.json", "The customers of a segment", "Until then: the filters of `GET /v1/customers`."),
        ("GET", "/api/v1/interests/user_subscriptions", "What a customer wants to hear of"),
        ("POST", "/api/v1/interests/alert", "Ask to hear of something"),
        ("GET", "/api/v1/emails/validate", "Check an address"),
        ("POST", "/api/v1/emails/bulk_validate", "Check many addresses"),
    )),
)

KAJABI: Final = Vendor(
    "Kajabi",
    "All calls of its public API, version 1.",
    _calls("/v1", (
        ("POST", "/oauth/token", "Get access and refresh tokens", "Grants `client_credentials` and `refresh_token`; `username` and `password` are a key's number and the key."),
        ("POST", "/oauth/revoke", "Revoke a token", "And the one granted with it."),
        ("GET", "/customers", "List customers", "All filters, both directions of all orders, sparse fields, includes: [filters.md](filters.md)."),
        ("GET", "/customers/{id}", "One customer", "With `include`, sparse fields, and `filter[...]` of `offers_search`, `offers_page`, `offers_per`, and the same of products."),
        ("GET", "/customers/{customer_id}/relationships/offers", "The offers of a customer"),
        ("POST", "/customers/{customer_id}/relationships/offers", "Grant offers to a customer", "With their products. Nothing is mailed: `send_customer_welcome_email` is passed over."),
        ("PATCH", "/customers/{customer_id}/relationships/offers", "Replace the offers of a customer"),
        ("DELETE", "/customers/{customer_id}/relationships/offers", "Revoke offers of a customer", "Their products are owned on, but no longer active."),
        ("GET", "/contacts", "List contacts", "A contact is the same person as the customer of that number; all filters and orders of customers."),
        ("POST", "/contacts", "Create a contact", "`external_user_id` is taken at once."),
        ("GET", "/contacts/{id}", "One contact", "With `include` of customer, offers, tags and site, and sparse fields."),
        ("PATCH", "/contacts/{id}", "Change a contact", "With `relationships.tags` the tags are replaced along with it."),
        ("DELETE", "/contacts/{id}", "Delete a contact"),
        ("GET", "/contacts/{contact_id}/relationships/offers", "The offers of a contact"),
        ("POST", "/contacts/{contact_id}/relationships/offers", "Grant offers to a contact"),
        ("PATCH", "/contacts/{contact_id}/relationships/offers", "Replace the offers of a contact"),
        ("DELETE", "/contacts/{contact_id}/relationships/offers", "Revoke offers of a contact"),
        ("GET", "/contacts/{contact_id}/relationships/tags", "The tags of a contact"),
        ("POST", "/contacts/{contact_id}/relationships/tags", "Add tags to a contact"),
        ("PATCH", "/contacts/{contact_id}/relationships/tags", "Replace the tags of a contact"),
        ("DELETE", "/contacts/{contact_id}/relationships/tags", "Remove tags of a contact"),
        ("GET", "/contact_notes", "List notes"),
        ("POST", "/contact_notes", "Create a note"),
        ("GET", "/contact_notes/{id}", "One note"),
        ("PATCH", "/contact_notes/{id}", "Change a note"),
        ("DELETE", "/contact_notes/{id}", "Delete a note"),
        ("GET", "/contact_tags", "List tags"),
        ("GET", "/contact_tags/{id}", "One tag"),
        ("GET", "/sites", "List sites", "Those of the key's account."),
        ("GET", "/sites/{id}", "One site"),
        ("GET", "/me", "Who am I", "The key, shown as a user."),
        ("GET", "/version", "The version", "Needs no key."),
        ("GET", "/offers", "List offers", "Prices, payment and checkout are not kept, and left out."),
        ("GET", "/offers/{id}", "One offer"),
        ("GET", "/offers/{offer_id}/relationships/products", "The products of an offer"),
        ("GET", "/products", "List products", "`filter[exclude_product_types][]` is passed over: products have no types here."),
        ("GET", "/products/{id}", "One product"),
        ("GET", "/purchases", "List purchases"),
        ("GET", "/purchases/{id}", "One purchase"),
        ("POST", "/purchases/{id}/reactivate", "Reactivate a purchase"),
        ("POST", "/purchases/{id}/deactivate", "Deactivate a purchase"),
        ("POST", "/purchases/{id}/cancel_subscription", "Cancel a subscription"),
        ("GET", "/orders", "List orders"),
        ("GET", "/orders/{id}", "One order"),
        ("GET", "/order_items", "List order items"),
        ("GET", "/order_items/{id}", "One order item"),
        ("GET", "/transactions", "List transactions"),
        ("GET", "/transactions/{id}", "One transaction"),
        ("GET", "/kajabi_payments_payouts", "List payouts"),
        ("GET", "/kajabi_payments_payouts/{id}", "One payout"),
        ("GET", "/forms", "List forms"),
        ("GET", "/forms/{id}", "One form"),
        ("POST", "/forms/{id}/submit", "Submit a form", "Until then: the event `form_submitted`."),
        ("GET", "/form_submissions", "List form submissions"),
        ("GET", "/form_submissions/{id}", "One form submission"),
        ("GET", "/custom_fields", "List custom fields"),
        ("GET", "/custom_fields/{id}", "One custom field"),
        ("GET", "/hooks", "List hooks"),
        ("POST", "/hooks", "Create a hook"),
        ("GET", "/hooks/{id}", "One hook"),
        ("DELETE", "/hooks/{id}", "Delete a hook"),
        ("GET", "/hooks/tag_added_sample", "A sample of a tag that was added"),
        ("GET", "/hooks/tag_removed_sample", "A sample of a tag that was removed"),
        ("GET", "/hooks/form_submission_sample", "A sample of a form submission"),
        ("GET", "/hooks/purchase_sample", "A sample of a purchase"),
        ("GET", "/hooks/payment_succeeded_sample", "A sample of a payment"),
        ("GET", "/hooks/order_created_sample", "A sample of an order"),
        ("GET", "/blog_posts", "List blog posts"),
        ("GET", "/blog_posts/{id}", "One blog post"),
        ("GET", "/courses", "List courses"),
        ("GET", "/courses/{id}", "One course"),
        ("GET", "/landing_pages", "List landing pages"),
        ("GET", "/landing_pages/{id}", "One landing page"),
        ("GET", "/podcasts", "List podcasts"),
        ("GET", "/podcasts/{id}", "One podcast"),
        ("GET", "/website_pages", "List website pages"),
        ("GET", "/website_pages/{id}", "One website page"),
    )),
)

# fmt: on

VENDORS: Final = (SENDWITHUS, BLUESHIFT, KAJABI)

_Place = tuple[str, str]


def place(method: str, path: str) -> _Place:
    """What two calls have in common that are the same but for the names of their parameters."""
    return method, re.sub(r"{[^}]*}", "{}", path)


def served(operations: Iterable[Operation] = OPERATIONS) -> frozenset[_Place]:
    """The places of all calls that there is an operation for."""
    return frozenset(place(each.method, path) for each in operations for path in each.paths if each.is_listed)


def _own(operations: Iterable[Operation]) -> Iterator[VendorCall]:
    """Those operations that no vendor has, in the words of their declarations."""
    vendors = {place(call.method, call.path) for each in VENDORS for call in each.calls}
    for each in operations:
        if each.is_listed and place(each.method, each.path) not in vendors:
            notes = (each.description, "" if each.caller else "Needs no key.")
            yield VendorCall(each.method, each.path, each.summary, " ".join(filter(None, notes)))


OWN: Final = tuple(_own(OPERATIONS))
"""Our own calls, which no vendor has."""


def unlisted(operations: Iterable[Operation] = OPERATIONS) -> list[_Place]:
    """The places of operations that no line here tells of; there should be none but spellings of a listed path."""
    listed = {place(call.method, call.path) for call in (*OWN, *(call for each in VENDORS for call in each.calls))}
    return sorted(served(operations) - listed)


@cache
def missing() -> frozenset[str]:
    """The paths of vendors' calls that nothing here serves, of those without a parameter."""
    every = {call.path for vendor in VENDORS for call in vendor.calls}
    return frozenset(path for path in every - {path for _, path in served()} if "{" not in path)
