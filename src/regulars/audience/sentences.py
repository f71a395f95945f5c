# ruff: noqa: E501 -- a table: one filter a line
"""Sentences: a question about customers in English, whatever its filters and order.

Every filter of the catalogue has a phrase that completes "customers who ...", with {} where its value stands; a flag
has a second one for `false`. An object that two filters in a row name is "it" the second time.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from regulars.audience.evaluate import Sort
from regulars.audience.filters.catalogue import BY_NAME, Engagement


class Phrase(Struct, frozen=True):
    """What a filter says of customers, and what its `false` says, if it is a flag.

    noun: what objects are called that the value names; their list begins with `among`.
    """

    says: str
    denies: str = ""
    noun: str = ""
    among: str = "any of"


# fmt: off
PHRASES: Final[dict[str, Phrase]] = {
    "search": Phrase("match the search {}"),
    "created_in_last": Phrase("were created {}"),
    "not_created_in_last": Phrase("were not created {}"),
    "is_hidden": Phrase("are hidden", "are not hidden"),
    "joined_in_last": Phrase("became customers {}"),
    "active_in_last": Phrase("were active {}"),
    "inactive_in_last": Phrase("were not active {}"),
    "name_contains": Phrase("have {} in their name"),
    "email_contains": Phrase("have {} in their email address"),
    "phone_number_contains": Phrase("have {} in their phone number"),
    "mobile_phone_number_contains": Phrase("have {} in their mobile phone number"),
    "address_line_1_contains": Phrase("have {} in their first address line"),
    "address_line_2_contains": Phrase("have {} in their second address line"),
    "address_city_contains": Phrase("have {} in the name of their city"),
    "address_state_contains": Phrase("have {} in the name of their state"),
    "address_country_contains": Phrase("have {} in the name of their country"),
    "address_zip_contains": Phrase("have {} in their zip code"),
    "has_tag_id": Phrase("have {}", noun="tag"),
    "has_all_tag_id": Phrase("have {}", noun="tag", among="all of"),
    "has_no_tag_id": Phrase("do not have {}", noun="tag"),
    "subscribed": Phrase("are subscribed to email marketing", "are not subscribed to email marketing"),
    "never_subscribed": Phrase("never subscribed to email marketing", "subscribed to email marketing at some time"),
    "subscribed_in_last": Phrase("last subscribed to email marketing {}"),
    "unsubscribed_in_last": Phrase("last unsubscribed from email marketing {}"),
    "manually_unsubscribed_in_last": Phrase("were unsubscribed by an operator or in their own settings {}"),
    "opted_out_in_last": Phrase("opted out through a mail {}"),
    "complained_in_last": Phrase("reported a mail as spam {}"),
    "has_offer_id": Phrase("hold {}", noun="offer"),
    "has_no_offer_id": Phrase("do not hold {}", noun="offer"),
    "has_product_id": Phrase("own {}", noun="product"),
    "has_no_product_id": Phrase("do not own {}", noun="product"),
    "has_active_product_id": Phrase("have an active membership to {}", noun="product"),
    "previously_owned_product_id": Phrase("used to own {}", noun="product"),
    "used_coupon_code": Phrase("used the coupon {}"),
    "submitted_form_id": Phrase("submitted {}", noun="form"),
    "no_submitted_form_id": Phrase("did not submit {}", noun="form"),
    "registered_event_id": Phrase("registered for {}", noun="event"),
    "not_registered_event_id": Phrase("did not register for {}", noun="event"),
    "completed_assessment_id": Phrase("completed {}", noun="assessment"),
    "passed_assessment_id": Phrase("passed {}", noun="assessment"),
    "failed_assessment_id": Phrase("failed {}", noun="assessment"),
    "net_revenue_equal_to": Phrase("have a net revenue of exactly {}"),
    "net_revenue_greater_than": Phrase("have a net revenue of more than {}"),
    "net_revenue_less_than": Phrase("have a net revenue of less than {}"),
    "sent_email_broadcast_id": Phrase("were sent {}", noun="broadcast"),
    "no_sent_email_broadcast_id": Phrase("were not sent {}", noun="broadcast"),
    "no_sent_email_broadcast_ids": Phrase("were not sent {}", noun="broadcast"),
    "no_delivered_email_broadcast_id": Phrase("did not receive {}", noun="broadcast"),
    "opened_email_broadcast_id": Phrase("opened {}", noun="broadcast"),
    "no_opened_email_broadcast_id": Phrase("did not open {}", noun="broadcast"),
    "clicked_email_broadcast_id": Phrase("clicked in {}", noun="broadcast"),
    "no_clicked_email_broadcast_id": Phrase("did not click in {}", noun="broadcast"),
    "bounced_email_broadcast_id": Phrase("had {} bounce", noun="broadcast"),
    "no_bounced_email_broadcast_id": Phrase("did not have {} bounce", noun="broadcast"),
    "dropped_email_broadcast_id": Phrase("had {} dropped", noun="broadcast"),
    "no_dropped_email_broadcast_id": Phrase("did not have {} dropped", noun="broadcast"),
    "opened_email_in_last": Phrase("opened a mail {}"),
    "not_opened_email_in_last": Phrase("did not open a mail {}"),
    "delivered_email_in_last": Phrase("received a mail {}"),
    "not_delivered_email_in_last": Phrase("did not receive a mail {}"),
    "clicked_email_in_last": Phrase("clicked in a mail {}"),
    "not_clicked_email_in_last": Phrase("did not click in a mail {}"),
    "is_hard_bouncing": Phrase("have an address that hard-bounces", "do not have an address that hard-bounces"),
    "bounced_in_last": Phrase("had a mail bounce {}"),
    "healthy_contacts_with_open_data": Phrase("are healthy contacts (opened or clicked at most {healthy} days ago)", "are not healthy contacts (opened or clicked at most {healthy} days ago)"),
    "passive_contacts_with_open_data": Phrase("are passive contacts (last opened or clicked {healthy} to {passive} days ago)", "are not passive contacts (last opened or clicked {healthy} to {passive} days ago)"),
    "unengaged_contacts_with_open_data": Phrase("are unengaged contacts (last opened or clicked {passive} to {unengaged} days ago)", "are not unengaged contacts (last opened or clicked {passive} to {unengaged} days ago)"),
    "inactive_contacts_with_open_data": Phrase("are inactive contacts (not opened or clicked for {unengaged} days)", "are not inactive contacts (not opened or clicked for {unengaged} days)"),
    "subscribed_newsletter_id": Phrase("are subscribed to {}", noun="newsletter"),
    "unsubscribed_newsletter_id": Phrase("unsubscribed from {}", noun="newsletter"),
    "subscribed_email_sequence_id": Phrase("are in {}", noun="sequence"),
    "not_subscribed_email_sequence_id": Phrase("are not in {}", noun="sequence"),
    "is_suppressed": Phrase("are kept from marketing mail as risky", "are not kept from marketing mail as risky"),
    "email": Phrase("have the email address {}"),
    "external_user_id": Phrase("have the external user id {}"),
    "uuid": Phrase("have the uuid {}"),
    "in_group_id": Phrase("are in {}", noun="group"),
    "not_in_group_id": Phrase("are not in {}", noun="group"),
}
"""The phrase of every filter that is a predicate."""
# fmt: on

ORDERS: Final[dict[Sort, str]] = {
    Sort("id"): "in the order of their numbers",
    Sort("id", descending=True): "in the reverse order of their numbers",
    Sort("created_at"): "oldest first",
    Sort("created_at", descending=True): "newest first",
    Sort("name"): "by name",
    Sort("name", descending=True): "by name from the end of the alphabet",
    Sort("email"): "by email address",
    Sort("email", descending=True): "by email address from the end of the alphabet",
    Sort("net_revenue"): "lowest net revenue first",
    Sort("net_revenue", descending=True): "highest net revenue first",
    Sort("last_request_at"): "longest inactive first",
    Sort("last_request_at", descending=True): "most recently active first",
}
"""Every order, in words."""


def describe(
    filters: Iterable[tuple[str, str]], *, site: int | None, sort: Sort, engagement: Engagement | None = None
) -> str:
    """Such as "customers of site 1 who were sent broadcast 7 and did not open it, newest first".

    site: None for one that the caller does not have. filters: names of the catalogue with the values as they were written, in the order in which they are told.
    Raises BadFilterValueError.
    """
    days = structs.asdict(engagement or Engagement())
    told: list[str] = []
    before: tuple[str, Any] | None = None
    for name, raw in filters:
        phrase, kind = PHRASES.get(name), BY_NAME[name].kind
        if phrase is None:  # the site, which the sentence begins with
            continue
        value = kind.read(raw)
        if phrase.noun:
            spoken = _them(phrase, value) if before == (phrase.noun, value) else _objects(phrase, value)
            before = (phrase.noun, value)
        else:
            spoken, before = _SPOKEN[kind.name](raw, value), None
        says = phrase.denies if phrase.denies and value is False else phrase.says
        told.append(says.format(spoken, **days))
    who = f" who {_listed(told)}" if told else ""
    where = "no site" if site is None else f"site {site}"
    return f"customers of {where}{who}, {ORDERS[sort]}"


def _objects(phrase: Phrase, ids: Sequence[int | str]) -> str:
    """The objects by number, or by key in quotation marks."""
    shown = [str(each) if isinstance(each, int) else _quoted(each) for each in ids]
    return f"{phrase.noun} {shown[0]}" if len(shown) == 1 else f"{phrase.among} the {phrase.noun}s {_listed(shown)}"


def _them(phrase: Phrase, ids: Sequence[int | str]) -> str:
    return "it" if len(ids) == 1 else f"{phrase.among} them"


def _listed(parts: Sequence[str]) -> str:
    """One, "one and two", "one, two, and three"."""
    if len(parts) < 3:
        return " and ".join(parts)
    return ", ".join((*parts[:-1], f"and {parts[-1]}"))


def _quoted(text: str) -> str:
    return f"“{text}”"


_SPOKEN: Final[dict[str, Callable[[str, Any], str]]] = {
    "days": lambda _, days: "in the last day" if days == 1 else f"in the last {days} days",
    "flag": lambda _, value: "",
    "text": lambda raw, _: _quoted(raw),
    "uuid": lambda _, uuid: uuid,
    "money": lambda _, cents: f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}",
}
"""How the values of each kind are said, from what was written and what was read from it; objects apart."""
