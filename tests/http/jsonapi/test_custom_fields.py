"""GET /v1/custom_fields: the attributes that customers have, as the vendor's clients read them."""

from typing import Any

import pytest

from tests.in_process import Client

from .world import World

BODIES: list[dict[str, Any]] = [
    {"plan": "pro", "seats": 5, "vip": True},
    {"plan": "trial", "seats": "6", "address": {"city": "Bonn"}},
    {"seats": 7, "a/b": "x"},
]


@pytest.fixture(scope="module")
def client(own_world: World) -> Client:
    made = own_world.one.app.client(site="fields")
    for number, body in enumerate(BODIES):
        made.post("customers", {"email": f"p{number}@example.com", "data": body})
    return made


def listed(client: Client, query: str = "") -> list[str]:
    reply = client.get(f"/v1/custom_fields?page[size]=50{query}")
    assert reply.status_code == 200, reply.text
    return [each["attributes"]["handle"] for each in reply.json()["data"]]


def test_fields_have_the_type_of_most_of_their_values(client: Client) -> None:
    reply = client.get("/v1/custom_fields?page[size]=50").json()
    found = {each["id"]: each["attributes"]["type"] for each in reply["data"]}
    assert found.items() >= {"plan": "TextField", "seats": "NumberField", "vip": "CheckboxField"}.items()
    assert reply["meta"]["total_count"] == len(found)
    site = client.get("/v1/sites").json()["data"]
    (resource,) = [each for each in reply["data"] if each["id"] == "seats"]
    assert resource["relationships"]["site"]["data"]["id"] in [each["id"] for each in site]
    assert resource["attributes"] == {
        "handle": "seats",
        "title": "seats",
        "type": "NumberField",
        "required": False,
        "archived": False,
    }


def test_fields_are_filtered_and_sorted(client: Client) -> None:
    assert listed(client, "&filter[title_cont]=PLA") == ["plan"]
    assert listed(client, "&filter[type_eq]=CheckboxField") == ["vip"]
    assert listed(client, "&filter[required_eq]=true") == []
    assert listed(client, "&filter[required_eq]=false") == listed(client)
    assert listed(client, "&sort=-title") == listed(client, "&sort=title")[::-1] == sorted(listed(client))[::-1]
    assert listed(client, "&sort=type")[0] == "vip"
    assert listed(client, "&filter[site_id]=999") == []
    assert client.get("/v1/custom_fields?sort=size").status_code == 400


def test_one_field_is_shown_by_its_handle(client: Client, own_world: World) -> None:
    reply = client.get("/v1/custom_fields/address.city?fields[custom_fields]=handle,type")
    assert reply.json()["data"]["attributes"] == {"handle": "address.city", "type": "TextField"}
    assert client.get("/v1/custom_fields/a%2Fb").json()["data"]["id"] == "a/b"
    assert client.get("/v1/custom_fields/nothing").status_code == 404
    assert own_world.other.send("GET", "/v1/custom_fields/plan").status_code == 404
