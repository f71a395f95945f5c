"""Anonymous events through every door, on the real store."""

from pathlib import Path
from typing import Any

import pytest

from regulars.checking import check_site
from regulars.domain.anonymous import MOST_WAITING
from regulars.domain.moments import DAY, now_ms
from regulars.importing.importer import Import
from regulars.importing.inputs import open_input
from regulars.importing.parsing import ActivityJudge
from regulars.store.pruning import prune_anonymous
from tests.databases import query
from tests.http.checks import done, refused
from tests.in_process import Client, InProcess


def visits(api: Client, email: str) -> int:
    customers = done(api.get(f"customers?email={email}"))["customers"]
    return customers[0]["lifetime_visits"] if customers else 0


def waiting(app: InProcess) -> int:
    return int(query(app.path, "SELECT count(*) FROM anonymous_events")[0][0])


def test_an_event_waits_until_its_visitor_is_named(api: Client, app: InProcess) -> None:
    for visitor in ({"cookie": "wait"}, {"device_id": "wait-d"}, {"cookie": "wait", "device_id": "wait-d"}):
        assert done(api.post("event", {"event": "pageload", **visitor}))["result"] == "anonymous"
    before = waiting(app)
    named = {"event": "identify", "email": "wait@example.com", "cookie": "wait"}
    assert done(api.post("event", named))["result"] == "created"
    assert (visits(api, "wait@example.com"), before - waiting(app)) == (2, 2)
    done(api.post("customers", {"email": "wait@example.com", "device_id": "wait-d"}))
    assert (visits(api, "wait@example.com"), before - waiting(app)) == (3, 3)
    assert done(api.post("event", {"event": "pageload", "device_id": "wait-d"}))["result"] == "updated"
    assert visits(api, "wait@example.com") == 4
    (last, *_) = done(api.get("event/history?email=wait@example.com"))["events"]
    assert (last["event"], last["device_id"], last["customer"]["email"]) == ("pageload", "wait-d", "wait@example.com")


def test_within_one_bulk_call_and_one_batch(api: Client) -> None:
    events: list[dict[str, Any]] = [
        {"event": "visit", "cookie": "bulk"},
        {"event": "purchase", "cookie": "bulk", "revenue": 5, "order_id": "b1", "product_ids": ["book"]},
        {"event": "visit", "cookie": "bulk", "email": "bulk@example.com"},
        {"event": "visit", "cookie": "bulk"},
        {"event": "visit"},
    ]
    reply = done(api.post("bulkevents", {"events": events}))
    assert (reply["count"], [each["index"] for each in reply["failed"]]) == (4, [4])
    assert visits(api, "bulk@example.com") == 3
    customer = done(api.get("customers/bulk@example.com"))["customer"]
    assert (customer["lifetime_orders"], customer["lifetime_revenue"]) == (1, 5.0)
    assert done(api.post("event", {**events[1], "email": "bulk@example.com"}))["result"] == "unchanged"
    customers = [{"email": "ba@example.com", "cookie": "batch"}]
    items = [
        {"path": "event", "method": "POST", "body": {"event": "visit", "cookie": "batch"}},
        {"path": "customers/bulk", "method": "POST", "body": {"customers": customers}},
    ]
    assert [each["status_code"] for each in api.post("batch", items).json()] == [200, 200]
    assert visits(api, "ba@example.com") == 1


def test_repeats_and_too_many(api: Client, app: InProcess) -> None:
    visit = {"event": "visit", "cookie": "often"}
    assert done(api.post("event", {**visit, "event_uuid": "often-1"}))["result"] == "anonymous"
    assert done(api.post("event", {**visit, "event_uuid": "often-1"}))["result"] == "unchanged"
    assert done(api.post("event", {**visit, "device_id": "other", "event_uuid": "often-1"}))["result"] == "unchanged"
    for _ in range(MOST_WAITING // 100):
        reply = done(api.post("bulkevents", {"events": [visit] * 100}))
        assert reply["failed"] == []
    assert reply["ignored"] == [99]
    assert done(api.post("event", visit))["result"] == "ignored"
    done(api.post("customers", {"email": "often@example.com", "cookie": "often"}))
    assert visits(api, "often@example.com") == MOST_WAITING
    assert done(api.post("event", {**visit, "event_uuid": "often-1"}))["result"] == "unchanged"


def test_a_deleted_customer_takes_its_cookies_along(api: Client, app: InProcess) -> None:
    done(api.post("customers", {"email": "gone@example.com", "cookie": "gone"}))
    done(api.delete("customers/gone@example.com"))
    late = {"event": "visit", "cookie": "gone", "timestamp": 1_600_000_000}
    assert done(api.post("event", late))["result"] == "ignored"
    assert done(api.post("event", {"event": "visit", "cookie": "gone"}))["result"] == "anonymous"
    done(api.post("event", {"event": "search", "email": "heir@example.com", "cookie": "gone"}))
    assert visits(api, "heir@example.com") == 1
    assert done(api.post("event", late))["result"] == "ignored", "also when somebody else has it"
    assert app.run(check_site(app.store, 1)).problems == []


def test_no_site_gets_what_another_waits_for(api: Client, app: InProcess) -> None:
    done(api.post("event", {"event": "visit", "cookie": "apart"}))
    before = waiting(app)
    stranger = app.client(account="other", site="theirs")
    done(stranger.post("customers", {"email": "apart@example.com", "cookie": "apart"}))
    assert (visits(stranger, "apart@example.com"), waiting(app)) == (0, before)
    assert done(stranger.post("event", {"event": "visit", "cookie": "apart"}))["result"] == "updated"
    done(api.post("customers", {"email": "apart@example.com", "cookie": "apart"}))
    assert (visits(api, "apart@example.com"), visits(stranger, "apart@example.com")) == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"event": "email_opened", "cookie": "bad"},
        {"event": "unsubscribed", "cookie": "bad"},
        {"event": "identify", "cookie": "bad", "unsubscribed": True},
        {"event": "visit", "cookie": ""},
        {"event": "visit", "device_id": 7},
    ],
)
def test_what_names_nobody_is_refused(api: Client, app: InProcess, body: Any) -> None:
    before = app.contents()
    refused(api.post("event", body), "user_identifier_missing", "email")
    assert app.contents() == before


def test_bad_fields_are_refused_while_nobody_is_known(api: Client, app: InProcess) -> None:
    before = app.contents()
    refused(api.post("event", {"event": "purchase", "cookie": "bad", "revenue": -1}), "invalid", "revenue")
    refused(api.post("event", {"event": "vis it", "cookie": "bad"}), "invalid", "event")
    refused(api.post("event", {"event": "visit", "cookie": "bad", "x": "y" * 70_000}), "invalid", "")
    assert app.contents() == before


def test_an_import_takes_them_and_its_repeat_changes_nothing(api: Client, app: InProcess, tmp_path: Path) -> None:
    path = tmp_path / "activity.ndjson"
    lines = ['{"event":"visit","cookie":"import"}', '{"event":"visit","device_id":"import"}']
    path.write_text("\n".join(lines))
    first, repeat = (_import(app, path) for _ in range(2))
    assert (first.anonymous, first.rejected, repeat.anonymous, repeat.unchanged) == (2, 0, 0, 2)
    done(api.post("customers", {"email": "import@example.com", "cookie": "import", "device_id": "import"}))
    assert (_import(app, path).unchanged, visits(api, "import@example.com")) == (2, 2)


def _import(app: InProcess, path: Path) -> Any:
    importer = Import(app.store, 1, ActivityJudge(app.store.limits))
    with open_input(str(path), "activity") as source:
        return app.run(importer.run(source))


def test_old_ones_are_pruned(api: Client, app: InProcess) -> None:
    done(api.post("event", {"event": "visit", "cookie": "old"}))
    done(api.post("customers", {"email": "old@example.com", "cookie": "old-known"}))
    assert app.run(prune_anonymous(app.store.engine, 1, before=now_ms() - DAY)) == 0
    assert app.run(prune_anonymous(app.store.engine, 1, before=2**52)) > 0
    assert query(app.path, "SELECT count(*) FROM anonymous_events WHERE site_id = 1") == [(0,)]
    assert query(app.path, "SELECT count(*) FROM visitors WHERE site_id = 1") == [(0,)]
    assert done(api.post("event", {"event": "visit", "cookie": "old-known"}))["result"] == "anonymous"
