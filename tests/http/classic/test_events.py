"""Activity: one event, or many in one call."""

import itertools
import time
from typing import Any

import msgspec
import pytest

from regulars.domain.events import EVENTS
from regulars.http.classic.events import BULK_BYTES
from tests.http.checks import done, refused
from tests.in_process import Client, InProcess

_fresh = itertools.count(1)


def fresh() -> str:
    return f"actor{next(_fresh)}@example.com"


def record(api: Client, event: str, email: str, **more: Any) -> str:
    verdict: str = done(api.post("event", {"event": event, "email": email, **more}))["result"]
    return verdict


def show(api: Client, email: str) -> dict[str, Any]:
    found: dict[str, Any] = done(api.get(f"customers/{email}"))["customer"]
    return found


REQUIRED: dict[str, Any] = {
    "revenue": "1.00",
    "newsletter_id": "weekly",
    "sequence_id": 1,
    "tag_id": 1,
    "group_id": "grp_of_event",
    "offer_id": 1,
    "product_id": 1,
    "code": "SPRING",
    "form_id": 1,
    "event_id": 1,
    "assessment_id": 1,
}


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_of_the_catalogue_is_taken_and_creates_its_customer(api: Client, name: str) -> None:
    email = fresh()
    fields = {field: REQUIRED[field] for field in EVENTS[name].requires}
    assert record(api, name, email, **fields) == "created"
    assert show(api, email)["email"] == email


@pytest.mark.parametrize("name", [name for name, event in EVENTS.items() if event.requires])
def test_an_event_without_what_it_requires_is_refused(app: InProcess, api: Client, name: str) -> None:
    before = app.contents()
    body = {"event": name, "email": fresh()}
    refused(api.post("event", body), "invalid", *EVENTS[name].requires)
    assert app.contents() == before


def test_an_unknown_event_is_kept_and_changes_no_figure(app: InProcess, api: Client) -> None:
    email = fresh()
    before = done(api.post("customers", {"email": email}))["customer"]
    kept = app.contents().rows["activities"]
    assert record(api, "danced_all_night", email, with_whom={"a": ["b"]}) == "updated"
    assert app.contents().rows["activities"] == kept + 1
    assert {**show(api, email), "updated_at": ""} == {**before, "updated_at": ""}


@pytest.mark.parametrize(
    "name", ["", None, 7, "a.b", "two words", "tab\tbed", "42", "-1", "x" * 65, ["view"], {"name": "view"}]
)
def test_a_name_that_is_none_is_refused(app: InProcess, api: Client, name: Any) -> None:
    before = app.contents()
    refused(api.post("event", {"event": name, "email": fresh()}), "invalid", "event")
    assert app.contents() == before


def test_an_event_about_nobody_is_refused(api: Client) -> None:
    refused(api.post("event", {"event": "view"}), "user_identifier_missing")
    refused(api.post("event", {"event": "view", "email": "nonsense"}), "invalid", "email")
    refused(api.post("event", {"event": "view", "uuid": "06743da2-9589-4c01-afda-e3d85e487fa7"}), "customer_not_found")


def test_visits_orders_and_revenue_add_up(api: Client) -> None:
    email = fresh()
    for name in ("view", "pageload", "visit", "search"):
        record(api, name, email)
    record(api, "purchase", email, revenue="19.99")
    record(api, "purchase", email, amount=0.01)
    record(api, "conversion", email, revenue=5)
    record(api, "refund", email, revenue=20)
    shown = show(api, email)
    assert (shown["lifetime_visits"], shown["lifetime_orders"], shown["lifetime_revenue"]) == (3, 2, 25)


def test_identify_is_an_upsert(api: Client) -> None:
    email = fresh()
    assert record(api, "identify", email, firstname="Anna", data={"plan": "pro"}) == "created"
    assert record(api, "identify", email, lastname="Lee") == "updated"
    shown = show(api, email)
    assert (shown["name"], shown["data"]) == ("Anna Lee", {"plan": "pro"})
    refused(api.post("event?strict=1", {"event": "identify", "email": email, "gender": 5}), "invalid", "gender")


def test_a_repeat_by_its_uuid_is_answered_and_counted_once(app: InProcess, api: Client) -> None:
    email = fresh()
    uuid = "0b9f1a36-6a58-4d1c-9d53-6a1f3c2b7e10"
    event = {"event": "purchase", "email": email, "revenue": 10, "event_uuid": uuid}
    assert done(api.post("event", event))["result"] == "created"
    before = app.contents()
    assert done(api.post("event", event))["result"] == "unchanged"
    assert done(api.post("event", {**event, "event_uuid": uuid.upper()}))["result"] == "unchanged"
    assert app.contents() == before
    assert show(api, email)["lifetime_revenue"] == 10
    done(api.post("bulkevents", {"events": [{**event, "event_uuid": "any text"}, {**event, "event_uuid": "any text"}]}))
    assert show(api, email)["lifetime_revenue"] == 20


def test_an_order_is_counted_once_for_each_customer_and_refunded_once(api: Client) -> None:
    email, other = fresh(), fresh()
    for who in (email, email, other):
        record(api, "purchase", who, revenue=10, order_id="O-1")
    record(api, "purchase", email, revenue=5, order_id="O-2")
    record(api, "purchase", email, revenue=1)
    record(api, "purchase", email, revenue=1)
    assert (show(api, email)["lifetime_orders"], show(api, email)["lifetime_revenue"]) == (4, 17)
    assert (show(api, other)["lifetime_orders"], show(api, other)["lifetime_revenue"]) == (1, 10)


@pytest.mark.parametrize(("ahead", "taken"), [(0, True), (240, True), (400, False), (10**6, False)])
def test_a_clock_may_be_five_minutes_ahead(api: Client, ahead: int, taken: bool) -> None:
    reply = api.post("event", {"event": "view", "email": fresh(), "timestamp": int(time.time()) + ahead})
    if taken:
        done(reply)
    else:
        refused(reply, "invalid", "timestamp")


@pytest.mark.parametrize(
    "timestamp", [1_700_000_000, 1.5e9, "1700000000", "2023-11-14T22:13:20Z", "2023-11-14", "", None]
)
def test_a_timestamp_is_unix_seconds_or_iso_8601(api: Client, timestamp: Any) -> None:
    record(api, "view", fresh(), timestamp=timestamp)


@pytest.mark.parametrize("timestamp", ["soon", True, [], {}, "99999999999999999999", 10**30, -(10**30), "1e999"])
def test_another_timestamp_is_refused(api: Client, timestamp: Any) -> None:
    refused(api.post("event", {"event": "view", "email": fresh(), "timestamp": timestamp}), "invalid", "timestamp")


@pytest.mark.parametrize(
    ("revenue", "shown"),
    [(0, 0), ("10", 10), ("10.5", 10.5), ("10.50", 10.5), (19.990000000000002, 19.99), (10**12, 10**12), ("", 0)],
)
def test_money_is_a_decimal(api: Client, revenue: Any, shown: float) -> None:
    email = fresh()
    record(api, "purchase", email, revenue=revenue)
    assert show(api, email)["lifetime_revenue"] == shown


@pytest.mark.parametrize(
    "revenue", [-1, "-0.01", "1,50", "ten", "1e3", "NaN", "Infinity", 10**12 + 1, 1e300, True, [1], "1 EUR"]
)
def test_other_money_is_refused(app: InProcess, api: Client, revenue: Any) -> None:
    before = app.contents()
    refused(api.post("event", {"event": "purchase", "email": fresh(), "revenue": revenue}), "invalid", "revenue")
    assert app.contents() == before


@pytest.mark.parametrize("revenue", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"+1", b"01", b"0x1"])
def test_money_that_is_no_json_number_is_malformed(api: Client, revenue: bytes) -> None:
    body = b'{"event": "purchase", "email": "money@example.com", "revenue": ' + revenue + b"}"
    refused(api.post("event", content=body), "malformed")


def test_an_order_is_the_sum_of_its_lines(api: Client) -> None:
    email = fresh()
    record(api, "purchase", email, revenue=100, order_id="O-9", event_uuid=fresh())
    for revenue in (10, 20):
        assert record(api, "refund", email, revenue=revenue, order_id="O-9", event_uuid=fresh()) == "updated"
    assert show(api, email)["lifetime_revenue"] == 100
    record(api, "purchase", email, order_id="O-10")
    assert record(api, "purchase", email, order_id="O-10", revenue=40) == "updated"
    assert record(api, "purchase", email, order_id="O-10", revenue=40) == "unchanged"
    record(api, "purchase", email, order_id="O-10", revenue=5, product_id="second")
    shown = show(api, email)
    assert (shown["lifetime_orders"], shown["lifetime_revenue"]) == (2, 145)


def test_many_events_are_checked_one_by_one_and_applied_in_order(api: Client) -> None:
    email = fresh()
    events: list[Any] = [
        {"event": "purchase", "email": email, "revenue": 1},
        {"event": "no good", "email": email},
        "not an object",
        {"event": "refund", "email": email},
        {"event": "view"},
        {"event": "purchase", "email": email, "revenue": 2},
    ]
    response = api.post("bulkevents", {"events": events})
    assert response.status_code == 200
    reply = response.json()
    assert (reply["status"], reply["count"]) == ("ok", 2)
    assert [(item["index"], item["event"]) for item in reply["failed"]] == [(n, events[n]) for n in (1, 2, 3, 4)]
    assert [item["code"] for item in reply["failed"]] == ["invalid", "invalid", "invalid", "user_identifier_missing"]
    assert reply["failed"][2]["errors"] == [{"field": "revenue", "detail": "is required for the event refund"}]
    assert (show(api, email)["lifetime_orders"], show(api, email)["lifetime_revenue"]) == (2, 3)


def test_a_call_takes_a_hundred_events_and_not_one_more(app: InProcess, api: Client) -> None:
    email = fresh()
    before = app.contents()
    events = [{"event": "view", "email": email}] * 101
    refused(api.post("bulkevents", {"events": events}), "too_many")
    assert app.contents() == before
    assert done(api.post("bulkevents", {"events": events[:100]}))["count"] == 100
    assert show(api, email)["lifetime_visits"] == 100
    assert done(api.post("bulkevents", {"events": []}))["count"] == 0


def test_a_call_takes_a_megabyte_of_events_and_not_a_byte_more(app: InProcess, api: Client) -> None:
    email = fresh()
    before = app.contents()
    events = [{"event": "view", "email": email, "text": "x" * 10_000} for _ in range(100)]
    size = len(msgspec.json.encode({"events": events}))
    for spare, taken in ((-1, False), (0, True)):
        body = msgspec.json.encode({"events": events})
        body += b" " * (BULK_BYTES - size - spare)
        reply = api.send("POST", "bulkevents", content=body)
        if taken:
            assert done(reply)["count"] == 100
        else:
            refused(reply, "too_large")
            assert app.contents() == before


@pytest.mark.parametrize("body", [{}, {"events": {}}, {"events": None}, {"event": []}])
def test_many_events_without_a_list_are_refused(api: Client, body: Any) -> None:
    refused(api.post("bulkevents", body), "malformed", "events")


def test_what_happened_first_does_not_depend_on_what_arrived_first(api: Client) -> None:
    one, other = fresh(), fresh()
    happened = [("unsubscribed", 1_700_000_300), ("subscribed", 1_700_000_200), ("group_left", 1_700_000_100)]
    for who, order in ((one, happened), (other, happened[::-1])):
        record(api, "group_joined", who, group_id="grp_order", timestamp=1_700_000_100)
        for name, second in order:
            record(api, name, who, group_id="grp_order", timestamp=second)
    for who in (one, other):
        shown = show(api, who)
        assert (shown["unsubscribed"], shown["unsubscribed_at"]) == (True, "2023-11-14T22:18:20.000Z")
        assert shown["groups"] == [], "at the same time, the removing report wins"


def test_a_hard_bounce_lasts_until_the_address_changes(api: Client) -> None:
    old, new = fresh(), fresh()
    done(api.post("customers", {"email": old, "customer_id": "bouncer"}))
    record(api, "email_bounced", old, bounce_type="hard", reason="no such mailbox")
    record(api, "email_complained", old, broadcast_id=1)
    assert show(api, old)["email_hard_bounced"] is True
    assert show(api, old)["email_spam_reported"] is True
    done(api.post("customers", {"email": new, "customer_id": "bouncer"}))
    assert show(api, new)["email_hard_bounced"] is False
    done(api.post("event", {"event": "email_bounced", "email": old, "customer_id": "bouncer", "bounce_type": "hard"}))
    assert show(api, new)["email_hard_bounced"] is False, "a late report is about the old address"


def test_an_order_s_id_that_no_index_takes_is_refused_on_every_engine(api: Client) -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))
    order = {"event": "purchase", "email": "long@example.com", "revenue": 1, "order_id": many}
    assert "2000 bytes" in refused(api.post("event", order), "invalid", "order_id")["message"]
    done(api.post("event", {**order, "order_id": many[:660]}))


class TestHistory:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _happened(cls, api: Client) -> None:
        for n in range(60):
            body = {"event": "history_a" if n % 2 else "history_b", "email": f"h{n % 3}@history.example", "n": n}
            done(api.post("event", {**body, "timestamp": 1_700_000_000 + n, "event_uuid": f"h-{n}"}))

    def test_the_newest_first(self, api: Client) -> None:
        found = done(api.get("event/history?event_name=history_a&limit=3"))["events"]
        assert [(each["event"], each["n"]) for each in found] == [("history_a", n) for n in (59, 57, 55)]
        assert found[0]["timestamp"] == "2023-11-14T22:14:19.000Z"
        assert found[0]["customer"]["email"] == "h2@history.example"
        assert len(done(api.get("event/history"))["events"]) == 50

    def test_of_one_customer(self, api: Client) -> None:
        found = done(api.get("event/history?email=h0@history.example"))["events"]
        assert [each["n"] for each in found] == list(range(57, -1, -3))
        found = done(api.get("event/history?email=h0@history.example&event_name=history_a"))["events"]
        assert [each["n"] for each in found] == list(range(57, -1, -6))
        refused(api.get("event/history?email=nobody@history.example"), "customer_not_found")
        done(api.post("event", {"event": "history_plus", "email": "h+0@history.example"}))
        assert len(done(api.get("event/history?email=h+0@history.example"))["events"]) == 1

    @pytest.mark.parametrize("limit", ["0", "51", "x", "-1"])
    def test_the_limit(self, api: Client, limit: str) -> None:
        refused(api.get(f"event/history?limit={limit}"), "invalid", "limit")


def test_subscription_groups(api: Client) -> None:
    wanted = [{"id": "sg_weekly", "subscribed": True}]
    done(api.post("customers", {"email": "sg@example.com", "subscription_groups": wanted}))
    for path in ("subscription_groups", "subscription_groups/index_lite"):
        found = {each["id"]: each["name"] for each in done(api.get(path))["subscription_groups"]}
        assert found["sg_weekly"] == "sg_weekly"
    assert done(api.get("subscription_groups/sg_weekly"))["subscription_group"]["id"] == "sg_weekly"
    refused(api.get("subscription_groups/sg_unknown"), "object_not_found")


def test_a_bulk_call_tells_which_events_had_fields_that_cannot_be_read(api: Client) -> None:
    address = fresh()
    events = [{"event": "visit", "email": address}, {"event": "identify", "email": address, "phone_number": "call me"}]
    reply = done(api.post("bulkevents", {"events": events}))
    (told,) = reply["warnings"]
    assert (told["index"], told["warnings"][0]["field"]) == (1, "phone_number")
    strict = done(api.post("bulkevents?strict=true", {"events": events}))
    assert [failure["index"] for failure in strict["failed"]] == [1]


def test_a_repeat_tells_the_amount_that_its_event_did_not_have(api: Client) -> None:
    email, uuid = fresh(), fresh()
    body = {"order_id": "O-11", "event_uuid": uuid, "product_id": "later"}
    assert record(api, "purchase", email, **body) == "created"
    event = {"event": "purchase", "email": email, **body, "revenue": 40}
    assert done(api.post("bulkevents", {"events": [event, event]}))["count"] == 2
    assert record(api, "purchase", email, **body, revenue=40) == "unchanged"
    assert record(api, "purchase", email, **body) == "unchanged"
    assert (show(api, email)["lifetime_orders"], show(api, email)["lifetime_revenue"]) == (1, 40)
    events = done(api.get(f"event/history?email={email}"))["events"]
    assert len({each["event_uuid"] for each in events}) == 1
    assert len(events) == 2


def test_identify_events_of_a_bulk_call_hand_on_and_swap_addresses(api: Client) -> None:
    a, b, c, d = (fresh() for _ in range(4))
    free = fresh()
    for one in (a, b, c, d):
        done(api.post("customers", {"customer_id": one, "email": f"x{one}"}))
    moves = [(a, f"x{b}"), (c, f"x{d}"), (b, f"x{a}"), (d, free)]
    events = [{"event": "identify", "customer_id": who, "email": email, "city": "Rome"} for who, email in moves]
    assert done(api.post("bulkevents", {"events": events}))["failed"] == []
    for who, email in moves:
        assert (show(api, email)["customer_id"], show(api, email)["data"]) == (who, {"city": "Rome"})
    overtaken = [
        {"event": "identify", "customer_id": a, "email": free},
        {"event": "identify", "customer_id": a, "email": f"x{b}x"},
    ]
    assert [each["index"] for each in done(api.post("bulkevents", {"events": overtaken}))["failed"]] == [0]
    assert show(api, f"x{b}x")["customer_id"] == a
