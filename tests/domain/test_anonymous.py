"""Anonymous events in memory: whoever they turn out to be of, it is one person, whatever the order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.activity import parse_activity
from regulars.domain.anonymous import MOST_WAITING
from regulars.domain.commands import DeleteCustomer
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome

from .memory import NOW, MemorySite

START = NOW // 1000 - 100_000
OWNERS = {"c1": "anna@example.com", "c2": "anna@example.com", "d1": "bo@example.com"}
"""Whose the cookies and devices are."""


def anonymous(site: MemorySite, name: str = "visit", **more: Any) -> Outcome:
    return site.record(name, more)


def histories(site: MemorySite) -> dict[str, list[str]]:
    """What each customer did, by its address; and what waits, under ""."""
    emails = {number: person.customer.email or "" for number, person in site.work.people.by_number.items()}
    found: dict[str, list[str]] = {email: [] for email in emails.values()}
    for row in site.work.history.activities:
        found[emails[row.customer]].append(f"{row.name} {row.at}")
    found[""] = [f"{event.activity.name} {event.activity.at}" for event in site.work.visitors.waiting.values()]
    return {email: sorted(events) for email, events in found.items() if events}


def test_an_event_waits_and_is_given_when_an_event_names_both() -> None:
    site = MemorySite()
    assert anonymous(site, cookie="c1", timestamp=START).verdict == "anonymous"
    assert not site.work.people.by_number, "it creates nobody"
    site.record("search", {"email": "anna@example.com", "cookie": "c1"})
    assert not site.work.visitors.waiting
    assert site.customer("anna@example.com").lifetime_visits == 1
    assert anonymous(site, cookie="c1").verdict == "updated", "from now on the cookie is known"
    assert site.customer("anna@example.com").lifetime_visits == 2


@pytest.mark.parametrize("field", ["cookie", "device_id"])
def test_an_upsert_that_names_both(field: str) -> None:
    site = MemorySite()
    anonymous(site, "purchase", **{field: "x", "revenue": 5, "order_id": "o", "product_ids": ["p"]})
    site.upsert(email="anna@example.com", customer_id="anna")
    assert site.upsert(customer_id="anna", **{field: "x"}).verdict == "updated"
    customer = site.customer("anna@example.com")
    assert (customer.lifetime_orders, customer.net_revenue) == (1, 500)
    assert "product.owned p" in site.held("anna@example.com")


def test_an_identify_fills_the_profile_when_it_is_given() -> None:
    site = MemorySite()
    assert anonymous(site, "identify", cookie="c1", firstname="Anna").verdict == "anonymous"
    site.record("visit", {"email": "anna@example.com", "cookie": "c1"})
    assert site.customer("anna@example.com").firstname == "Anna"


@pytest.mark.parametrize("event", ["email_opened", "unsubscribed", "Unsubscribe", "subscribed", "email_complaint"])
def test_mail_and_consent_are_of_somebody_who_is_named(event: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        parse_activity({"event": event, "cookie": "c1"}, now=NOW)
    assert refusal.value.code == "user_identifier_missing"


@pytest.mark.parametrize("cookie", ["", " ", None, 5, ["c"], "x" * 257])
def test_what_is_no_cookie_names_nobody(cookie: Any) -> None:
    with pytest.raises(RefusedError) as refusal:
        parse_activity({"event": "visit", "cookie": cookie}, now=NOW)
    assert refusal.value.code == "user_identifier_missing"


def test_a_repeat_is_counted_once_before_and_after_it_is_given() -> None:
    site = MemorySite()
    visit = {"event_uuid": "u", "cookie": "c1"}
    assert [anonymous(site, **visit).verdict for _ in range(2)] == ["anonymous", "unchanged"]
    site.upsert(email="anna@example.com", cookie="c1")
    assert anonymous(site, **visit).verdict == "unchanged"
    assert site.record("visit", {**visit, "email": "anna@example.com"}).verdict == "unchanged"
    assert site.customer("anna@example.com").lifetime_visits == 1


def test_a_visitor_has_no_more_than_so_many_events() -> None:
    site = MemorySite()
    verdicts = [anonymous(site, cookie="c1").verdict for _ in range(MOST_WAITING + 1)]
    assert verdicts == ["anonymous"] * MOST_WAITING + ["ignored"]
    assert anonymous(site, cookie="c2").verdict == "anonymous"
    site.upsert(email="anna@example.com", cookie="c1")
    assert site.customer("anna@example.com").lifetime_visits == MOST_WAITING


def test_a_shared_device_is_of_whoever_was_named_last() -> None:
    site = MemorySite()
    site.record("search", {"email": "anna@example.com", "cookie": "c", "timestamp": START})
    anonymous(site, cookie="c")
    site.record("search", {"email": "bo@example.com", "cookie": "c", "timestamp": START + 5})
    site.record("search", {"email": "anna@example.com", "cookie": "c", "timestamp": START + 1})
    anonymous(site, cookie="c")
    assert [site.customer(email).lifetime_visits for email in ("anna@example.com", "bo@example.com")] == [1, 1]


def test_a_deleted_customer_takes_its_cookie_along() -> None:
    site = MemorySite()
    site.upsert(email="anna@example.com", cookie="c1")
    site.do(DeleteCustomer(Who(email_key="anna@example.com")))
    assert anonymous(site, cookie="c1", timestamp=START).verdict == "ignored", "it was before"
    assert anonymous(site, cookie="c1").verdict == "anonymous"
    site.upsert(email="bo@example.com", cookie="c1")
    assert site.customer("bo@example.com").lifetime_visits == 1


def test_what_waited_since_before_a_deletion_is_of_nobody() -> None:
    site = MemorySite()
    anonymous(site, cookie="c1", timestamp=START)
    site.upsert(email="anna@example.com")
    site.do(DeleteCustomer(Who(email_key="anna@example.com")))
    site.upsert(email="anna@example.com", cookie="c1")
    assert site.customer("anna@example.com").lifetime_visits == 0
    assert not site.work.visitors.waiting


_key = st.sampled_from(sorted(OWNERS))


def _fields(*keys: str) -> dict[str, str]:
    return {"device_id" if key.startswith("d") else "cookie": key for key in keys}


@st.composite
def _events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Anonymous and naming events at different times; each cookie is one person's."""
    found: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 8))):
        key = draw(_key)
        body: dict[str, Any] = {"event": draw(st.sampled_from(["visit", "purchase", "wished"])), **_fields(key)}
        body["timestamp"] = START + draw(st.integers(0, 3))
        if body["event"] == "purchase":
            body |= {"revenue": draw(st.integers(1, 5)), "order_id": f"o{draw(st.integers(0, 1))}"}
        if draw(st.booleans()):
            body["event_uuid"] = f"u{place}"
            found += [body] * draw(st.integers(0, 1))
        if draw(st.integers(0, 2)) == 0:
            body = {**body, "email": OWNERS[key]}
        found.append(body)
    return found


@given(st.data(), _events())
def test_any_order_ends_alike(data: st.DataObject, events: list[dict[str, Any]]) -> None:
    ends = []
    for order in (events, data.draw(st.permutations(events))):
        site = MemorySite()
        for body in order:
            assert site.do_event(body).refusal is None
        figures = {
            person.customer.email: (
                person.customer.lifetime_visits,
                person.customer.lifetime_orders,
                person.customer.net_revenue,
                person.customer.last_request_at,
                person.customer.last_purchase_at,
            )
            for person in site.work.people.by_number.values()
        }
        named = {key for body in events if "email" in body for key in (body.get("cookie"), body.get("device_id"))}
        assert not named & {key for event in site.work.visitors.waiting.values() for _, key in event.visitor}
        ends.append((histories(site), figures))
    assert ends[0] == ends[1]


_naming = st.fixed_dictionaries(
    {"event": st.just("visit")},
    optional={
        "cookie": st.sampled_from(["c1", "c2"]),
        "device_id": st.sampled_from(["d1", "d2"]),
        "email": st.sampled_from(["anna@example.com", "bo@example.com"]),
        "timestamp": st.integers(START, START + 3),
    },
).filter(lambda body: len(body.keys() & {"cookie", "device_id", "email"}) > 0)


@given(st.lists(_naming, max_size=12))
def test_each_event_ends_at_one_person_or_waits(events: list[dict[str, Any]]) -> None:
    site = MemorySite()
    for place, body in enumerate(events):
        assert site.do_event({**body, "event_uuid": f"u{place}"}).refusal is None
    rows = site.work.history.activities
    waiting = [event.activity.uuid for event in site.work.visitors.waiting.values()]
    uuids = [*(row.uuid for row in rows), *waiting]
    assert len(uuids) == len(set(uuids)) == len(events)
    visits = sum(person.customer.lifetime_visits for person in site.work.people.by_number.values())
    assert visits == len(events) - len(waiting)
    for event in site.work.visitors.waiting.values():
        assert not any(each in site.work.visitors.holders for each in event.visitor)
