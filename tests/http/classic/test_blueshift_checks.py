"""Blueshift's calls on addresses, interests and households."""

from typing import Any

from ..jsonapi.test_contact_notes import person
from ..jsonapi.world import World


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
