"""The catalogue of events: every event of the table in the specification is there and changes what it says."""

from typing import Any

import pytest

from regulars.domain.events import EVENTS, REFERENCE_FIELDS
from regulars.domain.mail import RANK
from regulars.domain.relations import BY_NAME, KINDS

from .memory import NOW, MemorySite

AT = NOW // 1000 - 100
WHO = "anna@example.com"

TABLE: dict[str, tuple[dict[str, Any], set[str], dict[str, int]]] = {
    "view": ({}, set(), {"lifetime_visits": 1}),
    "pageload": ({}, set(), {"lifetime_visits": 1}),
    "visit": ({}, set(), {"lifetime_visits": 1}),
    "search": ({}, set(), {}),
    "add_to_cart": ({}, set(), {}),
    "remove_from_cart": ({}, set(), {}),
    "checkout": ({}, set(), {}),
    "purchase": (
        {"revenue": "19.99", "order_id": "o", "offer_id": "o1", "product_ids": ["p1", 5], "coupon": "SAVE"},
        {
            *("offer.granted o1", "product.owned p1", "product.active p1", "product.owned 5", "product.active 5"),
            "coupon.used save",
        },
        {"lifetime_orders": 1, "lifetime_revenue": 1999, "net_revenue": 1999, "last_purchase_at": AT},
    ),
    "refund": ({"revenue": 5}, set(), {"net_revenue": -500}),
    "conversion": (
        {"revenue": 5},
        set(),
        {"lifetime_revenue": 500, "net_revenue": 500, "last_purchase_at": AT},
    ),
    "email_sent": ({"broadcast_id": "b"}, {"broadcast.sent b"}, {"last_sent_at": AT}),
    "email_delivered": ({"broadcast_id": "b"}, {"broadcast.delivered b"}, {"last_delivered_at": AT}),
    "email_deferred": ({"broadcast_id": "b"}, set(), {}),
    "email_dropped": ({"broadcast_id": "b"}, {"broadcast.dropped b"}, {}),
    "email_failed": ({"broadcast_id": "b"}, set(), {}),
    "email_opened": ({"broadcast_id": "b"}, {"broadcast.opened b"}, {"last_opened_at": AT}),
    "email_clicked": (
        {"broadcast_id": "b", "url": "https://example.com"},
        {"broadcast.opened b", "broadcast.clicked b"},
        {"last_opened_at": AT, "last_clicked_at": AT},
    ),
    "email_bounced": (
        {"broadcast_id": "b", "bounce_type": "hard"},
        {"broadcast.bounced b", "hard_bouncing"},
        {"bounced_at": AT},
    ),
    "email_complained": (
        {"broadcast_id": "b"},
        {"spam_reported", "broadcast.complained b"},
        {"unsubscribed_at": AT, "complained_at": AT},
    ),
    "email_unsubscribed": (
        {"broadcast_id": "b"},
        {"broadcast.unsubscribed b"},
        {"unsubscribed_at": AT, "opted_out_at": AT},
    ),
    "subscribed": ({}, {"subscribed"}, {"subscribed_at": AT}),
    "unsubscribed": ({}, set(), {"unsubscribed_at": AT, "manually_unsubscribed_at": AT}),
    "newsletter_subscribed": ({"newsletter_id": "n"}, {"newsletter.subscribed n"}, {}),
    "newsletter_unsubscribed": ({"newsletter_id": "n"}, {"newsletter.unsubscribed n"}, {}),
    "sequence_subscribed": ({"sequence_id": "s"}, {"sequence.subscribed s"}, {}),
    "sequence_unsubscribed": ({"sequence_id": "s"}, set(), {}),
    "tag_added": ({"tag_id": "t"}, {"tag.has t"}, {}),
    "tag_removed": ({"tag_id": "t"}, set(), {}),
    "group_joined": ({"group_id": "g"}, {"group.member g"}, {}),
    "group_left": ({"group_id": "g"}, set(), {}),
    "offer_granted": ({"offer_id": "o"}, {"offer.granted o"}, {}),
    "offer_revoked": ({"offer_id": "o"}, set(), {}),
    "product_granted": ({"product_id": "p"}, {"product.owned p", "product.active p"}, {}),
    "product_deactivated": ({"product_id": "p"}, {"product.owned p"}, {}),
    "product_reactivated": ({"product_id": "p"}, {"product.owned p", "product.active p"}, {}),
    "product_removed": ({"product_id": "p"}, {"product.previously_owned p"}, {}),
    "coupon_used": ({"code": "SAVE"}, {"coupon.used save"}, {}),
    "form_submitted": ({"form_id": "f"}, {"form.submitted f"}, {}),
    "event_registered": ({"event_id": "e"}, {"event.registered e"}, {}),
    "event_unregistered": ({"event_id": "e"}, set(), {}),
    "assessment_completed": (
        {"assessment_id": "a", "passed": True},
        {"assessment.completed a", "assessment.passed a"},
        {},
    ),
    "hidden": ({}, {"hidden"}, {}),
    "unhidden": ({}, set(), {}),
    "bounce_cleared": ({}, set(), {}),
    "suppressed": ({}, {"suppressed"}, {}),
    "unsuppressed": ({}, set(), {}),
}
"""activity.md's table: event -> (fields, ties that hold afterwards, figures that differ from a new customer's)."""

PERSONAL = {
    *("view", "pageload", "visit", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase", "conversion"),
    *("coupon_used", "form_submitted", "event_registered", "assessment_completed"),
}
FIGURES = (
    *("lifetime_visits", "lifetime_orders", "lifetime_revenue", "net_revenue", "last_purchase_at", "last_request_at"),
    *("subscribed_at", "unsubscribed_at", "manually_unsubscribed_at", "opted_out_at", "complained_at", "bounced_at"),
    *("last_sent_at", "last_delivered_at", "last_opened_at", "last_clicked_at"),
)


def test_the_catalogue_is_the_table() -> None:
    assert set(EVENTS) == set(TABLE) | {"identify"}
    assert {name for name, event in EVENTS.items() if event.personal} == PERSONAL


@pytest.mark.parametrize("name", TABLE)
def test_each_event_changes_what_the_table_says(name: str) -> None:
    fields, ties, figures = TABLE[name]
    site = MemorySite()
    before = site.upsert(email=WHO).person
    assert before is not None
    base = {figure: getattr(before.customer, figure) for figure in FIGURES}
    outcome = site.record(name, {"email": WHO, "timestamp": AT, **fields})
    assert (outcome.verdict, outcome.refusal) == ("updated", None)
    assert site.held(WHO) == ties
    expected = {figure: at * 1000 if figure.endswith("_at") else at for figure, at in figures.items()}
    if name in PERSONAL:
        expected["last_request_at"] = AT * 1000
    after = site.customer(WHO)
    assert {figure: getattr(after, figure) for figure in FIGURES} == base | expected
    assert set(site.ties(site.person(WHO)).values()) <= {AT * 1000}
    assert len(site.work.history.activities) == 1


@pytest.mark.parametrize("name", [name for name, event in EVENTS.items() if event.mail])
def test_each_mail_event_gives_its_mail_a_status(name: str) -> None:
    site = MemorySite()
    site.record(name, {"email": WHO, "timestamp": AT, "log_id": "log_1", "template_id": "welcome"})
    (log,) = site.work.history.logs.values()
    assert log.status == RANK[str(EVENTS[name].mail)]
    assert (log.key, log.email_id, log.address_key, log.created_at) == ("log_1", "welcome", WHO, AT * 1000)
    assert next(iter(site.work.history.activities)).log == log.number


def test_every_line_names_relations_fields_and_kinds_that_exist() -> None:
    for event in EVENTS.values():
        assert event.meaning
        for rule in event.sets:
            kind = BY_NAME[rule.relation].kind
            assert (None if rule.field is None else REFERENCE_FIELDS[rule.field]) == kind
    assert set(REFERENCE_FIELDS.values()) <= set(KINDS)


def test_an_unknown_name_is_kept_and_changes_only_the_last_request() -> None:
    site = MemorySite()
    before = site.upsert(email=WHO).person
    assert before is not None
    base = {figure: getattr(before.customer, figure) for figure in FIGURES}
    site.record("wished", {"email": WHO, "timestamp": AT, "tag_id": "t", "revenue": 5, "wish": {"deep": [1]}})
    after = site.customer(WHO)
    assert {figure: getattr(after, figure) for figure in FIGURES} == base | {"last_request_at": AT * 1000}
    assert site.held(WHO) == set()
    (row,) = site.work.history.activities
    assert (row.name, row.detail) == ("wished", '{"tag_id":"t","revenue":5,"wish":{"deep":[1]}}')


def test_the_cause_of_an_end_of_consent_says_which_time_moves() -> None:
    for cause, field in (("opt_out", "opted_out_at"), ("complaint", "complained_at"), ("bounce", None)):
        site = MemorySite()
        site.record("unsubscribed", {"email": WHO, "timestamp": AT, "cause": cause})
        customer = site.customer(WHO)
        moved = {name for name in FIGURES if getattr(customer, name) == AT * 1000}
        assert moved == {"unsubscribed_at"} | ({field} if field else set())
        assert [consent.cause for consent in site.work.history.consents] == [cause]


def test_a_failed_assessment_and_a_newsletter_left_through_a_mail() -> None:
    site = MemorySite()
    site.record("assessment_completed", {"email": WHO, "assessment_id": "a", "passed": False})
    site.record("subscribed", {"email": WHO})
    site.record("email_unsubscribed", {"email": WHO, "newsletter_id": "n"})
    assert site.held(WHO) == {
        "assessment.completed a",
        "assessment.failed a",
        "newsletter.unsubscribed n",
        "subscribed",
    }


def test_a_deactivated_product_is_owned_again_not_formerly() -> None:
    site = MemorySite()
    for name in ("product_granted", "product_removed", "product_deactivated"):
        site.record(name, {"email": WHO, "product_id": "p"})
    assert site.held(WHO) == {"product.owned p"}
