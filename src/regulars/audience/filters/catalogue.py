# ruff: noqa: E501 -- a table: one filter a line
"""The catalogue of named filters: one row each, from which parameters, OpenAPI, sentences, docs and tests are derived.

Names and meanings are those of `GET /v1/customers` in the vendor's API; docs/filters.md settles what the vendor leaves
open. A new filter is a new row.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from functools import partial
from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.predicates import (
    Contains,
    HasAddress,
    Identified,
    Member,
    Not,
    Predicate,
    Range,
    Similar,
    SimilarAddress,
    present,
)
from regulars.audience.filters.values import (
    ADDRESS,
    DAYS,
    FLAG,
    IDS,
    MOMENT,
    MONEY,
    NEEDLE,
    SITE,
    TEXT,
    UUID,
    WORDS,
    BadFilterValueError,
    ValueKind,
)
from regulars.audience.structures.typos import allowed_errors, words_of
from regulars.domain.identity import readable_address
from regulars.domain.moments import DAY
from regulars.domain.text import composed, fold, search_key

"""Milliseconds."""


class Engagement(Struct, frozen=True):
    """Days since the latest open or click up to which a contact is healthy, passive, unengaged; older: inactive."""

    healthy: int = 90
    passive: int = 180
    unengaged: int = 365


class Moment(Struct, frozen=True):
    """The context of a predicate besides its value: the time of the request (ms UTC) and the site's settings.

    time_zone: where calendar days begin.
    """

    now: int
    engagement: Engagement = Engagement()
    time_zone: tzinfo = UTC


class Phrase(Struct, frozen=True):
    """The wording of a filter: completes "customers who ...", with {} as the placeholder for the value.

    denies: the wording for `false`, if the filter is a flag. noun: the kind of object that the value names; a list of
    several is introduced by `among`.
    """

    says: str
    denies: str = ""
    noun: str = ""
    among: str = "any of"


Builder = Callable[[Any, Moment], Predicate]


class Filter(Struct, frozen=True):
    """A named filter. `predicate` and `phrase` are None for the site, which is not a predicate.

    example: a value for the docs; "" for the example of the kind. vendors: whether the vendor's API has this filter;
    False for our own additions.
    """

    name: str
    kind: ValueKind
    predicate: Builder | None
    meaning: str
    phrase: Phrase | None
    example: str = ""
    vendors: bool = True

    @property
    def shown_example(self) -> str:
        """An example value, as a caller would write it."""
        return self.example or self.kind.example


def parse(named: Filter, raw: str, now_ms: int, engagement: Engagement | None = None) -> Predicate:
    """The predicate of a filter given the value `raw` at the time `now_ms` (ms UTC). Raises as `read` does."""
    return read(named, raw)(Moment(now_ms, engagement or Engagement()))


def read(named: Filter, raw: str) -> Callable[[Moment], Predicate]:
    """Parse the value `raw` of a filter; returns a function that builds the predicate for a given moment.

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
    """All of the parts, without hidden customers unless the question uses `is_hidden` (hidden_asked)."""
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


def _address_contains(text: str, _: Moment) -> Predicate:
    return Contains("email", readable_address(text))


def _customer_id(text: str, _: Moment) -> Predicate:
    return Identified("customer_id", composed(text))


def _identified(identifier: str) -> Builder:
    return lambda key, _: Identified(identifier, key)


def _search(words: tuple[str, ...], _: Moment) -> Predicate:
    return p.All(tuple(_searched(word, is_last=place == len(words)) for place, word in enumerate(words, 1)))


def _searched(word: str, *, is_last: bool) -> Predicate:
    """Customers that match the word, or of the last one its beginning, which may be all that is typed so far.

    A word with an @ is (part of) an address, so similar ones need the same domain. Others are taken apart where texts
    are, as at an apostrophe or a hyphen.
    """
    local, at, domain = word.rpartition("@")
    if at:
        return p.Any((Contains("email", word), SimilarAddress(local, domain)))
    parts = words_of(search_key(word))
    found = [_found(part, is_prefix=is_last and place == len(parts)) for place, part in enumerate(parts, 1)]
    if len(found) == 1 and parts[0] == search_key(word):
        return found[0]
    whole = (Contains("name", word), Contains("email", word))
    return p.Any((*whole, p.All(tuple(found))) if found else whole)


def _found(word: str, *, is_prefix: bool) -> Predicate:
    whole = (Contains("name", word), Contains("email", word))
    return p.Any((*whole, Similar(word, is_prefix)) if allowed_errors(word) else whole)


def _revenue(low: int | None, high: int | None) -> Builder:
    """Net revenue from value + low to value + high, in cents; None means no bound."""
    return lambda cents, _: Range(
        "net_revenue", None if low is None else cents + low, None if high is None else cents + high
    )


def _engaged(younger: str | None, older: str | None) -> Builder:
    """Subscribed and ever mailed, with the latest open or click within `older` but not within `younger` days."""

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


# fmt: off
FILTERS: Final[tuple[Filter, ...]] = (
    Filter("site_id", SITE, None, "The customers of that site.", None),
    Filter("search", WORDS, _search, "Every word is contained in the name or email address, or one of their words is the same but for typing errors: one in a word of 4 to 7 letters, two in a longer one. The last word may be the beginning of one. A word with an @ is an address: it is contained in the email address, or has the same domain and, but for errors, the same words before the @.", Phrase("match the search {}")),
    Filter("created_in_last", DAYS, _in_last("created_at"), "Created within the last N days.", Phrase("were created {}")),
    Filter("not_created_in_last", DAYS, _not_in_last("created_at"), "Not created within the last N days.", Phrase("were not created {}")),
    Filter("is_hidden", FLAG, _flagged(Member("hidden")), "Hidden (true) or not hidden (false). Without this filter, hidden customers are left out.", Phrase("are hidden", "are not hidden")),
    Filter("joined_in_last", DAYS, _in_last("joined_at"), "Became a customer within the last N days.", Phrase("became customers {}")),
    Filter("active_in_last", DAYS, _in_last("last_request_at"), "Active within the last N days.", Phrase("were active {}")),
    Filter("inactive_in_last", DAYS, _not_in_last("last_request_at"), "Not active within the last N days, or never active.", Phrase("were not active {}")),
    Filter("name_contains", NEEDLE, _contains("name"), "The name contains the text.", Phrase("have {} in their name")),
    Filter("email_contains", NEEDLE, _address_contains, "The email address contains the text.", Phrase("have {} in their email address"), example="@example.com"),
    Filter("phone_number_contains", NEEDLE, _contains("phone_number"), "The phone number contains the text.", Phrase("have {} in their phone number"), example="+49"),
    Filter("mobile_phone_number_contains", NEEDLE, _contains("mobile_phone_number"), "The mobile phone number contains the text.", Phrase("have {} in their mobile phone number"), example="+49"),
    Filter("address_line_1_contains", NEEDLE, _contains("address_line_1"), "The first address line contains the text.", Phrase("have {} in their first address line")),
    Filter("address_line_2_contains", NEEDLE, _contains("address_line_2"), "The second address line contains the text.", Phrase("have {} in their second address line")),
    Filter("address_city_contains", NEEDLE, _contains("address_city"), "The city contains the text.", Phrase("have {} in the name of their city"), example="berlin"),
    Filter("address_state_contains", NEEDLE, _contains("address_state"), "The state contains the text.", Phrase("have {} in the name of their state")),
    Filter("address_country_contains", NEEDLE, _contains("address_country"), "The country contains the text.", Phrase("have {} in the name of their country"), example="germany"),
    Filter("address_zip_contains", NEEDLE, _contains("address_zip"), "The zip code contains the text.", Phrase("have {} in their zip code"), example="10115"),
    Filter("has_tag_id", IDS, _any_of("tag.has"), "Has any of the tags.", Phrase("have {}", noun="tag")),
    Filter("has_all_tag_id", IDS, _all_of("tag.has"), "Has all of the tags.", Phrase("have {}", noun="tag", among="all of")),
    Filter("has_no_tag_id", IDS, _none_of("tag.has"), "Has none of the tags.", Phrase("do not have {}", noun="tag")),
    Filter("subscribed", FLAG, _flagged(Member("subscribed")), "Subscribed to email marketing (true) or not (false).", Phrase("are subscribed to email marketing", "are not subscribed to email marketing")),
    Filter("pending", FLAG, _flagged(p.All((Member("pending"), Not(Member("subscribed"))))), "Was asked for consent to email marketing by double opt-in and has not confirmed it yet (true), or not (false).", Phrase("have not confirmed their subscription yet", "have no subscription to confirm"), vendors=False),
    Filter("never_subscribed", FLAG, _flagged(Not(present("subscribed_at"))), "Never subscribed to email marketing (true), or subscribed at some time (false).", Phrase("never subscribed to email marketing", "subscribed to email marketing at some time")),
    Filter("subscribed_in_last", DAYS, _in_last("subscribed_at"), "Last subscribed within the last N days, whether or not still subscribed.", Phrase("last subscribed to email marketing {}")),
    Filter("unsubscribed_in_last", DAYS, _in_last("unsubscribed_at"), "Last unsubscribed, for any reason, within the last N days.", Phrase("last unsubscribed from email marketing {}")),
    Filter("manually_unsubscribed_in_last", DAYS, _in_last("manually_unsubscribed_at"), "Unsubscribed by an operator or in their own settings within the last N days.", Phrase("were unsubscribed by an operator or in their own settings {}")),
    Filter("opted_out_in_last", DAYS, _in_last("opted_out_at"), "Unsubscribed through the link or header of an email within the last N days.", Phrase("opted out through an email {}")),
    Filter("complained_in_last", DAYS, _in_last("complained_at"), "Reported an email as spam within the last N days.", Phrase("reported an email as spam {}")),
    Filter("has_offer_id", IDS, _any_of("offer.granted"), "Has been granted any of the offers, and it was not revoked.", Phrase("hold {}", noun="offer")),
    Filter("has_no_offer_id", IDS, _none_of("offer.granted"), "Has been granted none of the offers, or they were revoked.", Phrase("do not hold {}", noun="offer")),
    Filter("has_product_id", IDS, _any_of("product.owned"), "Owns any of the products, active or not.", Phrase("own {}", noun="product")),
    Filter("has_no_product_id", IDS, _none_of("product.owned"), "Owns none of the products.", Phrase("do not own {}", noun="product")),
    Filter("has_active_product_id", IDS, _any_of("product.active"), "Has an active membership to any of the products.", Phrase("have an active membership to {}", noun="product")),
    Filter("previously_owned_product_id", IDS, _any_of("product.previously_owned"), "Owned any of the products and no longer does.", Phrase("used to own {}", noun="product")),
    Filter("used_coupon_code", TEXT, lambda text, _: Member("coupon.used", (fold(text),)), "Used the coupon with exactly this code, ignoring case.", Phrase("used the coupon {}"), example="SPRING10"),
    Filter("submitted_form_id", IDS, _any_of("form.submitted"), "Submitted any of the forms.", Phrase("submitted {}", noun="form")),
    Filter("no_submitted_form_id", IDS, _none_of("form.submitted"), "Submitted none of the forms.", Phrase("did not submit {}", noun="form")),
    Filter("registered_event_id", IDS, _any_of("event.registered"), "Registered for any of the events.", Phrase("registered for {}", noun="event")),
    Filter("not_registered_event_id", IDS, _none_of("event.registered"), "Registered for none of the events.", Phrase("did not register for {}", noun="event")),
    Filter("completed_assessment_id", IDS, _any_of("assessment.completed"), "Completed any of the assessments.", Phrase("completed {}", noun="assessment")),
    Filter("passed_assessment_id", IDS, _any_of("assessment.passed"), "Passed any of the assessments, by the latest result.", Phrase("passed {}", noun="assessment")),
    Filter("failed_assessment_id", IDS, _any_of("assessment.failed"), "Failed any of the assessments, by the latest result.", Phrase("failed {}", noun="assessment")),
    Filter("net_revenue_equal_to", MONEY, _revenue(0, 0), "Net revenue is equal to the value.", Phrase("have a net revenue of exactly {}")),
    Filter("net_revenue_greater_than", MONEY, _revenue(1, None), "Net revenue is greater than the value.", Phrase("have a net revenue of more than {}")),
    Filter("net_revenue_less_than", MONEY, _revenue(None, -1), "Net revenue is less than the value.", Phrase("have a net revenue of less than {}")),
    Filter("sent_email_broadcast_id", IDS, _any_of("broadcast.sent"), "Was sent any of the broadcasts.", Phrase("were sent {}", noun="broadcast")),
    Filter("no_sent_email_broadcast_id", IDS, _none_of("broadcast.sent"), "Was sent none of the broadcasts.", Phrase("were not sent {}", noun="broadcast")),
    Filter("no_sent_email_broadcast_ids", IDS, _none_of("broadcast.sent"), "Was sent none of the broadcasts.", Phrase("were not sent {}", noun="broadcast")),
    Filter("no_delivered_email_broadcast_id", IDS, _none_of("broadcast.delivered"), "None of the broadcasts was delivered.", Phrase("did not receive {}", noun="broadcast")),
    Filter("opened_email_broadcast_id", IDS, _any_of("broadcast.opened"), "Opened any of the broadcasts.", Phrase("opened {}", noun="broadcast")),
    Filter("no_opened_email_broadcast_id", IDS, _none_of("broadcast.opened"), "Opened none of the broadcasts, whether sent or not.", Phrase("did not open {}", noun="broadcast")),
    Filter("clicked_email_broadcast_id", IDS, _any_of("broadcast.clicked"), "Clicked in any of the broadcasts.", Phrase("clicked in {}", noun="broadcast")),
    Filter("no_clicked_email_broadcast_id", IDS, _none_of("broadcast.clicked"), "Clicked in none of the broadcasts, whether sent or not.", Phrase("did not click in {}", noun="broadcast")),
    Filter("bounced_email_broadcast_id", IDS, _any_of("broadcast.bounced"), "Any of the broadcasts bounced.", Phrase("had {} bounce", noun="broadcast")),
    Filter("no_bounced_email_broadcast_id", IDS, _none_of("broadcast.bounced"), "None of the broadcasts bounced.", Phrase("did not have {} bounce", noun="broadcast")),
    Filter("dropped_email_broadcast_id", IDS, _any_of("broadcast.dropped"), "Any of the broadcasts was dropped.", Phrase("had {} dropped", noun="broadcast")),
    Filter("no_dropped_email_broadcast_id", IDS, _none_of("broadcast.dropped"), "None of the broadcasts was dropped.", Phrase("did not have {} dropped", noun="broadcast")),
    Filter("opened_email_in_last", DAYS, _in_last("last_opened_at"), "Opened an email within the last N days.", Phrase("opened an email {}")),
    Filter("not_opened_email_in_last", DAYS, _not_in_last("last_opened_at"), "Opened no email within the last N days, or never opened one.", Phrase("did not open an email {}")),
    Filter("delivered_email_in_last", DAYS, _in_last("last_delivered_at"), "An email was delivered within the last N days.", Phrase("received an email {}")),
    Filter("not_delivered_email_in_last", DAYS, _not_in_last("last_delivered_at"), "No email was delivered within the last N days, or ever.", Phrase("did not receive an email {}")),
    Filter("clicked_email_in_last", DAYS, _in_last("last_clicked_at"), "Clicked in an email within the last N days.", Phrase("clicked in an email {}")),
    Filter("not_clicked_email_in_last", DAYS, _not_in_last("last_clicked_at"), "Clicked in no email within the last N days, or never clicked in one.", Phrase("did not click in an email {}")),
    Filter("is_hard_bouncing", FLAG, _flagged(Member("hard_bouncing")), "The email address hard-bounces (true) or does not (false).", Phrase("have an address that hard-bounces", "do not have an address that hard-bounces")),
    Filter("bounced_in_last", DAYS, _in_last("bounced_at"), "An email bounced within the last N days.", Phrase("had an email bounce {}")),
    Filter("healthy_contacts_with_open_data", FLAG, _engaged(None, "healthy"), "Subscribed and mailed; last opened or clicked at most 90 days ago.", Phrase("are healthy contacts (opened or clicked at most {healthy} days ago)", "are not healthy contacts (opened or clicked at most {healthy} days ago)")),
    Filter("passive_contacts_with_open_data", FLAG, _engaged("healthy", "passive"), "Subscribed and mailed; last opened or clicked more than 90 and at most 180 days ago.", Phrase("are passive contacts (last opened or clicked {healthy} to {passive} days ago)", "are not passive contacts (last opened or clicked {healthy} to {passive} days ago)")),
    Filter("unengaged_contacts_with_open_data", FLAG, _engaged("passive", "unengaged"), "Subscribed and mailed; last opened or clicked more than 180 and at most 365 days ago.", Phrase("are unengaged contacts (last opened or clicked {passive} to {unengaged} days ago)", "are not unengaged contacts (last opened or clicked {passive} to {unengaged} days ago)")),
    Filter("inactive_contacts_with_open_data", FLAG, _engaged("unengaged", None), "Subscribed and mailed; last opened or clicked more than 365 days ago, or never.", Phrase("are inactive contacts (not opened or clicked for {unengaged} days)", "are not inactive contacts (not opened or clicked for {unengaged} days)")),
    Filter("subscribed_newsletter_id", IDS, _any_of("newsletter.subscribed"), "Subscribed to any of the newsletters.", Phrase("are subscribed to {}", noun="newsletter")),
    Filter("unsubscribed_newsletter_id", IDS, _any_of("newsletter.unsubscribed"), "Unsubscribed from any of the newsletters.", Phrase("unsubscribed from {}", noun="newsletter")),
    Filter("subscribed_email_sequence_id", IDS, _any_of("sequence.subscribed"), "Is in any of the sequences now.", Phrase("are in {}", noun="sequence")),
    Filter("not_subscribed_email_sequence_id", IDS, _none_of("sequence.subscribed"), "Is in none of the sequences now.", Phrase("are not in {}", noun="sequence")),
    Filter("is_suppressed", FLAG, _flagged(Member("suppressed")), "Excluded from marketing email as risky (true) or not (false).", Phrase("are kept from marketing email as risky", "are not kept from marketing email as risky")),
    Filter("is_forgotten", FLAG, _flagged(Member("forgotten")), "Forgotten: no email reaches the customer, and events are not kept (true), or not (false).", Phrase("are forgotten", "are not forgotten"), vendors=False),
    Filter("email", ADDRESS, lambda key, _: HasAddress(key), "The email address is equal to the value.", Phrase("have the email address {}"), vendors=False),
    Filter("has_email", FLAG, _flagged(Contains("email", "@")), "Has an email address (true) or has none (false).", Phrase("have an email address", "have no email address"), vendors=False),
    Filter("external_user_id", TEXT, _customer_id, "Your own id of the customer is exactly the text.", Phrase("have the external user id {}"), example="crm-1024", vendors=False),
    Filter("uuid", UUID, _identified("uuid"), "The customer with this UUID.", Phrase("have the uuid {}"), vendors=False),
    Filter("created_after", MOMENT, lambda at, _: Range("created_at", at, None), "Created at the moment or later.", Phrase("were created at {} or later"), vendors=False),
    Filter("created_before", MOMENT, lambda at, _: Range("created_at", None, at - 1), "Created before the moment.", Phrase("were created before {}"), vendors=False),
    Filter("updated_since", MOMENT, lambda at, _: Range("updated_at", at, None), "Last changed at the moment or later.", Phrase("last changed at {} or later"), vendors=False),
    Filter("delivered_email_broadcast_id", IDS, _any_of("broadcast.delivered"), "Any of the broadcasts was delivered.", Phrase("received {}", noun="broadcast"), vendors=False),
    Filter("complained_email_broadcast_id", IDS, _any_of("broadcast.complained"), "Reported any of the broadcasts as spam.", Phrase("reported {} as spam", noun="broadcast"), vendors=False),
    Filter("unsubscribed_email_broadcast_id", IDS, _any_of("broadcast.unsubscribed"), "Unsubscribed by any of the broadcasts.", Phrase("unsubscribed by {}", noun="broadcast"), vendors=False),
    Filter("in_group_id", IDS, _any_of("group.member"), "Is in any of the groups.", Phrase("are in {}", noun="group"), vendors=False),
    Filter("not_in_group_id", IDS, _none_of("group.member"), "Is in none of the groups.", Phrase("are not in {}", noun="group"), vendors=False),
)
# fmt: on

BY_NAME: Final = {each.name: each for each in FILTERS}
