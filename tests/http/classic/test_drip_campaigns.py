"""Drip campaigns as clients of Sendwithus use them, created on /v1."""

import time
from typing import Any

import pytest

from regulars.domain.drip_campaigns import MOST_STEPS
from regulars.store.drip_reads import pending_logs_of
from tests.http.checks import done, refused
from tests.in_process import Client, InProcess

STEPS = [{"delay_seconds": 0, "template_id": "tem_hello"}, {"delay_seconds": 86_400, "template_id": "tem_tour"}]


def create(api: Client, key: str, **attributes: Any) -> dict[str, Any]:
    data = {
        "type": "drip_campaigns",
        "attributes": {"name": f"Name of {key}", "key": key, "steps": STEPS, **attributes},
    }
    reply = api.post("/v1/drip_campaigns", {"data": data})
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()["data"]
    return found


def scheduled(api: Client, email: str, query: str = "?count=100") -> list[dict[str, Any]]:
    reply = api.get(f"customers/{email}/logs{query}")
    return [] if reply.status_code == 404 else done(reply)["logs"]


def test_a_campaign_is_listed_and_shown(api: Client) -> None:
    create(api, "dc_shown", trigger_email_id="tem_order")
    shown = api.get("drip_campaigns/dc_shown").json()
    number = int(shown["drip_steps"][0]["id"].split("_")[1])
    assert shown == {
        "object": "drip_campaign",
        "id": "dc_shown",
        "name": "Name of dc_shown",
        "enabled": True,
        "trigger_email_id": "tem_order",
        "drip_steps": [
            {"object": "drip_step", "id": f"dcs_{number}_1", "email_id": "tem_hello", "delay_seconds": 0},
            {"object": "drip_step", "id": f"dcs_{number}_2", "email_id": "tem_tour", "delay_seconds": 86_400},
        ],
    }
    assert shown in api.get("drip_campaigns").json()
    assert api.get(f"drip_campaigns/{number}").json() == shown
    assert api.get("drip_campaigns/dc_shown/steps").json() == shown["drip_steps"]


def test_mails_are_scheduled_and_cancelled(api: Client) -> None:
    create(api, "dc_life")
    before = int(time.time())
    body = {"recipient": {"address": "Drip@Example.com", "name": "Dora Drip"}, "email_data": {"plan": "gold"}}
    reply = done(api.post("drip_campaigns/dc_life/activate", body))
    assert reply == {
        "success": True,
        "status": "OK",
        "result": "created",
        "recipient_address": "drip@example.com",
        "drip_campaign": {"id": "dc_life", "name": "Name of dc_life"},
        "message": "Recipient successfully added to drip campaign.",
    }
    assert done(api.get("customers/drip@example.com"))["customer"]["name"] == "Dora Drip"
    later, sooner = scheduled(api, "drip@example.com")
    assert (sooner["email_id"], later["email_id"], later["status"]) == ("tem_hello", "tem_tour", "queued")
    assert (later["recipient_address"], later["recipient_name"]) == ("drip@example.com", "Dora Drip")
    assert later["created"] - sooner["created"] == 86_400
    assert before <= sooner["created"] <= time.time()
    assert scheduled(api, "drip@example.com", "") == [], "only with count"
    assert scheduled(api, "drip@example.com", "?count=1") == [later]
    assert scheduled(api, "drip@example.com", f"?count=9&created_lt={later['created']}") == [sooner]
    assert scheduled(api, "drip@example.com", f"?count=9&created_gt={sooner['created']}") == [later]
    assert api.get(f"logs/{later['id']}").json() == later
    assert api.get(f"logs/{later['id']}/events").json() == []
    assert later not in api.get("logs").json()
    assert done(api.post("drip_campaigns/dc_life/activate", body))["result"] == "unchanged"
    assert len(scheduled(api, "drip@example.com")) == 2
    ended = done(api.post("drip_campaigns/dc_life/deactivate", {"recipient_address": "drip@example.com"}))
    assert (ended["result"], ended["drip_campaign"]["id"]) == ("updated", "dc_life")
    assert ended["message"] == "Recipient successfully removed from drip campaign."
    assert scheduled(api, "drip@example.com") == []
    assert api.get(f"logs/{later['id']}").status_code == 404


def test_mails_of_a_drip_and_others_are_one_list(api: Client) -> None:
    create(api, "dc_mixed")
    done(api.post("event", {"event": "email_sent", "email": "mixed@example.com", "log_id": "log_sent", "timestamp": 5}))
    done(api.post("drip_campaigns/dc_mixed/activate", {"recipient_address": "mixed@example.com"}))
    assert [log["email_id"] for log in scheduled(api, "mixed@example.com")] == ["tem_tour", "tem_hello", ""]
    assert [log["email_id"] for log in scheduled(api, "mixed@example.com", "?count=2")] == ["tem_tour", "tem_hello"]
    assert [log["id"] for log in scheduled(api, "mixed@example.com", "")] == ["log_sent"]


@pytest.mark.parametrize("path", ["drip_campaigns/deactivate", "drips/deactivate"])
@pytest.mark.parametrize("field", ["recipient_address", "email_address"])
def test_mails_outlive_their_customer_and_all_end_at_once(api: Client, path: str, field: str) -> None:
    name = f"all{len(path)}{len(field)}"
    email = f"{name}@example.com"
    for key in (f"dc_{name}_1", f"dc_{name}_2"):
        create(api, key)
        done(api.post(f"drip_campaigns/{key}/activate", {"recipient_address": email}))
    done(api.delete(f"customers/{email}"))
    assert len(scheduled(api, email)) == 4
    done(api.post("customers", {"email": email}))
    assert len(scheduled(api, email)) == 4
    ended = done(api.post(path, {field: email}))
    assert (ended["email_address"], ended["recipient_address"], ended["unsubscribed_count"]) == (email, email, 2)
    assert scheduled(api, email) == []
    assert done(api.post(path, {field: email}))["unsubscribed_count"] == 0
    assert done(api.post(path, {field: "nobody.at.all@example.com"}))["result"] == "unchanged"


def test_a_batch_takes_these_calls_too(api: Client) -> None:
    create(api, "dc_batch")
    items = [
        {"path": "drip_campaigns/dc_batch/activate", "method": "POST", "body": {"recipient_address": "b@example.com"}},
        {"path": "/api/v1/drip_campaigns/deactivate", "method": "POST", "body": {"email_address": "b@example.com"}},
    ]
    replies = api.post("batch", items).json()
    assert [reply["status_code"] for reply in replies] == [200, 200]
    assert replies[1]["body"]["unsubscribed_count"] == 1


def test_a_disabled_or_unknown_campaign(api: Client, app: InProcess) -> None:
    create(api, "dc_off", enabled=False)
    body = {"recipient_address": "off@example.com"}
    refused(api.post("drip_campaigns/dc_off/activate", body), "invalid")
    refused(api.post("drip_campaigns/dc_none/activate", body), "object_not_found")
    refused(api.post("drip_campaigns/dc_none/deactivate", body), "object_not_found")
    refused(api.get("drip_campaigns/dc_none"), "object_not_found")
    assert api.get("customers/off@example.com").status_code == 404
    vendors = app.client(dialect="sendwithus")
    for path in ("drip_campaigns/dc_off/activate", "drip_campaigns/dc_none/activate"):
        reply = vendors.post(path, body)
        assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (400, "text/plain")
    assert vendors.get("drip_campaigns/dc_none").status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "recipient_address"),
        ({"recipient_address": ""}, "recipient_address"),
        ({"recipient_address": "nonsense"}, "recipient_address"),
        ({"recipient": "a@example.com"}, "recipient"),
        ({"recipient": {"name": "A"}}, "recipient_address"),
        ({"recipient_address": "a@example.com", "email_data": [1]}, "email_data"),
        ({"recipient_address": "a@example.com", "cc": "b@example.com"}, "cc"),
        ({"recipient_address": "a@example.com", "email_data": {"x": "y" * 70_000}}, "email_data"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(api: Client, app: InProcess, body: Any, field: str) -> None:
    if not done(api.get("customers?email=a@example.com"))["customers"]:
        api.post(
            "/v1/drip_campaigns", {"data": {"type": "drip_campaigns", "attributes": {"name": "Bad", "key": "dc_bad"}}}
        )
    before = app.contents()
    refused(api.post("drip_campaigns/dc_bad/activate", body), "invalid", field)
    if field == "recipient_address" and "recipient" not in body:
        refused(api.post("drip_campaigns/deactivate", body), "invalid", field)
    assert app.contents() == before


def test_no_account_sees_or_ends_what_is_anothers(api: Client, app: InProcess) -> None:
    create(api, "dc_mine")
    done(api.post("drip_campaigns/dc_mine/activate", {"recipient_address": "mine@example.com"}))
    (log, _) = scheduled(api, "mine@example.com")
    stranger = app.client(account="other", site="theirs")
    assert stranger.get("drip_campaigns").json() == []
    assert stranger.get("drip_campaigns/dc_mine").status_code == 404
    assert stranger.get(f"logs/{log['id']}").status_code == 404
    assert scheduled(stranger, "mine@example.com") == []
    assert (
        done(stranger.post("drip_campaigns/deactivate", {"recipient_address": "mine@example.com"}))[
            "unsubscribed_count"
        ]
        == 0
    )
    assert stranger.post("drip_campaigns/dc_mine/activate", {"recipient_address": "x@example.com"}).status_code == 404
    for method in ("GET", "DELETE"):
        assert stranger.send(method, "/v1/drip_campaigns/dc_mine").status_code == 404
    assert len(scheduled(api, "mine@example.com")) == 2


def test_life_of_a_campaign_on_v1(api: Client) -> None:
    made = create(api, "dc_v1", description="For new customers")
    address = f"/v1/drip_campaigns/{made['id']}"
    assert made["attributes"] | {"created_at": "", "updated_at": ""} == {
        "name": "Name of dc_v1",
        "description": "For new customers",
        "key": "dc_v1",
        "created_at": "",
        "updated_at": "",
        "enabled": True,
        "trigger_email_id": None,
        "steps": STEPS,
    }
    assert api.get(address).json()["data"] == made
    listed = api.get("/v1/drip_campaigns?filter[name_contains]=dc_v1&fields[drip_campaigns]=enabled,steps").json()
    assert [each["attributes"] for each in listed["data"]] == [{"enabled": True, "steps": STEPS}]
    assert api.get(f"/v1/sequences/{made['id']}").json()["data"]["attributes"]["name"] == "Name of dc_v1"
    back = api.send("PATCH", address, {"data": {"type": made["type"], "attributes": made["attributes"]}})
    assert back.json()["data"] == made, "its attributes can be sent back"
    change = {"enabled": False, "steps": STEPS[:1], "name": "Changed"}
    changed = api.send("PATCH", address, {"data": {"type": "drip_campaigns", "attributes": change}}).json()["data"]
    assert changed["attributes"] | change == changed["attributes"]
    done(api.post("customers", {"email": "v1@example.com"}))
    enable = {"data": {"type": "drip_campaigns", "attributes": {"enabled": True}}}
    assert api.send("PATCH", address, enable).json()["data"]["attributes"]["steps"] == STEPS[:1]
    done(api.post("drip_campaigns/dc_v1/activate", {"recipient_address": "v1@example.com"}))
    assert len(scheduled(api, "v1@example.com")) == 1
    assert api.delete(address).json() == {"data": {}}
    assert api.get(address).status_code == 404
    assert scheduled(api, "v1@example.com") == []


@pytest.mark.parametrize(
    ("attributes", "where"),
    [
        ({"enabled": "yes"}, "enabled"),
        ({"steps": "all"}, "steps"),
        ({"steps": [{"delay_seconds": 1, "template_id": "t"}] * (MOST_STEPS + 1)}, "steps"),
        ({"steps": ["t"]}, "steps/0"),
        ({"steps": [{"delay_seconds": -1, "template_id": "t"}]}, "steps/0/delay_seconds"),
        ({"steps": [{"delay_seconds": "1", "template_id": "t"}]}, "steps/0/delay_seconds"),
        ({"steps": [{"delay_seconds": 10**12, "template_id": "t"}]}, "steps/0/delay_seconds"),
        ({"steps": [{"delay_seconds": 1}]}, "steps/0/template_id"),
        ({"steps": [{"delay_seconds": 1, "template_id": "t", "delay": 5}]}, "steps/0/delay"),
        ({"trigger_email_id": {}}, "trigger_email_id"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_bad_plan_is_named(api: Client, app: InProcess, attributes: Any, where: str) -> None:
    before = app.contents()
    data = {"type": "drip_campaigns", "attributes": {"name": "Bad plan", **attributes}}
    reply = api.post("/v1/drip_campaigns", {"data": data})
    assert reply.status_code == 422
    assert [error["source"]["pointer"] for error in reply.json()["errors"]] == [f"/data/attributes/{where}"]
    assert app.contents() == before


async def _pending(app: InProcess, email: str) -> int:
    async with app.store.snapshot() as connection:
        found = await pending_logs_of(connection, 1, email_key=email, after=0, before=2**53, count=100)
    return len(found)


def test_another_process_sees_what_is_pending(api: Client, app: InProcess) -> None:
    create(api, "dc_other")
    done(api.post("drip_campaigns/dc_other/activate", {"recipient_address": "other@example.com"}))
    assert app.run(_pending(app, "other@example.com")) == 2
