from typing import Any

import pytest

from .test_contacts import FULL, create
from .world import Api, World
from .writing import done, refused, resource


@pytest.fixture(scope="module")
def world(own_world: World) -> World:
    return own_world


def read(api: Api, customer: str) -> dict[str, Any]:
    return api.document(f"/v1/customers/{customer}/profile")["data"]["attributes"]  # type: ignore[no-any-return]


def change(api: Api, customer: str, **attributes: Any) -> dict[str, Any]:
    body = resource("profiles", **attributes)
    return done(api, "PATCH", f"/v1/customers/{customer}/profile", body)["data"]["attributes"]  # type: ignore[no-any-return]


def test_a_profile_has_what_an_export_has(world: World) -> None:
    customer = create(world.one, **{**FULL, "email": "whole@profiles.example", "external_user_id": "whole"})["id"]
    found = read(world.one, customer)
    assert (found["email"], found["customer_id"], found["firstname"]) == ("whole@profiles.example", "whole", "Ada")
    assert found["custom_attributes"]["custom_1"] == "first"
    exported = world.one.get(f"/v1/customers/{customer}/export").json()["customer"]
    assert {name: value for name, value in found.items() if name != "etag"} == exported


def test_what_is_named_changes_and_null_clears(world: World) -> None:
    customer = create(world.one, **{**FULL, "email": "named@profiles.example", "external_user_id": "named"})["id"]
    found = change(
        world.one,
        customer,
        firstname="Augusta",
        address_city=None,
        phone_number=None,
        customer_id=None,
        custom_attributes={"custom_1": None, "plan": "pro", "seats": 3},
    )
    assert (found["firstname"], found["lastname"]) == ("Augusta", "Lovelace")
    assert not {"address_city", "phone_number", "customer_id"} & set(found)
    assert (found["custom_attributes"]["plan"], found["custom_attributes"]["seats"]) == ("pro", 3)
    assert "custom_1" not in found["custom_attributes"]
    ended = change(world.one, customer, subscribed=False, wording="By phone")
    assert next(tie["holds"] for tie in ended["ties"] if tie["relation"] == "subscribed") is False
    consents = world.one.document(f"/v1/customers/{customer}/consents")["data"]
    assert consents[0]["attributes"]["wording"] == "By phone"


def test_a_change_of_another_state_is_refused(world: World) -> None:
    customer = create(world.one, **{**FULL, "email": "state@profiles.example", "external_user_id": "state"})["id"]
    path, body = f"/v1/customers/{customer}/profile", resource("profiles", lastname="Byron")
    seen = read(world.one, customer)["etag"]
    assert world.one.send("PATCH", path, json=body, headers={"If-Match": seen}).status_code == 200
    late = world.one.send("PATCH", path, json=resource("profiles", lastname="King"), headers={"If-Match": seen})
    assert (late.status_code, late.json()["errors"][0]["code"]) == (412, "changed_meanwhile")
    for unknown in ('"nonsense"', '"-1"', '"0"'):
        assert world.one.send("PATCH", path, json=body, headers={"If-Match": unknown}).status_code == 412
    assert read(world.one, customer)["lastname"] == "Byron"
    assert world.one.send("PATCH", path, json=body, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"nickname": "A"}, "nickname"),
        ({"email": "no address"}, "email"),
        ({"email": None}, "email"),
        ({"subscribed": "yes"}, "subscribed"),
        ({"custom_attributes": [1]}, "custom_attributes"),
    ],
)
def test_bad_input_changes_nothing(world: World, attributes: dict[str, Any], field: str) -> None:
    customer = world.one.document("/v1/customers?page[size]=1")["data"][0]["id"]
    before = read(world.one, customer)
    status, faults = refused(
        world.one, "PATCH", f"/v1/customers/{customer}/profile", resource("profiles", **attributes)
    )
    assert (status, [where for where, _ in faults]) == (422, [f"/data/attributes/{field}"])
    assert read(world.one, customer) == before


def test_an_unknown_customer(world: World) -> None:
    assert world.one.get("/v1/customers/999999999999/profile").status_code == 404
    body = resource("profiles", lastname="Byron")
    assert world.one.send("PATCH", "/v1/customers/4294967296999/profile", json=body).status_code == 404
    assert world.one.get("/v1/customers/1/profile?x=1").status_code == 400
