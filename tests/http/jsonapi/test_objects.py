from typing import Any
from urllib.parse import quote

import pytest

from regulars.http.jsonapi.kinds import KINDS, ResourceType

from .world import Api, World, every
from .writing import done, made, refused, resource


@pytest.fixture(scope="module")
def world(own_world: World) -> World:
    return own_world


by_type = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)


def written(kind: ResourceType, name: str) -> dict[str, Any]:
    return {kind.title: name, **({kind.key: name.lower()} if kind.by_key else {})}


def titles(api: Api, kind: ResourceType, query: str) -> list[str]:
    return [each["attributes"][kind.title] for each in every(api, f"/v1/{kind.type}?page[size]=2&{query}")]


@by_type
def test_life_of_an_object(world: World, kind: ResourceType) -> None:
    document = done(
        world.one,
        "POST",
        f"/v1/{kind.type}",
        resource(kind.type, description="what it is", **written(kind, f"Life of {kind.kind}")),
        201,
    )
    found = document["data"]
    address = f"/v1/{kind.type}/{quote(found['id'])}"
    assert document["links"] == {"self": f"http://regulars.example{address}"}
    assert list(found["attributes"]) == list(kind.attributes)
    assert found["attributes"]["description"] == "what it is"
    assert found["relationships"]["site"] == {"data": {"id": "1", "type": "sites"}}
    assert world.one.document(address)["data"] == found

    attributes: dict[str, Any] = {kind.title: f"New {kind.kind}", "description": None, "created_at": "ignored"}
    body = resource(kind.type, **attributes)
    changed = done(world.one, "PATCH", address, body)["data"]
    assert changed["attributes"][kind.title] == f"New {kind.kind}"
    assert changed["attributes"]["description"] is None
    assert done(world.one, "DELETE", address) == {"data": {}}
    for method, more in (("GET", None), ("PATCH", body), ("DELETE", None)):
        assert refused(world.one, method, address, more)[0] == 404


def test_the_location_of_a_new_object(world: World) -> None:
    reply = world.one.send("POST", "/v1/offers", json=resource("offers", title="Located"))
    assert reply.headers["location"] == reply.json()["links"]["self"]


@by_type
def test_lists_are_searched_and_ordered(world: World, kind: ResourceType) -> None:
    for name in ("Zebra list", "ähre list", "Apfel LIST", "other"):
        made(world.one, kind.type, **written(kind, f"{name} {kind.kind}"))
    shown = [f"{name} {kind.kind}" for name in ("ähre list", "Apfel LIST", "Zebra list")]
    for name in (kind.title, "name"):
        for part in ("cont", "contains"):
            assert titles(world.one, kind, f"filter[{name}_{part}]=List&sort={kind.title}") == shown
    assert titles(world.one, kind, "filter[name_cont]=list&sort=-name") == shown[::-1]
    assert titles(world.one, kind, "filter[name_cont]=list&sort=id") == [shown[2], shown[0], shown[1]]
    assert titles(world.one, kind, "filter[name_cont]=%25") == []
    everything = world.one.document(f"/v1/{kind.type}?page[size]=1")
    assert everything["meta"]["total_count"] == len(titles(world.one, kind, "sort=-created_at"))
    assert titles(world.one, kind, "filter[site_id]=1") == titles(world.one, kind, "")
    assert titles(world.one, kind, "filter[site_id]=999") == []


def test_a_key_names_an_object_too(world: World) -> None:
    number = made(world.one, "products", title="Keyed", key="keyed-product")
    assert world.one.document("/v1/products/keyed-product")["data"]["id"] == number
    assert titles(world.one, KINDS[3], "filter[key]=keyed-product") == ["Keyed"]
    status, faults = refused(world.one, "PATCH", "/v1/products/keyed-product", resource("products", key="other"))
    assert (status, faults[0][0]) == (422, "/data/attributes/key")


def test_a_number_can_come_along(world: World) -> None:
    """So that who moves here keeps their ids."""
    body = resource("offers", id_="4711", title="Moved here")
    assert done(world.one, "POST", "/v1/offers", body, 201)["data"]["id"] == "4711"
    again = resource("offers", id_="4711", title="Another")
    assert refused(world.one, "POST", "/v1/offers", again)[0] == 400
    both = resource("offers", id_="4712", title="Both", key="both")
    assert refused(world.one, "POST", "/v1/offers", both)[1][0][0] == "/data/attributes/key"


def test_a_coupon_is_known_by_its_code(world: World) -> None:
    found = done(world.one, "POST", "/v1/coupons", resource("coupons", code="Summer 5%"), 201)["data"]
    assert found["id"] == found["attributes"]["code"] == "summer 5%"
    assert world.one.document("/v1/coupons/SUMMER%205%25")["data"] == found
    assert refused(world.one, "POST", "/v1/coupons", resource("coupons"))[1][0][0] == "/data/attributes/code"


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({}, 400, "/data"),
        ({"data": []}, 400, "/data"),
        ({"data": {"type": "products"}}, 400, "/data/type"),
        ({"data": {"type": "offers", "attributes": []}}, 400, "/data/attributes"),
        (resource("offers"), 422, "/data/attributes/title"),
        (resource("offers", title=" "), 422, "/data/attributes/title"),
        (resource("offers", title=7), 422, "/data/attributes/title"),
        (resource("offers", title="x" * 2000), 422, "/data/attributes/title"),
        (resource("offers", title="x", key="12"), 422, "/data/attributes/key"),
        (resource("offers", title="x", key="a,b"), 422, "/data/attributes/key"),
        (resource("offers", title="x", description=[]), 422, "/data/attributes/description"),
        (resource("offers", title="x", price_in_cents=5), 422, "/data/attributes/price_in_cents"),
        (resource("offers", title="x", id_="key"), 422, "/data/id"),
        (resource("offers", title="x", site=2), 400, "/data/relationships/site"),
    ],
)
def test_refusals_name_the_member(world: World, body: Any, status: int, where: str) -> None:
    before = world.one.document("/v1/offers")["meta"]
    found, faults = refused(world.one, "POST", "/v1/offers", body)
    assert (found, faults[0][0]) == (status, where)
    assert world.one.document("/v1/offers")["meta"] == before


def test_names_are_taken_once(world: World) -> None:
    made(world.one, "contact_tags", name="Only One")
    status, faults = refused(world.one, "POST", "/v1/contact_tags", resource("contact_tags", name="only ONE"))
    assert (status, faults[0][0]) == (400, "/data/attributes/name")


def test_parameters_are_those_of_the_table(world: World) -> None:
    assert refused(world.one, "GET", "/v1/offers?filter[x]=1")[0] == 400
    assert "title" in refused(world.one, "GET", "/v1/offers?sort=price")[1][0][1]
    assert refused(world.one, "POST", "/v1/offers?include=products", resource("offers", title="p"))[0] == 400
    assert titles(world.one, KINDS[3], "filter[status_eq]=draft") == []


def test_accounts_and_sites_are_apart(world: World) -> None:
    number = made(world.one, "newsletters", name="Mine alone", key="mine-alone")
    for path in (f"/v1/newsletters/{number}", "/v1/newsletters/mine-alone"):
        for method, body in (("GET", None), ("PATCH", resource("newsletters", name="theirs")), ("DELETE", None)):
            assert refused(world.other, method, path, body)[0] == 404
    assert [each for each in every(world.other, "/v1/newsletters") if each["attributes"]["name"] == "Mine alone"] == []
    assert refused(world.other, "GET", f"/v1/newsletters/{number}?filter[site_id]=1")[0] == 404
    assert world.one.document(f"/v1/newsletters/{number}")["data"]["attributes"]["name"] == "Mine alone"


def test_a_site_has_to_be_named_where_there_are_several(world: World) -> None:
    first, second = (int(each["id"]) for each in world.many.document("/v1/sites")["data"])
    own = world.many.document("/v1/events")["links"]["self"]
    assert own.startswith("http://regulars.example/v1/events")  # a list is of the site that the key was made for
    assert refused(world.many, "POST", "/v1/events", resource("events", name="x"))[1][0][0] == (
        "/data/relationships/site"
    )
    found = done(world.many, "POST", "/v1/events", resource("events", name="x", site=second), 201)["data"]
    assert found["relationships"]["site"]["data"]["id"] == str(second)
    assert refused(world.many, "GET", f"/v1/events/{found['id']}?filter[site_id]={first}")[0] == 404
    address = f"/v1/events/{found['id']}"
    other = done(world.many, "POST", "/v1/events", resource("events", name="y", site=first), 201)["data"]
    assert other["id"] == found["id"]
    own = world.many.document(address)["data"]["relationships"]["site"]["data"]["id"]
    assert own in (str(first), str(second))  # of two objects of one number, that of the key's own site
    assert done(world.many, "DELETE", f"{address}?filter[site_id]={first}") == {"data": {}}
    assert world.many.document(address)["data"]["relationships"] == found["relationships"]
    assert (
        done(world.many, "PATCH", address, resource("events", id_=found["id"], name="z"))["data"]["id"] == found["id"]
    )
    assert done(world.many, "DELETE", address) == {"data": {}}
    assert refused(world.many, "GET", address)[0] == 404


def test_scopes(world: World) -> None:
    reader = Api(world.app, world.app.secret("one", "main", scopes=("read",))[1])
    assert reader.get("/v1/forms").status_code == 200
    assert refused(reader, "POST", "/v1/forms", resource("forms", title="x"))[0] == 403
    assert refused(world.nobody, "GET", "/v1/forms")[0] == 401
