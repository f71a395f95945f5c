# ruff: noqa: E501 -- a table: one call a line
"""Compatibility: every call of the three vendors, one line each. The declared operations decide which are served.

docs/compatibility.md is generated from it. A vendor's call that gets an operation is marked "have" without a change here.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from msgspec import Struct

from regulars.http.operation import Operation
from regulars.http.operations import OPERATIONS


class VendorCall(Struct, frozen=True):
    """A call as the vendor's documentation writes it. `note`: differences and limits of ours."""

    method: str
    path: str
    does: str
    note: str = ""


class Vendor(Struct, frozen=True):
    """A vendor and its calls. `scope`: which of its calls are listed."""

    name: str
    scope: str
    calls: tuple[VendorCall, ...]


def _calls(prefix: str, table: Iterable[tuple[str, ...]]) -> tuple[VendorCall, ...]:
    return tuple(VendorCall(method, prefix + path, *rest) for method, path, *rest in table)


# fmt: off
SENDWITHUS: Final = Vendor(
    "Sendwithus",
    "All calls of version 1 of its API.",
    _calls("/api/v1", (
        ("GET", "/customers/{email}", "Get a customer", "The path also accepts a uuid."),
        ("POST", "/customers", "Create or update a customer", "The response also has the customer and `result`."),
        ("DELETE", "/customers/{email}", "Delete a customer", "Succeeds for an unknown address too. The email logs are kept under the address."),
        ("GET", "/customers/{email}/logs", "List the emails of a customer", "`count`, `created_lt`, `created_gt`. With `count`, scheduled drip emails too, at their due times."),
        ("POST", "/customers/{email}/groups/{group_id}", "Add a customer to a group", "`groups({group_id})` and `groups{group_id}` work too."),
        ("DELETE", "/customers/{email}/groups/{group_id}", "Remove a customer from a group", "Accepts the same spellings."),
        ("POST", "/customers/{email}/conversions", "Record revenue of a customer", "Until then, use `POST /api/v1/event` with the event `conversion`."),
        ("GET", "/groups", "List groups"),
        ("POST", "/groups", "Create a group", "The name must be unique."),
        ("PUT", "/groups/{group_id}", "Change a group"),
        ("DELETE", "/groups/{group_id}", "Delete a group", "Removes all customers from the group."),
        ("POST", "/batch", "Make several calls in one", "Up to 100 calls, each with its own response."),
        ("GET", "/logs", "List the emails of all customers", "Newest first. `count` up to 100, `offset` up to 10,000; `before` returns the logs after a given one."),
        ("GET", "/logs/{log_id}", "Get an email"),
        ("GET", "/logs/{log_id}/events", "List the events of an email"),
        ("POST", "/resend", "Resend an email"),
        ("POST", "/send", "Send an email"),
        ("POST", "/render", "Render a template"),
        ("GET", "/drip_campaigns", "List drip campaigns", "They are the sequences of `/v1`. `POST /v1/drip_campaigns` creates one with its steps."),
        ("GET", "/drip_campaigns/{campaign_id}", "Get a drip campaign"),
        ("POST", "/drip_campaigns/{campaign_id}/activate", "Start a drip campaign for a customer", "Schedules the emails. Nothing sends them yet. While emails are pending, a repeat changes nothing."),
        ("POST", "/drip_campaigns/{campaign_id}/deactivate", "Stop a drip campaign for a customer", "Also for the address of a deleted customer. The npm client 6.0.2 sends DELETE without the address, which is refused; its `dripCampaignDeactivateAll` works."),
        ("POST", "/drip_campaigns/deactivate", "Stop all drip campaigns for a customer"),
        ("POST", "/drips/deactivate", "Same call, older name"),
        ("GET", "/drip_campaigns/{campaign_id}/steps", "List the steps of a drip campaign"),
        ("GET", "/drip_campaigns/{campaign_id}/customers", "List the customers in a drip campaign"),
        ("GET", "/drip_campaigns/{campaign_id}/steps/{step_id}/customers", "List the customers at a step"),
        ("GET", "/segments", "List segments", "Segments are the audiences of `/v1`. `POST /v1/audiences` creates one."),
        ("GET", "/segments/{segment_id}", "List the customers of a segment", "The 500 newest."),
        ("GET", "/segments/{segment_id}/run", "Run a segment", "The same."),
        ("POST", "/segments/{segment_id}/send", "Send an email to a segment"),
        ("GET", "/templates", "List templates"),
        ("POST", "/templates", "Create a template"),
        ("GET", "/templates/{template_id}", "Get a template"),
        ("PUT", "/templates/{template_id}", "Change a template"),
        ("DELETE", "/templates/{template_id}", "Delete a template"),
        ("GET", "/templates/{template_id}/versions", "List the versions of a template"),
        ("POST", "/templates/{template_id}/versions", "Create a version"),
        ("GET", "/templates/{template_id}/versions/{version_id}", "Get a version"),
        ("PUT", "/templates/{template_id}/versions/{version_id}", "Change a version"),
        ("GET", "/templates/{template_id}/locales/{locale}", "Get a template in one language"),
        ("PUT", "/templates/{template_id}/locales/{locale}", "Change a template in one language"),
        ("POST", "/templates/{template_id}/locales", "Add a language to a template"),
        ("DELETE", "/templates/{template_id}/locales/{locale}", "Delete a language of a template"),
        ("GET", "/templates/{template_id}/locales/{locale}/versions", "List the versions in one language"),
        ("POST", "/templates/{template_id}/locales/{locale}/versions", "Create a version in one language"),
        ("GET", "/templates/{template_id}/locales/{locale}/versions/{version_id}", "Get a version in one language"),
        ("PUT", "/templates/{template_id}/locales/{locale}/versions/{version_id}", "Change a version in one language"),
        ("GET", "/emails", "List templates, older name"),
        ("POST", "/emails", "Create a template, older name"),
        ("GET", "/snippets", "List snippets"),
        ("POST", "/snippets", "Create a snippet"),
        ("GET", "/snippets/{snippet_id}", "Get a snippet"),
        ("PUT", "/snippets/{snippet_id}", "Change a snippet"),
        ("DELETE", "/snippets/{snippet_id}", "Delete a snippet"),
        ("GET", "/i18n/pot/{tag}", "Get texts to translate"),
        ("POST", "/i18n/po/{tag}", "Upload translated texts"),
        ("GET", "/esp_accounts", "List accounts at email providers"),
        ("POST", "/esp_accounts", "Add an account at an email provider"),
        ("PUT", "/esp_accounts/set_default", "Choose the default account"),
    )),
)

BLUESHIFT: Final = Vendor(
    "Blueshift",
    "Its calls on customers, lists, subscriptions and events. Calls on campaigns, catalogs, templates, promotions and assets are not listed, because they do not concern customers.",
    _calls("", (
        ("POST", "/api/v1/customers", "Create or update a customer", "The response also has `result`."),
        ("POST", "/api/v1/customers/bulk", "Create or update up to 50 customers", "`results` has the result of each."),
        ("GET", "/api/v1/customers", "Find a customer by email", "By `email`, `customer_id` or `uuid`; returns a list of at most one."),
        ("GET", "/api/v1/customers/{uuid}", "Get a customer", "The path also accepts an email address."),
        ("POST", "/api/v1/customers/delete", "Delete a customer"),
        ("POST", "/api/v1/customers/merge", "Merge two customers"),
        ("POST", "/api/v1/customers/forget", "Stop tracking a customer"),
        ("POST", "/api/v1/customers/unforget", "Track a customer again"),
        ("POST", "/api/v1/event", "Record an event", "All events of [events.md](events.md), and any other name. With only `cookie` or `device_id`, the event waits until a customer is named with it."),
        ("POST", "/api/v1/bulkevents", "Record up to 100 events, at most 1 MB", "`failed` lists the refused ones with the reason."),
        ("GET", "/api/v1/event/history", "List recent events", "`event_name`, `limit` up to 50; `email`, `customer_id` or `uuid` for one customer."),
        ("GET", "/api/v1/event/debug", "List recent events", "The same as `event/history`."),
        ("POST", "/api/v1/event/summary.json", "Count events"),
        ("GET", "/api/v1/customer_search/show_events", "List the events of a customer", "By `email`, `customer_id` or `uuid`; `event_name`, `limit` up to 50. `GET /v1/customers/{id}/activity` has all events."),
        ("GET", "/api/v2/customer_campaign_activity", "List the emails of a customer", "By `email`, `customer_id` or `uuid`. The newest 500 events of the time are searched, then `cursor` leads on. `start_time` may be older than a year."),
        ("GET", "/api/v1/subscription_groups", "List subscription groups", "Subscription groups are newsletters here. The customer object has the customer's own."),
        ("GET", "/api/v1/subscription_groups/index_lite", "List ids and names of subscription groups"),
        ("GET", "/api/v1/subscription_groups/{uuid}", "Get a subscription group"),
        ("POST", "/api/v1/custom_user_lists/create", "Create a list", "`source` is `email` or `customer_id`; calls may name customers by either."),
        ("GET", "/api/v1/custom_user_lists/id/{list_id}", "Get a list"),
        ("GET", "/api/v1/custom_user_lists/seed_lists", "List the test lists", "The lists created with `is_seed_list`."),
        ("PUT", "/api/v1/custom_user_lists/add_user_to_list/{list_id}", "Add a customer to a list"),
        ("PUT", "/api/v1/custom_user_lists/remove_user_from_list/{list_id}", "Remove a customer from a list"),
        ("PUT", "/api/v1/custom_user_lists/bulk_add_users_to_list/{list_id}", "Add customers to a list", "Up to 25, or 500 with `async=true`. `failed` lists the refused ones."),
        ("PUT", "/api/v1/custom_user_lists/bulk_remove_users_from_list/{list_id}", "Remove customers from a list", "The same limits."),
        ("PUT", "/api/v1/custom_user_lists/overwrite_list/{list_id}", "Replace a list", "Refused with 422, as it names a file in S3. Use `PATCH /v1/audiences/{id}/customers`."),
        ("POST", "/api/v1/customer_attributes/trigger_import", "Start an import", "`uuid` is the id of a dry run of `POST /v1/imports`; its file is imported with its options. Files in S3 are not read."),
        ("DELETE", "/api/v1/customer_group/{group_id}", "Delete a household of customers", "Only with `delete_users=false`, which keeps the customers; otherwise refused with 422. Households are groups here."),
        ("DELETE", "/api/v1/customer_group/{group_id}/user/{user_uuid}", "Remove a customer from a household"),
        ("GET", "/api/v1/segments/list", "List segments", "`approxusers` is exact."),
        ("GET", "/api/v1/segments/{segment_uuid}/matching_users.json", "Count the customers of a segment", "Exact counts, at once. `refresh` and `channels` change nothing. `sms_users` have a phone number."),
        ("GET", "/api/v1/interests/user_subscriptions", "Get what a customer wants to be notified of", "Topics are newsletters here: the keys of those that the customer subscribes to."),
        ("POST", "/api/v1/interests/alert", "Alert the customers who follow a topic", "Refused with 422, as nothing sends emails yet. Ask for `newsletter:KEY` to find them."),
        ("GET", "/api/v1/emails/validate", "Validate an email address", "Checks the form and known typing errors of the domain. No server is asked, so `result` is never `deliverable`."),
        ("POST", "/api/v1/emails/bulk_validate", "Validate many email addresses", "The same, for up to 30."),
    )),
)

KAJABI: Final = Vendor(
    "Kajabi",
    "All calls of version 1 of its public API.",
    _calls("/v1", (
        ("POST", "/oauth/token", "Get access and refresh tokens", "Grants `client_credentials` and `refresh_token`. `username` and `password` are a key's number and the key itself."),
        ("POST", "/oauth/revoke", "Revoke a token", "Also revokes the token that was granted with it."),
        ("GET", "/customers", "List customers", "All filters, sort orders in both directions, sparse fields and includes: [filters.md](filters.md)."),
        ("GET", "/customers/{id}", "Get a customer", "With includes, sparse fields, and the filters `offers_search`, `offers_page` and `offers_per`; the same for products."),
        ("GET", "/customers/{customer_id}/relationships/offers", "List the offers of a customer"),
        ("POST", "/customers/{customer_id}/relationships/offers", "Grant offers to a customer", "Also grants their products. No email is sent: `send_customer_welcome_email` is ignored."),
        ("PATCH", "/customers/{customer_id}/relationships/offers", "Replace the offers of a customer"),
        ("DELETE", "/customers/{customer_id}/relationships/offers", "Revoke offers from a customer", "Their products stay owned, but become inactive."),
        ("GET", "/contacts", "List contacts", "A contact is the customer with the same id. All filters and sort orders of customers."),
        ("POST", "/contacts", "Create a contact", "`external_user_id` is set at once. Optional attributes that cannot be read are left out with `meta.warnings`."),
        ("GET", "/contacts/{id}", "Get a contact", "Can include customer, offers, tags and site. Sparse fields."),
        ("PATCH", "/contacts/{id}", "Change a contact", "`relationships.tags` also replaces the tags. Phone numbers are shown as they were written."),
        ("DELETE", "/contacts/{id}", "Delete a contact"),
        ("GET", "/contacts/{contact_id}/relationships/offers", "List the offers of a contact"),
        ("POST", "/contacts/{contact_id}/relationships/offers", "Grant offers to a contact"),
        ("PATCH", "/contacts/{contact_id}/relationships/offers", "Replace the offers of a contact"),
        ("DELETE", "/contacts/{contact_id}/relationships/offers", "Revoke offers from a contact"),
        ("GET", "/contacts/{contact_id}/relationships/tags", "List the tags of a contact"),
        ("POST", "/contacts/{contact_id}/relationships/tags", "Add tags to a contact"),
        ("PATCH", "/contacts/{contact_id}/relationships/tags", "Replace the tags of a contact"),
        ("DELETE", "/contacts/{contact_id}/relationships/tags", "Remove tags from a contact"),
        ("GET", "/contact_notes", "List notes"),
        ("POST", "/contact_notes", "Create a note"),
        ("GET", "/contact_notes/{id}", "Get a note"),
        ("PATCH", "/contact_notes/{id}", "Change a note"),
        ("DELETE", "/contact_notes/{id}", "Delete a note"),
        ("GET", "/contact_tags", "List tags"),
        ("GET", "/contact_tags/{id}", "Get a tag"),
        ("GET", "/sites", "List sites", "Returns the sites of the key's account, with `country`, `currency` and `time_zone` as further attributes."),
        ("GET", "/sites/{id}", "Get a site"),
        ("GET", "/me", "Get the current user", "Returns the key as a user."),
        ("GET", "/version", "Get the version", "Needs no key."),
        ("GET", "/offers", "List offers", "Prices, payment and checkout are not stored and left out."),
        ("GET", "/offers/{id}", "Get an offer"),
        ("GET", "/offers/{offer_id}/relationships/products", "List the products of an offer"),
        ("GET", "/products", "List products", "`filter[exclude_product_types][]` is ignored, because products have no types here."),
        ("GET", "/products/{id}", "Get a product"),
        ("GET", "/purchases", "List purchases"),
        ("GET", "/purchases/{id}", "Get a purchase"),
        ("POST", "/purchases/{id}/reactivate", "Reactivate a purchase"),
        ("POST", "/purchases/{id}/deactivate", "Deactivate a purchase"),
        ("POST", "/purchases/{id}/cancel_subscription", "Cancel a subscription"),
        ("GET", "/orders", "List orders"),
        ("GET", "/orders/{id}", "Get an order"),
        ("GET", "/order_items", "List order items"),
        ("GET", "/order_items/{id}", "Get an order item"),
        ("GET", "/transactions", "List transactions"),
        ("GET", "/transactions/{id}", "Get a transaction"),
        ("GET", "/kajabi_payments_payouts", "List payouts", "Always empty, because payments are not made here."),
        ("GET", "/kajabi_payments_payouts/{id}", "Get a payout", "Always 404."),
        ("GET", "/forms", "List forms"),
        ("GET", "/forms/{id}", "Get a form"),
        ("POST", "/forms/{id}/submit", "Submit a form", "Does not change consent. Nothing is sent."),
        ("GET", "/form_submissions", "List form submissions", "By `created_at` in both directions. The address is the customer's of today."),
        ("GET", "/form_submissions/{id}", "Get a form submission"),
        ("GET", "/custom_fields", "List custom fields"),
        ("GET", "/custom_fields/{id}", "Get a custom field"),
        ("GET", "/hooks", "List hooks", "Outgoing webhooks do not exist yet; the samples show the resources."),
        ("POST", "/hooks", "Create a hook"),
        ("GET", "/hooks/{id}", "Get a hook"),
        ("DELETE", "/hooks/{id}", "Delete a hook"),
        ("GET", "/hooks/tag_added_sample", "Get a sample of a tag that was added"),
        ("GET", "/hooks/tag_removed_sample", "Get a sample of a tag that was removed"),
        ("GET", "/hooks/form_submission_sample", "Get a sample of a form submission"),
        ("GET", "/hooks/purchase_sample", "Get a sample of a purchase"),
        ("GET", "/hooks/payment_succeeded_sample", "Get a sample of a payment"),
        ("GET", "/hooks/order_created_sample", "Get a sample of an order"),
        ("GET", "/blog_posts", "List blog posts"),
        ("GET", "/blog_posts/{id}", "Get a blog post"),
        ("GET", "/courses", "List courses"),
        ("GET", "/courses/{id}", "Get a course"),
        ("GET", "/landing_pages", "List landing pages"),
        ("GET", "/landing_pages/{id}", "Get a landing page"),
        ("GET", "/podcasts", "List podcasts"),
        ("GET", "/podcasts/{id}", "Get a podcast"),
        ("GET", "/website_pages", "List website pages"),
        ("GET", "/website_pages/{id}", "Get a website page"),
    )),
)

# fmt: on

VENDORS: Final = (SENDWITHUS, BLUESHIFT, KAJABI)

_Place = tuple[str, str]


def place(method: str, path: str) -> _Place:
    """A key that is equal for two calls that differ only in the names of path parameters."""
    return method, re.sub(r"{[^}]*}", "{}", path)


def served(operations: Iterable[Operation] = OPERATIONS) -> frozenset[_Place]:
    """The keys of all calls that have an operation."""
    return frozenset(place(each.method, path) for each in operations for path in each.paths if each.is_listed)


def _own(operations: Iterable[Operation]) -> Iterator[VendorCall]:
    """Operations that no vendor has, described by their declarations."""
    vendors = {place(call.method, call.path) for each in VENDORS for call in each.calls}
    for each in operations:
        if each.is_listed and place(each.method, each.path) not in vendors:
            notes = (each.description, "" if each.caller else "Needs no key.")
            yield VendorCall(each.method, each.path, each.summary, " ".join(filter(None, notes)))


OWN: Final = tuple(_own(OPERATIONS))
"""Our own calls, which no vendor has."""


def unlisted(operations: Iterable[Operation] = OPERATIONS) -> list[_Place]:
    """The keys of operations without a line here. Only alternative spellings of a listed path are expected."""
    listed = {place(call.method, call.path) for call in (*OWN, *(call for each in VENDORS for call in each.calls))}
    return sorted(served(operations) - listed)


@cache
def missing() -> frozenset[str]:
    """The paths without parameters of vendors' calls that have no operation."""
    every = {call.path for vendor in VENDORS for call in vendor.calls}
    return frozenset(path for path in every - {path for _, path in served()} if "{" not in path)
