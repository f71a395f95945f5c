"""Activity may arrive late, twice and in any order: the end state is the same for every order of arrival."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.domain.identity import Who
from regulars.domain.mail import RANK
from regulars.domain.relations import BY_NAME, FLAG

from ..effort import examples
from .disorder import PEOPLE, figures, histories, mail_state
from .memory import NOW, MemorySite

AT = NOW // 1000 - 1000


def end_of(order: list[dict[str, Any]]) -> dict[str, Any]:
    """The end state after a history has arrived in this order."""
    site = MemorySite()
    for body in order:
        assert site.record(body["event"], body).refusal is None
    state: dict[str, Any] = {}
    for email in PEOPLE:
        if site.work.people.find(Who(email_key=email)):
            person = site.person(email)
            number = person.customer.number
            consents = [(c.at, c.granted, c.cause) for c in site.work.history.consents if c.customer == number]
            logs = [mail_state(log) for log in site.work.history.logs.values() if log.customer == number]
            counted = [
                (row.name, row.at, row.order_id) for row in site.work.history.activities if row.customer == number
            ]
            consent = person.ties.get((BY_NAME["subscribed"].code, FLAG))
            state[email] = {
                "figures": figures(person.customer),
                "ties": site.ties(person),
                "consent": consent and (consent.holds, consent.at),
                "evidence": sorted(consents, key=repr),
                "logs": sorted(logs, key=repr),
                "history": sorted(counted, key=repr),
            }
    return state


@settings(max_examples=examples(50, 1_000), deadline=None)
@given(histories(6).flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))))
def test_every_order_of_arrival_ends_alike(orders: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    assert end_of(orders[1]) == end_of(orders[0])


@settings(max_examples=examples(10, 200), deadline=None)
@given(histories(3).filter(lambda listed: 2 < len(listed) < 5))
def test_each_of_all_orders_ends_alike(listed: list[dict[str, Any]]) -> None:
    end = end_of(listed)
    for order in permutations(listed):
        assert end_of(list(order)) == end


@settings(max_examples=examples(20, 300), deadline=None)
@given(histories(5))
def test_a_history_with_ids_that_arrives_twice_counts_once(listed: list[dict[str, Any]]) -> None:
    named = [{**body, "event_uuid": body.get("event_uuid", f"n{place}")} for place, body in enumerate(listed)]
    assert end_of([*named, *reversed(named)]) == end_of(named)


def test_the_property_sees_a_difference() -> None:
    added = {"event": "tag_added", "email": PEOPLE[0], "timestamp": AT, "tag_id": "1"}
    assert end_of([added]) != end_of([{**added, "timestamp": AT + 1}])
    assert end_of([added, {**added, "event": "tag_removed", "timestamp": AT + 1}]) != end_of([added])
    bought = {"event": "purchase", "email": PEOPLE[0], "timestamp": AT, "revenue": 5}
    assert end_of([bought, bought]) != end_of([bought])


# -- the rules one by one -------------------------------------------------------------------------------------


def test_consent_comes_back_only_by_a_later_subscription() -> None:
    for name, later in (("email_unsubscribed", 0), ("unsubscribed", -1)):
        site = MemorySite()
        site.record(name, {"email": PEOPLE[0], "timestamp": AT})
        site.record("subscribed", {"email": PEOPLE[0], "timestamp": AT + later})
        site.record("newsletter_subscribed", {"email": PEOPLE[0], "timestamp": AT + 5, "newsletter_id": "n"})
        assert not site.person(PEOPLE[0]).has("subscribed")
        site.record("subscribed", {"email": PEOPLE[0], "timestamp": AT + 1})
        assert site.person(PEOPLE[0]).has("subscribed")


@pytest.mark.parametrize(
    "ends, starts, body, flag",
    [
        ("unsubscribed", "subscribed", {}, "subscribed"),
        ("email_complained", "subscribed", {"proof": "a form"}, "subscribed"),
        ("unsuppressed", "suppressed", {}, "suppressed"),
        ("tag_removed", "tag_added", {"tag_id": "1"}, "tag.has 1"),
        ("newsletter_unsubscribed", "newsletter_subscribed", {"newsletter_id": "1"}, "newsletter.subscribed 1"),
        ("product_removed", "product_granted", {"product_id": "1"}, "product.owned 1"),
    ],
)
def test_a_word_of_this_moment_outlasts_what_is_reported_late(
    ends: str, starts: str, body: dict[str, str], flag: str
) -> None:
    site = MemorySite()
    email = {"email": "a@example.com"}
    past = NOW // 1000 - 3_000
    site.record(starts, {**email, **body, "timestamp": past})
    site.record(ends, {**email, **body, "timestamp": past + 1})
    site.record(ends, {**email, **body})
    site.record(starts, {**email, **body, "timestamp": past + 2})
    assert flag not in site.held("a@example.com")
    site.record(starts, {**email, **body})
    assert flag in site.held("a@example.com")


def test_a_clock_that_is_a_little_ahead_tells_what_came_first() -> None:
    ahead = NOW // 1000 + 100
    told = [("tag_added", ahead), ("tag_removed", ahead + 100), ("subscribed", ahead + 90), ("unsubscribed", ahead)]
    for order in permutations(told):
        site = MemorySite()
        for event, at in order:
            site.record(event, {"email": "a@example.com", "tag_id": "1", "timestamp": at})
        assert site.held("a@example.com") == {"subscribed"}
        customer = site.customer("a@example.com")
        assert max(customer.updated_at, customer.subscribed_at or 0, customer.unsubscribed_at or 0) <= site.work.now


def test_a_repeat_is_answered_and_creates_nobody() -> None:
    site = MemorySite()
    body = {"email": PEOPLE[0], "timestamp": AT, "event_uuid": "u"}
    assert site.record("visit", body).verdict == "created"
    assert site.record("visit", body).verdict == "unchanged"
    repeat = site.record("visit", {**body, "email": PEOPLE[1]})
    assert (repeat.verdict, repeat.person, repeat.refusal) == ("unchanged", None, None)
    assert site.customer(PEOPLE[0]).lifetime_visits == 1


def test_a_repeated_report_of_an_order_counts_once_for_each_customer_and_kind() -> None:
    site = MemorySite()
    for email in PEOPLE:
        for name in ("purchase", "refund", "purchase", "refund"):
            site.record(name, {"email": email, "revenue": "2.50" if name == "purchase" else 1, "order_id": "o"})
    for email in PEOPLE:
        customer = site.customer(email)
        assert (customer.lifetime_orders, customer.lifetime_revenue, customer.net_revenue) == (1, 250, 150)


@pytest.mark.parametrize("name", ["email_bounced", "email_complained"])
def test_a_bounce_or_complaint_is_of_the_address_it_names(name: str) -> None:
    site = MemorySite()
    site.upsert(email="old@example.com", customer_id="c", unsubscribed=False)
    site.upsert(email="new@example.com", customer_id="c")
    site.record(name, {"email": "old@example.com", "customer_id": "c", "bounce_type": "hard"})
    complains = name == "email_complained"
    assert site.held("new@example.com") == {"spam_reported" if complains else "subscribed"}
    assert site.customer("new@example.com").bounced_at is None


@pytest.mark.parametrize("name", ["email_bounced", "email_complained"])
@pytest.mark.parametrize("told", ["before", "after", "without its sending"])
def test_a_bounce_or_complaint_that_names_a_mail_is_of_that_mail_s_address(name: str, told: str) -> None:
    site = MemorySite()
    report = {"customer_id": "c", "log_id": "l", "bounce_type": "hard", "timestamp": AT}
    site.upsert(email="old@example.com", customer_id="c")
    if told != "without its sending":
        site.record("email_sent", {"customer_id": "c", "log_id": "l", "timestamp": AT - 10})
    if told == "before":
        site.record(name, report)
    site.upsert(email="new@example.com", customer_id="c")
    if told != "before":
        site.record(name, report)
    assert not site.person("new@example.com").has("hard_bouncing")
    if told == "after":
        assert site.held("new@example.com") == ({"spam_reported"} if name == "email_complained" else set())
        assert site.customer("new@example.com").bounced_at is None


def test_where_a_mail_went_does_not_depend_on_what_is_told_first() -> None:
    told = [
        {"event": "email_delivered", "email": "old@example.com"},
        {"event": "email_opened"},
        {"event": "email_sent", "email": "older@example.com"},
        {"event": "email_clicked", "email": "new@example.com"},
    ]
    for order in permutations(told):
        site = MemorySite()
        site.upsert(email="new@example.com", customer_id="c")
        for body in order:
            site.record(body["event"], {"customer_id": "c", "log_id": "l", **body})
        (log,) = site.work.history.logs.values()
        assert (log.address_key, log.recipient_address) == ("old@example.com", "old@example.com")


def test_one_message_to_several_people_is_a_mail_to_each() -> None:
    for order in permutations([("email_sent", "a"), ("email_sent", "b"), ("email_opened", "b")]):
        site = MemorySite()
        site.upsert(email="b@example.com")
        for event, name in order:
            site.record(event, {"email": f"{name}@example.com", "message_id": "m", "timestamp": AT})
        states = {log.recipient_address: mail_state(log)[1] for log in site.work.history.logs.values()}
        assert states == {"a@example.com": RANK["sent"], "b@example.com": RANK["opened"]}


def test_an_opt_out_through_an_older_address_counts() -> None:
    site = MemorySite()
    site.upsert(email="old@example.com", customer_id="c", unsubscribed=False)
    site.upsert(email="new@example.com", customer_id="c")
    site.record("email_unsubscribed", {"email": "old@example.com", "customer_id": "c"})
    assert site.held("new@example.com") == set()


def test_hard_bouncing_lasts_until_the_address_changes() -> None:
    site = MemorySite()
    site.record("email_bounced", {"email": "old@example.com", "customer_id": "c", "bounce_type": "hard"})
    assert site.held("old@example.com") == {"hard_bouncing"}
    site.upsert(customer_id="c", email="new@example.com")
    assert site.held("new@example.com") == set()
    assert site.customer("new@example.com").bounced_at is None
    site.record("email_bounced", {"email": "new@example.com", "bounce_type": "hard"})
    assert site.held("new@example.com") == {"hard_bouncing"}


def test_an_older_identify_fills_only_empty_fields() -> None:
    site = MemorySite()
    site.upsert(email=PEOPLE[0], firstname="Anna", data={"plan": "gold"})
    late = {"email": PEOPLE[0], "timestamp": AT, "firstname": "Old", "gender": "female", "plan": "old", "size": 1}
    assert site.record("identify", late).verdict == "updated"
    customer = site.customer(PEOPLE[0])
    assert (customer.firstname, customer.gender) == ("Anna", "female")
    assert customer.attributes == '{"plan":"gold","size":1}'


@pytest.mark.parametrize(
    ("present", "late", "names"),
    [
        ({"firstname": "New"}, {"lastname": "Oldlast"}, ("New Oldlast", "New", "Oldlast")),
        ({"lastname": "New"}, {"firstname": "Old", "lastname": "Lost"}, ("Old New", "Old", "New")),
        ({"name": "New Last"}, {"firstname": "Old", "name": "Old Old"}, ("New Last", "New", "Last")),
        ({"name": "New"}, {"name": "Old Oldlast"}, ("New", "New", None)),
        ({}, {"name": "Old Oldlast"}, ("Old Oldlast", "Old", "Oldlast")),
        ({"name": "Dr. New", "firstname": "New"}, {"lastname": "Old"}, ("Dr. New", "New", "Old")),
        ({"firstname": "New", "data": {"name": None}}, {"name": "Old Oldlast"}, (None, "New", None)),
    ],
)
def test_an_older_identify_leaves_names_in_step(
    present: dict[str, Any], late: dict[str, Any], names: tuple[str | None, ...]
) -> None:
    site = MemorySite()
    site.upsert(email=PEOPLE[0], **present)
    for _ in range(2):
        site.record("identify", {"email": PEOPLE[0], "timestamp": AT, **late})
        customer = site.customer(PEOPLE[0])
        assert (customer.name, customer.firstname, customer.lastname) == names


def test_what_a_mail_was_of_does_not_depend_on_what_is_told_first() -> None:
    told: list[dict[str, Any]] = [
        {"event": "email_sent", "template_id": "welcome"},
        {"event": "email_opened", "broadcast_id": "may", "timestamp": AT},
        {"event": "email_clicked", "sequence_id": "x", "template_id": "april", "timestamp": AT + 1},
        {"event": "email_delivered"},
    ]
    for order in permutations(told):
        site = MemorySite()
        for body in order:
            site.record(body["event"], {"email": PEOPLE[0], "log_id": "one", **body})
        (log,) = site.work.history.logs.values()
        assert log.email_id == "april"


def test_a_timed_identify_that_agrees_still_moves_consent() -> None:
    ends = []
    said = {"email": PEOPLE[0]}
    history = [
        ("identify", {**said, "timestamp": AT, "unsubscribed": True}),
        ("identify", {**said, "timestamp": AT + 2, "unsubscribed": True}),
        ("subscribed", {**said, "timestamp": AT + 1}),
    ]
    for order in permutations(history):
        site = MemorySite()
        for name, body in order:
            site.record(name, body)
        ends.append(site.person(PEOPLE[0]).has("subscribed"))
    assert ends == [False] * 6
