"""Bulk actions: preview, the job and its figures, undo, cancelling, what is refused, and whose they are."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import bindparam, literal_column, null, update

from regulars.audience.matching_numbers import packed, unpacked
from regulars.store import jobs, schema
from regulars.store.statement import Statement

from ...in_process import Client, InProcess, application

EVERYBODY = {"q": "everybody"}


@pytest.fixture(scope="module")
def app(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with application(tmp_path_factory.mktemp("bulk"), engine) as running:
        yield running


@pytest.fixture(scope="module")
def api(app: InProcess) -> Client:
    client = app.client()
    for place in range(5):
        body = {"email": f"p{place}@bulk.example", "firstname": f"P{place}", "plan": "free" if place < 2 else "pro"}
        assert client.post("/api/v1/customers", body).status_code == 200
    for name in ("vip", "old"):
        tag = {"type": "contact_tags", "attributes": {"name": name, "key": name}}
        assert client.post("/v1/contact_tags", {"data": tag}).status_code == 201
    made = {"type": "audiences", "attributes": {"name": "Picked", "kind": "list", "key": "picked"}}
    assert client.post("/v1/audiences", {"data": made}).status_code == 201
    return client


def total(api: Client, q: str) -> int:
    return int(api.post("/v1/customers/query", {"q": q}).json()["meta"]["total_count"])


def preview(api: Client, body: dict[str, Any]) -> dict[str, Any]:
    reply = api.post("/v1/bulk_actions/preview", body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["data"]["attributes"]
    return found


def begun(api: Client, body: dict[str, Any]) -> str:
    reply = api.post("/v1/bulk_actions", body)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["data"]["id"])


def ended(api: Client, number: str, *, undo: bool = False) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found: dict[str, Any] = api.send("GET", f"/v1/bulk_actions/{number}").json()["data"]["attributes"]
        if (found["undo"] if undo else found)["state"] in jobs.ENDED:
            return found
        api.app.run(asyncio.sleep(0.02))
    raise AssertionError("the bulk action did not end")


def undone(api: Client, number: str) -> dict[str, Any]:
    assert api.send("POST", f"/v1/bulk_actions/{number}/undo").status_code == 202
    summary: dict[str, Any] = ended(api, number, undo=True)["undo"]["summary"]
    return summary


@pytest.mark.parametrize(
    ("action", "q", "before"),
    [
        ({"type": "add_tag", "tag": "vip"}, "tag:vip", []),
        ({"type": "add_to_list", "list": "picked"}, "in list/picked", []),
        ({"type": "set_attribute", "attribute": "plan", "value": "gold"}, "attr.plan = gold", "free"),
        ({"type": "set_attribute", "attribute": "score", "value": 7}, "attr.score = 7", None),
    ],
)
def test_an_action_is_previewed_done_and_undone(api: Client, action: dict[str, Any], q: str, before: Any) -> None:
    body = {"q": "attr.plan = free", "action": action}
    shown = preview(api, body)
    assert (shown["customers"], shown["sample"][0]["before"], total(api, q)) == (2, before, 0)
    assert shown["changes"] in (2, None)
    number = begun(api, body)
    found = ended(api, number)
    assert (found["state"], found["customers"], found["done"]) == ("done", 2, 2)
    assert found["summary"] == {"customers": 2, "updated": 2, "unchanged": 0, "failed": 0, "reasons": {}}
    assert (total(api, q), found["q"], found["undo"]) == (2, 'attr.plan = "free"', None)
    again = ended(api, begun(api, {"q": q, "action": action}))["summary"]
    assert (again["updated"], again["unchanged"]) == (0, 2)
    assert undone(api, number)["restored"] == 2
    assert total(api, q) == 0
    assert number in [each["id"] for each in api.send("GET", "/v1/bulk_actions").json()["data"]]


def test_an_undo_leaves_alone_whom_somebody_changed(api: Client) -> None:
    number = begun(api, {**EVERYBODY, "action": {"type": "add_tag", "tag": "old"}})
    assert ended(api, number)["summary"]["updated"] == 5
    api.post("/api/v1/customers", {"email": "p0@bulk.example", "firstname": "New"})
    summary = undone(api, number)
    assert (summary["restored"], summary["skipped"], total(api, "tag:old")) == (4, 1, 1)
    removed = begun(api, {"q": "tag:old", "action": {"type": "remove_tag", "tag": "old"}})
    assert ended(api, removed)["summary"]["updated"] == 1
    assert undone(api, removed)["restored"] == 1
    assert total(api, "tag:old") == 1


def test_a_tag_is_replaced_by_another_and_that_is_undone(api: Client) -> None:
    for key in ("merged", "kept"):
        tag = {"type": "contact_tags", "attributes": {"name": key.title(), "key": key}}
        assert api.post("/v1/contact_tags", {"data": tag}).status_code == 201
    for place, key in ((0, "merged"), (1, "merged"), (1, "kept"), (2, "kept")):
        told = {"event": "tag_added", "email": f"p{place}@bulk.example", "tag_id": key}
        assert api.post("/api/v1/event", told).status_code == 200
    action = {"type": "replace_tag", "tag": "merged", "by": "kept"}
    shown = preview(api, {**EVERYBODY, "action": action})
    assert (shown["customers"], shown["changes"]) == (5, 2)
    assert all("Kept" in each["after"] and "Merged" not in each["after"] for each in shown["sample"])
    number = begun(api, {"q": "tag:merged", "action": action})
    found = ended(api, number)
    assert found["summary"]["updated"] == 2
    assert found["action"].keys() == {"type", "tag", "by"}
    assert (total(api, "tag:merged"), total(api, "tag:kept")) == (0, 3)
    assert ended(api, begun(api, {**EVERYBODY, "action": action}))["summary"]["unchanged"] == 5
    assert undone(api, number)["restored"] == 2
    assert (total(api, "tag:merged"), total(api, "tag:kept")) == (2, 2)


def test_customers_are_named_by_id(api: Client) -> None:
    ids = [each["id"] for each in api.send("GET", "/v1/customers?sort=name").json()["data"][:2]]
    body = {"ids": [*ids, ids[0]], "action": {"type": "set_attribute", "attribute": "seen", "value": True}}
    assert preview(api, body)["customers"] == 2
    found = ended(api, begun(api, body))
    assert (found["q"], found["summary"]["updated"]) == (None, 2)
    body["action"] = {"type": "set_attribute", "attribute": "seen", "value": False, "existing": "fill"}
    assert preview(api, {**EVERYBODY, "action": body["action"]})["changes"] == 3
    body["action"] = {"type": "set_attribute", "attribute": "seen", "value": None}
    assert preview(api, {**EVERYBODY, "action": body["action"]})["changes"] == 2
    assert ended(api, begun(api, {**EVERYBODY, "action": body["action"]}))["summary"]["updated"] == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": None}, "action.type"),
        ({"action": {"type": "erase"}}, "action.type"),
        ({"action": {"type": "add_tag"}}, "action.tag"),
        ({"action": {"type": "add_tag", "tag": "nobody"}}, "action.tag"),
        ({"action": {"type": "add_tag", "tag": "vip", "value": 1}}, "action.value"),
        ({"action": {"type": "add_to_list", "list": [1]}}, "action.list"),
        ({"action": {"type": "replace_tag", "tag": "vip"}}, "action.by"),
        ({"action": {"type": "replace_tag", "tag": "vip", "by": "vip"}}, "action.by"),
        ({"action": {"type": "add_tag", "tag": "vip", "by": "old"}}, "action.by"),
        ({"action": {"type": "set_attribute", "attribute": 7, "value": 1}}, "action.attribute"),
        ({"action": {"type": "set_attribute", "attribute": "a"}}, "action.value"),
        ({"action": {"type": "set_attribute", "attribute": "_bsft_x", "value": 1}}, "action.value"),
        ({"action": {"type": "set_attribute", "attribute": "a" * 9999, "value": 1}}, "action.value"),
        ({"action": {"type": "set_attribute", "attribute": "a", "value": 1, "existing": "skip"}}, "action.existing"),
        ({"q": None}, "question"),
        ({"ids": []}, "q"),
        ({"q": None, "ids": [1]}, "ids.0"),
        ({"q": None, "ids": ["4294967297", "4294999999"]}, "ids"),
        ({"q": None, "ids": "4294967297"}, "ids"),
        ({"preview": True}, "preview"),
        ({"site_id": 99}, "site_id"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(api: Client, change: dict[str, Any], field: str) -> None:
    body = {**EVERYBODY, "action": {"type": "add_tag", "tag": "vip"}, **change}
    for path in ("/v1/bulk_actions", "/v1/bulk_actions/preview"):
        reply = api.post(path, {name: value for name, value in body.items() if value is not None or name == "action"})
        assert reply.status_code == 400, reply.text[:200]
        assert field.replace(".", "/") in reply.json()["errors"][0]["source"]["pointer"]


def test_a_bulk_action_belongs_to_its_account_and_needs_the_scope_write(app: InProcess, api: Client) -> None:
    body = {**EVERYBODY, "action": {"type": "add_tag", "tag": "vip"}}
    number = begun(api, body)
    ended(api, number)
    other = app.client(account="other", site="theirs")
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/undo")):
        assert other.send(method, f"/v1/bulk_actions/{number}{path}").status_code == 404
    assert other.post("/v1/bulk_actions", {**body, "site_id": app.site("acme", "main")}).status_code == 400
    assert other.send("GET", "/v1/bulk_actions").json()["data"] == []
    reading = app.client(scopes=("read",))
    for path in ("", "/preview", f"/{number}/cancel", f"/{number}/undo"):
        assert reading.post(f"/v1/bulk_actions{path}", body).status_code == 403
    assert api.send("POST", f"/v1/bulk_actions/{number}/cancel").status_code == 422
    undone(api, number)


def test_the_history_says_who_did_it_and_the_audit_trail_has_one_entry(app: InProcess, api: Client) -> None:
    before = audited(app)
    number = begun(api, {**EVERYBODY, "action": {"type": "set_attribute", "attribute": "who", "value": 1}})
    ended(api, number)
    customer = api.send("GET", "/v1/customers").json()["data"][0]["id"]
    changes = api.send("GET", f"/v1/customers/{customer}/activity")
    assert changes.status_code == 200, changes.text
    assert "jsonapi" in changes.text
    new = audited(app)[: len(audited(app)) - len(before)]
    mine = [each for each in new if each["operation"].startswith("bulk_actions") or each["kind"] == "site"]
    assert [(each["operation"], each["target"]) for each in mine] == [("bulk_actions.create", f"bulk_actions/{number}")]


def audited(app: InProcess) -> list[dict[str, Any]]:
    client = app.client(scopes=("read", "admin"))
    found = client.send("GET", "/v1/audit_events?page[size]=100").json()["data"]
    return [each["attributes"] for each in found]


def test_a_run_after_a_kill_goes_on_where_the_first_one_stopped(app: InProcess, api: Client) -> None:
    number = begun(api, {**EVERYBODY, "action": {"type": "set_attribute", "attribute": "run", "value": 1}})
    ended(api, number)
    api.post("/api/v1/customers", {"email": "p1@bulk.example", "run": 2})
    app.run(run_again(app, int(number)))
    found = ended(api, number)
    assert (found["summary"]["updated"], found["done"]) == (5, 5)
    assert total(api, "attr.run = 2") == 1


async def run_again(app: InProcess, number: int) -> None:
    """Let the job run once more, as if its process had been killed before it was recorded as done."""
    restart = update(schema.jobs).where(schema.jobs.c.id == bindparam("job"))
    restart = restart.values(state=literal_column("'waiting'"), result=null(), finished_at=null())
    async with app.store.engine.transaction() as connection:
        await connection.all(Statement("restart_job", restart), {"job": number})


def test_numbers_are_packed_without_loss() -> None:
    numbers = [1, 2, 3, 70_000, 2**32 - 1]
    assert unpacked(packed(np.asarray(numbers, dtype=np.uint32))).tolist() == numbers
