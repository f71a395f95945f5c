"""Blueshift's calls on addresses, interests, households and campaign activity."""

from typing import Any

import pytest

from regulars.http.classic import campaign_activity

from ..jsonapi.test_contact_notes import person
from ..jsonapi.world import World
from ..jsonapi.writing import made


def test_addresses_are_checked_without_asking_a_server(world: World) -> None:
    api = world.one
    for email, valid, meant, is_role in (
        ("anna@example.com", True, None, False),
        ("Anna+x@gmial.com", True, "anna+x@gmail.com", False),
        ("support@shop.example", True, None, True),
        ("nobody", False, None, False),
        ("a" * 2000, False, None, False),
    ):
        found: Any = api.get("/api/v1/emails/validate", params={"email": email}).json()
        assert (found["valid"], found["did_you_mean"], found["is_role_address"]) == (valid, meant, is_role), email
        assert found["result"] in ("unknown", "undeliverable")
        many = api.send("POST", "/api/v1/emails/bulk_validate", json={"emails": ["x@y.example", email]}).json()
        assert many["results"][1] == {name: found[name] for name in many["results"][1]}
    assert api.get("/api/v1/emails/validate").status_code == 400
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"emails": []},
        {"emails": "x"},
        {"emails": [5]},
        {"emails": ["x@y.example"] * 31},
    )
    for wrong in bodies:
        assert api.send("POST", "/api/v1/emails/bulk_validate", json=wrong).status_code in range(400, 500), wrong


def test_topics_are_newsletters_and_households_are_groups(own_world: World) -> None:
    world, api = own_world, own_world.one
    email = "anna@household.example"
    person(world, api, email)
    world.save(api, {"email": email, "groups": ["home"], "subscription_groups": [{"id": "weekly", "subscribed": True}]})
    home = "/api/v1/interests/user_subscriptions"
    assert api.get(f"{home}?email={email}").json()["topics"] == ["weekly"]
    assert api.get(f"{home}?email=nobody@household.example").json()["topics"] == []
    assert world.other.get(f"{home}?email={email}").json()["topics"] == []
    assert api.get(home).status_code == 400
    uuid = api.get(f"/api/v1/customers/{email}").json()["customer"]["uuid"]

    def groups() -> list[str]:
        return list(api.get(f"/api/v1/customers/{email}").json()["customer"]["groups"])

    assert world.other.send("DELETE", f"/api/v1/customer_group/home/user/{uuid}").status_code == 404
    assert api.send("DELETE", "/api/v1/customer_group/home/user/x").status_code == 400
    assert groups() == ["home"]
    assert api.send("DELETE", f"/api/v1/customer_group/home/user/{uuid}").json()["result"] == "updated"
    assert groups() == []
    world.save(api, {"email": email, "groups": ["home"]})
    for query in ("", "?delete_users=true", "?delete_users=maybe"):
        assert api.send("DELETE", f"/api/v1/customer_group/home{query}").status_code == 422
    assert groups() == ["home"]
    assert api.send("DELETE", "/api/v1/customer_group/home?delete_users=false").status_code == 200
    assert groups() == []
    assert api.send("DELETE", "/api/v1/customer_group/home?delete_users=false").status_code == 404


def test_an_alert_is_refused_with_the_reason(own_world: World) -> None:
    world, api = own_world, own_world.one
    world.save(api, {"email": "a@alert.example", "subscription_groups": [{"id": "sports", "subscribed": True}]})
    whole: dict[str, Any] = {"event": "news", "topic": "sports", "author": "x@y.example", "metadata": {"city": "Rome"}}
    refused = api.send("POST", "/api/v1/interests/alert", json=whole)
    assert refused.status_code == 422
    assert "q=newsletter:sports" in refused.text
    assert api.get("/v1/customers?q=newsletter:sports").json()["meta"]["total_count"] == 1
    for name in whole:
        without = {key: value for key, value in whole.items() if key != name}
        assert (name, api.send("POST", "/api/v1/interests/alert", json=without).status_code) == (name, 400)
    for wrong, status in (({"topic": []}, 400), ({"metadata": "x"}, 400), ({"topic": "none"}, 404)):
        assert api.send("POST", "/api/v1/interests/alert", json=whole | wrong).status_code == status, wrong
    assert world.other.send("POST", "/api/v1/interests/alert", json=whole).status_code == 404


def test_the_campaign_activity_of_a_customer(own_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world, api = own_world, own_world.one
    email, start = "a@activity.example", 1_700_000_000
    world.save(api, {"email": email, "customer_id": "activity"})
    made(api, "broadcasts", name="Spring", key="spring-b")
    mails = ("email_sent", "email_delivered", "email_opened", "email_clicked", "visit", "email_bounced")
    for place, event in enumerate(mails):
        mail = {"email_id": "m1", "broadcast_id": "spring-b", "template_id": "tem_1", "url": "https://x.example/"}
        world.happens(api, {"event": event, "email": email, "timestamp": start + place, **mail})
    world.happens(api, {"event": "email_sent", "email": email, "timestamp": start + 100})  # at the end, which is not in

    def page(**more: Any) -> Any:
        window = {"email": email, "start_time": str(start), "end_time": str(start + 100)}
        found = api.get("/api/v2/customer_campaign_activity", params=window | more)
        assert found.status_code == 200, found.text
        return found.json()

    whole = page()
    assert [each["action"] for each in whole["activities"]] == ["bounce", "click", "open", "delivered", "sent"]
    assert (whole["total"], whole["truncated"], whole["cursor"]) == (5, False, None)
    click = whole["activities"][1]
    assert (click["campaign_uuid"], click["campaign_name"], click["trigger_uuid"]) == ("spring-b", "Spring", "m1")
    assert (click["creative_uuid"], click["trigger_timestamp"]) == ("tem_1", "2023-11-14T22:13:23.000Z")
    assert click["extended_attributes"]["url"] == "https://x.example/"
    assert page(customer_id="activity", email="") == whole

    monkeypatch.setattr(campaign_activity, "LOOKED_AT", 3)
    found, cursor = [], str(start + 100)
    for _ in range(4):
        part = page(cursor=cursor)
        found += part["activities"]
        cursor = part["cursor"]
        if not part["truncated"]:
            break
    assert found == whole["activities"]

    path = "/api/v2/customer_campaign_activity"
    window = {"start_time": str(start), "end_time": str(start + 100)}
    for wrong, status in (
        ({}, 400),
        ({"email": email, "start_time": ""}, 400),
        ({"email": email, "end_time": "soon"}, 400),
        ({"email": email, "end_time": "1"}, 400),
        ({"email": email, "cursor": str(start)}, 400),
        ({"email": "nobody@activity.example"}, 404),
    ):
        assert api.get(path, params=window | wrong).status_code == status, wrong
    assert world.other.get(path, params=window | {"email": email}).status_code == 404
    assert api.get("/api/v2/unknown").status_code == 404
