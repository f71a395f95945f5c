"""What a call returns can be sent back, and changes nothing: for every resource of /v1 that can be changed."""

from typing import Any

import msgspec
import pytest

from regulars.http.operations import OPERATIONS

from .world import Api, World
from .writing import done, identifiers, made, refused, resource

EMAIL = "user00@gmail.com"
_CHANGED = {each.path for each in OPERATIONS if each.method == "PATCH" and each.path.startswith("/v1/")}
_READ = {each.path for each in OPERATIONS if each.method == "GET"}
PATHS = sorted((_CHANGED & _READ) - {"/v1/audiences/{id}/customers"})
"""What can be read and changed: resources and relationships, but for the members of a list, which are read by page."""


@pytest.fixture(scope="module")
def ids(own_world: World) -> dict[str, list[str]]:
    """By type: the id of one resource, and its key where it has one. All of them have everything that they can have."""
    api = own_world.one
    found: dict[str, list[str]] = {"sites": ["1"]}
    for type_ in sorted(path.split("/")[2] for path in PATHS if path.count("/") == 3):
        if type_ in ("sites", "contacts", "customers", "audiences", "coupons", "contact_notes"):
            continue
        title = "title" if type_ in ("offers", "products", "forms") else "name"
        found[type_] = [made(api, type_, **{title: f"One of {type_}", "key": f"key_{type_}"}), f"key_{type_}"]
    found["coupons"] = [made(api, "coupons", code="SPRING")]
    audience = {"name": "VIP", "key": "key_audiences", "q": "tag:key_contact_tags"}
    found["audiences"] = [made(api, "audiences", **audience), "key_audiences"]
    steps = [{"delay_seconds": 60, "template_id": "tem_a"}, {"delay_seconds": 0, "template_id": "tem_b"}]
    plan: dict[str, Any] = {"steps": steps, "trigger_email_id": "tem_a", "enabled": False}
    done(api, "PATCH", "/v1/drip_campaigns/key_drip_campaigns", resource("drip_campaigns", **plan))
    offer, product = found["offers"][0], found["products"][0]
    done(api, "POST", f"/v1/offers/{offer}/relationships/products", identifiers("products", product))
    saved = api.send(
        "POST",
        "/api/v1/customers",
        json={
            "email": EMAIL,
            "name": "Anna",
            "customer_id": "a-1",
            "phone_number": "+49 151 12345678",
            "locale": "de-DE",
            "unsubscribed": False,
            "data": {"city": "Lisbon", "custom_1": "x", "plan": ["pro"]},
            "groups": ["key_groups"],
            "subscription_groups": [{"id": "key_newsletters", "subscribed": True}],
        },
    )
    assert saved.status_code == 200
    number = api.document(f"/v1/customers?filter[email_contains]={EMAIL}")["data"][0]["id"]
    found["customers"] = found["contacts"] = [number]
    note = resource("contact_notes", body="Called, wants the annual plan.")
    note["data"]["relationships"] = {"contact": {"data": {"type": "contacts", "id": number}}}
    found["contact_notes"] = [done(api, "POST", "/v1/contact_notes", note, 201)["data"]["id"]]
    own_world.happens(api, {"event": "tag_added", "email": EMAIL, "tag_id": "key_contact_tags"})
    own_world.happens(api, {"event": "purchase", "email": EMAIL, "revenue": "5", "offer_id": "key_offers"})
    return found


def test_every_resource_of_v1_is_tried() -> None:
    tried = {path.split("/")[2] for path in PATHS}
    assert {"contacts", "contact_tags", "offers", "products", "audiences", "drip_campaigns", "sites"} <= tried


@pytest.mark.parametrize("path", PATHS)
def test_what_is_returned_can_be_sent_back(own_world: World, ids: dict[str, list[str]], path: str) -> None:
    api = own_world.one
    type_ = path.split("/")[2]
    for name in ids[type_]:
        address = path.replace("{id}", name)
        _sent_back(own_world, api, address, api.document(address))


def _sent_back(world: World, api: Api, address: str, shown: dict[str, Any]) -> None:
    before = world.app.contents()
    done(api, "PATCH", address, shown)
    assert api.document(address) == shown
    assert world.app.contents() == before


def test_a_key_names_a_resource_as_its_number_does(own_world: World, ids: dict[str, list[str]]) -> None:
    api = own_world.one
    for type_, names in ids.items():
        if len(names) == 2:
            for address in names:
                for id_ in names:
                    body = resource(type_, id_=id_)
                    assert done(api, "PATCH", f"/v1/{type_}/{address}", body)["data"]["id"] == names[0]
            status, [(where, _)] = refused(api, "PATCH", f"/v1/{type_}/{names[0]}", resource(type_, id_="other"))
            assert (status, where) == (400, "/data/id")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("site", {"data": {"type": "sites", "id": "2"}}),
        ("site", {"data": None}),
        ("site", None),
        ("products", {"data": []}),
        ("products", {"data": [{"type": "products", "id": "999"}]}),
        ("products", {"data": [5]}),
        ("tags", {"data": []}),
    ],
)
def test_other_relationships_than_are_shown_are_refused(
    own_world: World, ids: dict[str, list[str]], name: str, value: Any
) -> None:
    body = resource("offers", title="Changed")
    body["data"]["relationships"] = {name: value}
    before = own_world.app.contents()
    status, [(where, _)] = refused(own_world.one, "PATCH", f"/v1/offers/{ids['offers'][0]}", body)
    assert (status, where) == (422, f"/data/relationships/{name}")
    assert own_world.app.contents() == before


def test_a_customer_of_the_classic_surface_can_be_sent_back(own_world: World, ids: dict[str, list[str]]) -> None:
    api = own_world.one
    customer = api.document(f"/api/v1/customers/{EMAIL}")["customer"]
    before = own_world.app.contents()
    for body in (customer, msgspec.json.decode(msgspec.json.encode(customer))):
        reply = api.send("POST", "/api/v1/customers", json=body).json()
        assert (reply["result"], reply.get("warnings")) == ("unchanged", None)
    assert own_world.app.contents() == before
