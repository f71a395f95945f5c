# ruff: noqa: E501 -- a table: one filter a line
"""The catalogue of named filters: one line each, from which parameters, OpenAPI, docs and tests are derived.

Names and meanings are those of `GET /v1/customers` in the vendor's API; what the vendor leaves open is settled
in docs/filters.md. A new filter is a new line.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.predicates import (
    Contains,
    Exact,
    Identified,
    Member,
    Not,
    Predicate,
    Range,
    Similar,
    present,
)
from regulars.audience.filters.values import (
    DAYS,
    FLAG,
    IDS,
    MONEY,
    SITE,
    TEXT,
    UUID,
    WORDS,
    BadFilterValueError,
    ValueKind,
)
from regulars.domain.text import fold

DAY: Final = 86_400_000
"""Milliseconds."""


class Engagement(Struct, frozen=True):
    """Days since the latest open or click up to which a contact is healthy, passive, unengaged; older: inactive."""

    healthy: int = 90
    passive: int = 180
    unengaged: int = 365


class Moment(Struct, frozen=True):
    """What a predicate depends on besides its value: the time of the request (ms UTC) and the site's settings."""

    now: int
    engagement: Engagement = Engagement()


class Filter(Struct, frozen=True):
    """A named filter. `predicate` is None for a parameter that selects in another way (the site).

    `vendors`: the name is the vendor's; False for ours beside them.
    """

    name: str
    kind: ValueKind
    predicate: Callable[[Any, Moment], Predicate] | None
    meaning: str
    vendors: bool = True


Builder = Callable[[Any, Moment], Predicate]


def parse(named: Filter, raw: str, now_ms: int, engagement: Engagement | None = None) -> Predicate:
    """The predicate of a filter given the value `raw` at the time `now_ms` (ms UTC). Raises as `read` does."""
    return read(named, raw)(Moment(now_ms, engagement or Engagement()))


def read(named: Filter, raw: str) -> Callable[[Moment], Predicate]:
    """What makes the predicate of a filter, given the value `raw`, of the moment at which it is judged.

    Raises BadFilterValueError, whose message names the filter and what is allowed.
    """
    if named.predicate is None:
        raise ValueError(f"{named.name} is not a predicate")
    try:
        value = named.kind.read(raw)
    except BadFilterValueError as error:
        raise BadFilterValueError(f"{named.name} {error}") from None
    return partial(named.predicate, value)


def audience_of(parts: Sequence[Predicate], *, hidden_asked: bool) -> Predicate:
    """All of the parts; unless hidden customers were asked about by `is_hidden`, they are left out."""
    return p.All((*parts,) if hidden_asked else (*parts, Not(Member("hidden"))))


def _last(days: int, moment: Moment, column: str) -> Range:
    return Range(column, moment.now - days * DAY, moment.now)


def _in_last(column: str) -> Builder:
    return lambda days, moment: _last(days, moment, column)


def _not_in_last(column: str) -> Builder:
    return lambda days, moment: Not(_last(days, moment, column))


def _flagged(yes: Predicate) -> Builder:
    return lambda value, _: yes if value else Not(yes)


def _any_of(relation: str) -> Builder:
    return lambda ids, _: Member(relation, ids)


def _none_of(relation: str) -> Builder:
    return lambda ids, _: Not(Member(relation, ids))


def _all_of(relation: str) -> Builder:
    return lambda ids, _: p.All(tuple(Member(relation, (each,)) for each in ids))


def _contains(field: str) -> Builder:
    return lambda text, _: Contains(field, text)


def _identified(identifier: str) -> Builder:
    return lambda key, _: Identified(identifier, key)


def _search(words: tuple[str, ...], _: Moment) -> Predicate:
    return p.All(tuple(p.Any((Contains("name", w), Contains("email", w), Similar(w))) for w in words))


def _revenue(low: int | None, high: int | None) -> Builder:
    """Net revenue from value + low to value + high, in cents; None is no bound."""
    return lambda cents, _: Range(
        "net_revenue", None if low is None else cents + low, None if high is None else cents + high
    )


def _engaged(younger: str | None, older: str | None) -> Builder:
    """Subscribed and ever mailed, the latest open or click within `older` days, but not within `younger` days."""

    def build(value: bool, moment: Moment) -> Predicate:
        def within(days: int) -> Predicate:
            return p.Any((_last(days, moment, "last_opened_at"), _last(days, moment, "last_clicked_at")))

        parts: list[Predicate] = [Member("subscribed"), present("last_sent_at")]
        if younger is not None:
            parts.append(Not(within(getattr(moment.engagement, younger))))
        if older is not None:
            parts.append(within(getattr(moment.engagement, older)))
        return p.All(tuple(parts)) if value else Not(p.All(tuple(parts)))

    return build


def _line(name: str, kind: ValueKind, predicate: Builder | None, meaning: str, *, vendors: bool = True) -> Filter:
    return Filter(name, kind, predicate, meaning, vendors)


# fmt: off
FILTERS: Final[tuple[Filter, ...]] = (
    _line("site_id", SITE, None, "Customers of that site."),
    _line("search", WORDS, _search, "Each word of the text is contained in the name or email, or similar to some word of them."),
    _line("created_in_last", DAYS, _in_last("created_at"), "Created in the last so many days."),
    _line("not_created_in_last", DAYS, _not_in_last("created_at"), "Not created in the last so many days."),
    _line("is_hidden", FLAG, _flagged(Member("hidden")), "Hidden, or not; without this filter hidden customers are left out."),
    _line("joined_in_last", DAYS, _in_last("joined_at"), "Became a customer in the last so many days."),
    _line("active_in_last", DAYS, _in_last("last_request_at"), "Active in the last so many days."),
    _line("inactive_in_last", DAYS, _not_in_last("last_request_at"), "Not active in the last so many days, or never."),
    _line("name_contains", TEXT, _contains("name"), "The name contains the text."),
    _line("email_contains", TEXT, _contains("email"), "The email address contains the text."),
    _line("phone_number_contains", TEXT, _contains("phone_number"), "The phone number contains the text."),
    _line("mobile_phone_number_contains", TEXT, _contains("mobile_phone_number"), "The mobile phone number contains the text."),
    _line("address_line_1_contains", TEXT, _contains("address_line_1"), "The first address line contains the text."),
    _line("address_line_2_contains", TEXT, _contains("address_line_2"), "The second address line contains the text."),
    _line("address_city_contains", TEXT, _contains("address_city"), "The city contains the text."),
    _line("address_state_contains", TEXT, _contains("address_state"), "The state contains the text."),
    _line("address_country_contains", TEXT, _contains("address_country"), "The country contains the text."),
    _line("address_zip_contains", TEXT, _contains("address_zip"), "The zip code contains the text."),
    _line("has_tag_id", IDS, _any_of("tag.has"), "With any of the tags."),
    _line("has_all_tag_id", IDS, _all_of("tag.has"), "With all of the tags."),
    _line("has_no_tag_id", IDS, _none_of("tag.has"), "With none of the tags."),
    _line("subscribed", FLAG, _flagged(Member("subscribed")), "Their consent to email marketing stands, or does not."),
    _line("never_subscribed", FLAG, _flagged(Not(present("subscribed_at"))), "Never consented to email marketing, or did at some time."),
    _line("subscribed_in_last", DAYS, _in_last("subscribed_at"), "Latest subscription in the last so many days, whatever holds now."),
    _line("unsubscribed_in_last", DAYS, _in_last("unsubscribed_at"), "Latest end of subscription, by any cause, in the last so many days."),
    _line("manually_unsubscribed_in_last", DAYS, _in_last("manually_unsubscribed_at"), "Unsubscribed by an operator or in their own settings in the last so many days."),
    _line("opted_out_in_last", DAYS, _in_last("opted_out_at"), "Unsubscribed by the link or header of a mail in the last so many days."),
    _line("complained_in_last", DAYS, _in_last("complained_at"), "Reported a mail as spam in the last so many days."),
    _line("has_offer_id", IDS, _any_of("offer.granted"), "Granted any of the offers, not revoked."),
    _line("has_no_offer_id", IDS, _none_of("offer.granted"), "Granted none of the offers."),
    _line("has_product_id", IDS, _any_of("product.owned"), "Owning any of the products, active or not."),
    _line("has_no_product_id", IDS, _none_of("product.owned"), "Owning none of the products."),
    _line("has_active_product_id", IDS, _any_of("product.active"), "With an active membership to any of the products."),
    _line("previously_owned_product_id", IDS, _any_of("product.previously_owned"), "Owned any of the products and no longer do."),
    _line("used_coupon_code", TEXT, lambda text, _: Member("coupon.used", (fold(text),)), "Used the coupon with exactly this code, upper and lower case alike."),
    _line("submitted_form_id", IDS, _any_of("form.submitted"), "Submitted any of the forms."),
    _line("no_submitted_form_id", IDS, _none_of("form.submitted"), "Submitted none of the forms."),
    _line("registered_event_id", IDS, _any_of("event.registered"), "Registered for any of the events."),
    _line("not_registered_event_id", IDS, _none_of("event.registered"), "Registered for none of the events."),
    _line("completed_assessment_id", IDS, _any_of("assessment.completed"), "Completed any of the assessments."),
    _line("passed_assessment_id", IDS, _any_of("assessment.passed"), "Passed any of the assessments, by the latest outcome."),
    _line("failed_assessment_id", IDS, _any_of("assessment.failed"), "Failed any of the assessments, by the latest outcome."),
    _line("net_revenue_equal_to", MONEY, _revenue(0, 0), "Net revenue equal to the value."),
    _line("net_revenue_greater_than", MONEY, _revenue(1, None), "Net revenue greater than the value."),
    _line("net_revenue_less_than", MONEY, _revenue(None, -1), "Net revenue less than the value."),
    _line("sent_email_broadcast_id", IDS, _any_of("broadcast.sent"), "Sent any of the broadcasts."),
    _line("no_sent_email_broadcast_id", IDS, _none_of("broadcast.sent"), "Sent none of the broadcasts."),
    _line("no_sent_email_broadcast_ids", IDS, _none_of("broadcast.sent"), "Sent none of the broadcasts."),
    _line("no_delivered_email_broadcast_id", IDS, _none_of("broadcast.delivered"), "None of the broadcasts was delivered to them."),
    _line("opened_email_broadcast_id", IDS, _any_of("broadcast.opened"), "Opened any of the broadcasts."),
    _line("no_opened_email_broadcast_id", IDS, _none_of("broadcast.opened"), "Opened none of the broadcasts, sent or not."),
    _line("clicked_email_broadcast_id", IDS, _any_of("broadcast.clicked"), "Clicked in any of the broadcasts."),
    _line("no_clicked_email_broadcast_id", IDS, _none_of("broadcast.clicked"), "Clicked in none of the broadcasts, sent or not."),
    _line("bounced_email_broadcast_id", IDS, _any_of("broadcast.bounced"), "Any of the broadcasts bounced."),
    _line("no_bounced_email_broadcast_id", IDS, _none_of("broadcast.bounced"), "None of the broadcasts bounced."),
    _line("dropped_email_broadcast_id", IDS, _any_of("broadcast.dropped"), "Any of the broadcasts was dropped."),
    _line("no_dropped_email_broadcast_id", IDS, _none_of("broadcast.dropped"), "None of the broadcasts was dropped."),
    _line("opened_email_in_last", DAYS, _in_last("last_opened_at"), "Opened a mail in the last so many days."),
    _line("not_opened_email_in_last", DAYS, _not_in_last("last_opened_at"), "Opened no mail in the last so many days, or never."),
    _line("delivered_email_in_last", DAYS, _in_last("last_delivered_at"), "A mail was delivered in the last so many days."),
    _line("not_delivered_email_in_last", DAYS, _not_in_last("last_delivered_at"), "No mail was delivered in the last so many days, or ever."),
    _line("clicked_email_in_last", DAYS, _in_last("last_clicked_at"), "Clicked in a mail in the last so many days."),
    _line("not_clicked_email_in_last", DAYS, _not_in_last("last_clicked_at"), "Clicked in no mail in the last so many days, or ever."),
    _line("is_hard_bouncing", FLAG, _flagged(Member("hard_bouncing")), "Their address hard-bounces now, or does not."),
    _line("bounced_in_last", DAYS, _in_last("bounced_at"), "A mail bounced in the last so many days."),
    _line("healthy_contacts_with_open_data", FLAG, _engaged(None, "healthy"), "Subscribed and mailed; latest open or click at most 90 days ago."),
    _line("passive_contacts_with_open_data", FLAG, _engaged("healthy", "passive"), "Subscribed and mailed; latest open or click over 90 and at most 180 days ago."),
    _line("unengaged_contacts_with_open_data", FLAG, _engaged("passive", "unengaged"), "Subscribed and mailed; latest open or click over 180 and at most 365 days ago."),
    _line("inactive_contacts_with_open_data", FLAG, _engaged("unengaged", None), "Subscribed and mailed; latest open or click over 365 days ago, or never."),
    _line("subscribed_newsletter_id", IDS, _any_of("newsletter.subscribed"), "Subscribed to any of the newsletters."),
    _line("unsubscribed_newsletter_id", IDS, _any_of("newsletter.unsubscribed"), "Unsubscribed from any of the newsletters."),
    _line("subscribed_email_sequence_id", IDS, _any_of("sequence.subscribed"), "In any of the sequences now."),
    _line("not_subscribed_email_sequence_id", IDS, _none_of("sequence.subscribed"), "In none of the sequences now."),
    _line("is_suppressed", FLAG, _flagged(Member("suppressed")), "Excluded from marketing mail as risky, or not."),
    _line("email", TEXT, lambda text, _: Exact("email", text), "The email address is the text.", vendors=False),
    _line("external_user_id", TEXT, _identified("customer_id"), "The caller's own id of the customer is exactly the text.", vendors=False),
    _line("uuid", UUID, _identified("uuid"), "The customer with the uuid.", vendors=False),
    _line("in_group_id", IDS, _any_of("group.member"), "In any of the groups.", vendors=False),
    _line("not_in_group_id", IDS, _none_of("group.member"), "In none of the groups.", vendors=False),
)
# fmt: on

BY_NAME: Final = {each.name: each for each in FILTERS}
