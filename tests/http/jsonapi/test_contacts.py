from typing import Any

import pytest

from regulars.http.jsonapi.contact_resource import ATTRIBUTES

from .world import Api, World, every
from .writing import done, identifiers, made, refused, resource


@pytest.fixture(scope="module")
def world(own_world: World) -> World:
    return own_world


FULL: dict[str, Any] = {
    "name": "Ada Lovelace",
    "email": "Ada@contacts.example",
    "phone_number": "+441234567890",
    "business_number": "+44 20 1234",
    "subscribed": True,
    "address_line_1": "12 St James's Square",
    "address_line_2": "2nd floor",
    "address_city": "London",
    "address_state": "-",
    "address_country": "GB",
    "external_user_id": "ada-1",
    "address_zip": "SW1Y 4JH",
    "custom_1": "first",
}


def create(api: Api, *, site: int = 1, **attributes: Any) -> dict[str, Any]:
    found: dict[str, Any] = done(api, "POST", "/v1/contacts", resource("contacts", site=site, **attributes), 201)
    return found["data"]  # type: ignore[no-any-return]


def change(api: Api, contact: str, **attributes: Any) -> dict[str, Any]:
    body = resource("contacts", id_=contact, **attributes)
    return done(api, "PATCH", f"/v1/contacts/{contact}", body)["data"]["attributes"]  # type: ignore[no-any-return]


def test_a_contact_is_the_customer_of_that_number(world: World) -> None:
    found = create(world.one, **FULL)
    assert list(found["attributes"]) == list(ATTRIBUTES)
    shown = {name: value for name, value in found["attributes"].items() if name in FULL}
    assert shown == {**FULL, "email": "ada@contacts.example"}
    assert found["links"] == {"customer": f"http://regulars.example/v1/customers/{found['id']}"}
    customer = world.one.document(f"/v1/customers/{found['id']}?include=contact")
    assert customer["data"]["attributes"]["external_user_id"] == "ada-1"
    assert customer["included"][0]["attributes"] == found["attributes"]
    assert world.one.document(f"/v1/contacts/{found['id']}")["data"] == found
    classic = world.one.get("/api/v1/customers/ada@contacts.example").json()["customer"]
    assert (classic["firstname"], classic["unsubscribed"], classic["data"]["address_city"]) == ("Ada", False, "London")


def test_what_is_left_out_stays_and_null_clears(world: World) -> None:
    contact = create(world.one, **{**FULL, "email": "stays@contacts.example", "external_user_id": "stays"})["id"]
    found = change(world.one, contact, phone_number=None, address_city=None, custom_1=None, name="Ada King")
    assert (found["phone_number"], found["address_city"], found["custom_1"]) == (None, None, None)
    assert (found["name"], found["address_zip"], found["external_user_id"]) == ("Ada King", "SW1Y 4JH", "stays")
    assert change(world.one, contact, **found)["name"] == "Ada King"  # what was read can be sent back
    assert change(world.one, contact, email="moved@contacts.example")["email"] == "moved@contacts.example"
    assert world.one.get("/api/v1/customers/stays@contacts.example").status_code == 404


@pytest.mark.parametrize("empty", [None, "", " "])
def test_an_external_user_id_can_be_cleared(world: World, empty: str | None) -> None:
    contact = create(world.one, email="cleared@contacts.example", external_user_id="gone-1")["id"]
    found = change(world.one, contact, external_user_id=empty)
    assert found["external_user_id"] is None
    assert change(world.one, contact, external_user_id=empty) == found  # again it changes nothing, not even updated_at
    assert not world.one.document("/v1/contacts?filter[external_user_id]=gone-1")["data"]
    other = create(world.one, email="heir@contacts.example", external_user_id="gone-1")["id"]
    for each in (contact, other):
        done(world.one, "DELETE", f"/v1/contacts/{each}")


def test_the_last_identifier_cannot_be_cleared(world: World) -> None:
    world.save(world.one, {"customer_id": "only-1"})
    (contact,) = [each["id"] for each in every(world.one, "/v1/contacts?filter[external_user_id]=only-1")]
    body = resource("contacts", id_=contact, external_user_id=None)
    status, faults = refused(world.one, "PATCH", f"/v1/contacts/{contact}", body)
    assert (status, faults[0][0]) == (422, "/data/attributes/external_user_id")
    both = change(world.one, contact, external_user_id=None, email="now@contacts.example")
    assert (both["external_user_id"], both["email"]) == (None, "now@contacts.example")


def test_subscribed_is_consent(world: World) -> None:
    contact = create(world.one, email="consent@contacts.example")["id"]

    def asked(query: str) -> bool:
        found = world.one.document(f"/v1/contacts?filter[email]=consent@contacts.example&{query}")
        return bool(found["data"])

    assert asked("filter[never_subscribed]=true")
    assert change(world.one, contact, subscribed=True)["subscribed"] is True
    assert asked("filter[subscribed]=true&filter[subscribed_in_last]=1")
    assert change(world.one, contact, subscribed=False)["subscribed"] is False
    assert asked("filter[subscribed]=false&filter[manually_unsubscribed_in_last]=1")


def test_what_is_sent_back_as_it_was_shown_is_no_news(world: World) -> None:
    contact = create(world.one, email="echo@contacts.example", name="Echo", subscribed=False)["id"]
    nameless = {"email": "nameless@contacts.example"}
    world.save(world.one, nameless)
    (found,) = world.one.document("/v1/contacts?filter[email]=nameless@contacts.example")["data"]
    for number in (contact, found["id"]):
        shown = world.one.document(f"/v1/contacts/{number}")["data"]["attributes"]
        change(world.one, number, **{**shown, "address_city": "Rome"})
        echoed = f"/v1/customers?filter[email]={shown['email']}"
        for name, total in (("never_subscribed]=true", 1), ("unsubscribed_in_last]=1", 0)):
            assert world.one.document(f"{echoed}&filter[{name}")["meta"]["total_count"] == total
    assert world.one.get(f"/api/v1/customers/{nameless['email']}").json()["customer"]["name"] is None
    world.happens(world.one, {"event": "subscribed", "email": "echo@contacts.example", "timestamp": 1_700_000_000})
    assert world.one.document(f"/v1/contacts/{contact}")["data"]["attributes"]["subscribed"] is True
    assert change(world.one, contact, subscribed=False)["subscribed"] is False


def test_tags_are_replaced_along_with_the_attributes(world: World) -> None:
    contact = create(world.one, email="tagged@contacts.example")["id"]
    for key in ("red", "blue"):
        made(world.one, "contact_tags", name=key, key=key)
    path = f"/v1/contacts/{contact}"

    def patch(tags: Any, **more: Any) -> dict[str, Any]:
        body = resource("contacts", id_=contact, name="Tagged")
        body["data"]["relationships"] = {"tags": tags, **more}
        return body

    def tags() -> list[str]:
        listed = world.one.document(f"{path}/relationships/tags")["data"]
        return [world.one.document(f"/v1/contact_tags/{each['id']}")["data"]["attributes"]["name"] for each in listed]

    done(world.one, "PATCH", path, patch({"data": [{"type": "contact_tags", "id": "red"}]}))
    assert tags() == ["red"]
    shown = world.one.document(path)["data"]
    done(world.one, "PATCH", path, {"data": shown})
    assert tags() == ["red"]
    unknown = patch({"data": [{"type": "contact_tags", "id": "blue"}, {"type": "contact_tags", "id": "none"}]})
    unknown["data"]["attributes"]["name"] = "Changed"
    status, faults = refused(world.one, "PATCH", path, unknown)
    assert (status, faults[0][0]) == (404, "/data/relationships/tags/data/1/id")
    for wrong, where in (
        (patch("red"), "/data/relationships/tags"),
        (patch({"data": "red"}), "/data/relationships/tags/data"),
        (patch({"data": []}, bogus={}), "/data/relationships/bogus"),
    ):
        status, faults = refused(world.one, "PATCH", path, wrong)
        assert (status, faults[0][0]) == (400, where)
    assert tags() == ["red"]
    assert world.one.document(path)["data"]["attributes"]["name"] == "Tagged"
    done(world.one, "PATCH", path, patch({"data": []}))
    assert tags() == []


def test_lists_are_those_of_customers(world: World) -> None:
    for query in ("", "&sort=-email", "&filter[search]=anna", "&filter[name_contains]=meier&sort=name"):
        customers = [each["id"] for each in every(world.one, f"/v1/customers?page[size]=100{query}")]
        assert [each["id"] for each in every(world.one, f"/v1/contacts?page[size]=7{query}")] == customers
    document = world.one.document("/v1/contacts?page[size]=2&describe=true&fields[contacts]=email")
    assert document["links"]["next"].startswith("http://regulars.example/v1/contacts?")
    assert document["meta"]["description"]
    assert [list(each["attributes"]) for each in document["data"]] == [["email"], ["email"]]
    assert world.many.document("/v1/contacts")["meta"]["total"] == world.many.document("/v1/customers")["meta"]["total"]


def test_includes(world: World) -> None:
    contact = create(world.one, email="includes@contacts.example")["id"]
    offer, tag = made(world.one, "offers", title="Contact's offer"), made(world.one, "contact_tags", name="contact's")
    done(world.one, "POST", f"/v1/contacts/{contact}/relationships/offers", identifiers("offers", offer))
    done(world.one, "POST", f"/v1/contacts/{contact}/relationships/tags", identifiers("contact_tags", tag))
    document = world.one.document(f"/v1/contacts/{contact}?include=customer,offers,tags,site")
    assert [(each["type"], each["id"]) for each in document["included"]] == [
        ("customers", contact),
        ("offers", offer),
        ("contact_tags", tag),
        ("sites", "1"),
    ]
    address = f"http://regulars.example/v1/contacts/{contact}/relationships"
    assert document["data"]["relationships"] == {
        "customer": {"data": {"id": contact, "type": "customers"}},
        "offers": {"links": {"self": f"{address}/offers"}, **identifiers("offers", offer)},
        "tags": {"links": {"self": f"{address}/tags"}, **identifiers("contact_tags", tag)},
        "site": {"data": {"id": "1", "type": "sites"}},
    }
    listed = world.one.document("/v1/contacts?filter[email]=includes@contacts.example&include=tags")
    assert [each["id"] for each in listed["included"]] == [tag]
    assert "data" not in listed["data"][0]["relationships"]["offers"]


@pytest.mark.parametrize(
    ("attributes", "where"),
    [
        ({}, "email"),
        ({"email": None}, "email"),
        ({"email": "nonsense"}, "email"),
        ({"email": "x@contacts.example", "subscribed": "yes"}, "subscribed"),
        ({"email": "x@contacts.example", "phone_number": {"home": "1"}}, "phone_number"),
        ({"email": "x@contacts.example", "custom_1": "x" * 2000}, "custom_1"),
        ({"email": "x@contacts.example", "address_city": ["x"]}, "address_city"),
        ({"email": "x@contacts.example", "external_user_id": "x" * 200}, "external_user_id"),
        ({"email": "x@contacts.example", "shoe_size": 44}, "shoe_size"),
    ],
)
def test_refusals_name_the_attribute(world: World, attributes: dict[str, Any], where: str) -> None:
    body = resource("contacts", site=1, **attributes)
    status, faults = refused(world.one, "POST", "/v1/contacts", body)
    assert (status, [pointer for pointer, _ in faults]) == (422, [f"/data/attributes/{where}"])
    contact = world.one.document("/v1/contacts")["data"][0]["id"]
    if attributes:
        assert refused(world.one, "PATCH", f"/v1/contacts/{contact}", body)[0] == 422


def test_all_faults_at_once(world: World) -> None:
    body = resource("contacts", site=1, email="x", phone_number=["1"], subscribed=3, shoe_size=44)
    _, faults = refused(world.one, "POST", "/v1/contacts", body)
    assert {pointer.rpartition("/")[2] for pointer, _ in faults} == {
        "email",
        "phone_number",
        "subscribed",
        "shoe_size",
    }


SOFT: list[tuple[str, Any]] = [("phone_number", "1"), ("address_city", "x" * 2000), ("name", "x" * 2000)]


@pytest.mark.parametrize(("field", "given"), SOFT)
def test_what_cannot_be_read_is_left_out_with_a_warning(world: World, field: str, given: Any) -> None:
    email = f"soft-{field}@contacts.example"
    body = resource("contacts", site=1, email=email, **{field: given})
    document = done(world.one, "POST", "/v1/contacts", body, 201)
    (warning,) = document["meta"]["warnings"]
    assert (warning["source"], warning["given"], warning["taken"]) == (
        {"pointer": f"/data/attributes/{field}"},
        given,
        None,
    )
    customer = world.one.document("/api/v1/customers", params={"email": email})["user"]
    assert customer["custom_attributes"][field] == given
    path = f"/v1/contacts/{document['data']['id']}"
    named: dict[str, Any] = {field: given}
    changed = resource("contacts", id_=document["data"]["id"], **named)
    assert len(done(world.one, "PATCH", path, changed)["meta"]["warnings"]) == 1


@pytest.mark.parametrize(("field", "given"), SOFT)
def test_strict_handling_refuses_what_cannot_be_read(world: World, field: str, given: str) -> None:
    body = resource("contacts", site=1, email=f"strict-{field}@contacts.example", **{field: given})
    strict = Api(world.app, world.app.secret("one", "main", is_strict=True)[1])
    for api, headers in ((world.one, {"Prefer": "handling=strict"}), (strict, {})):
        reply = api.send("POST", "/v1/contacts", json=body, headers=headers)
        assert reply.status_code == 422
        assert [error["source"] for error in reply.json()["errors"]] == [{"pointer": f"/data/attributes/{field}"}]


def test_a_phone_number_is_shown_as_it_was_written(world: World) -> None:
    written, number = "+49 (151) 1234-5678", "+4915112345678"
    contact = done(
        world.one,
        "POST",
        "/v1/contacts",
        resource("contacts", site=1, email="phone@contacts.example", phone_number=written),
        201,
    )
    path = f"/v1/contacts/{contact['data']['id']}"

    def shown() -> tuple[Any, Any]:
        customer = world.one.document("/api/v1/customers", params={"email": "phone@contacts.example"})["user"]
        return world.one.document(path)["data"]["attributes"]["phone_number"], customer["phone_number"]

    assert contact["data"]["attributes"]["phone_number"] == written
    assert "warnings" not in contact.get("meta", {})
    assert shown() == (written, number)
    # Another call that changes the number outdates what was written.
    World.save(world.one, {"email": "phone@contacts.example", "phone_number": "+12025550123"})
    assert shown() == ("+12025550123", "+12025550123")
    for given, taken in ((number, number), ("no number", None), (None, None)):
        done(world.one, "PATCH", path, resource("contacts", id_=contact["data"]["id"], phone_number=given))
        assert shown() == (given, taken)


def test_a_site_is_required(world: World) -> None:
    status, faults = refused(world.one, "POST", "/v1/contacts", resource("contacts", email="s@contacts.example"))
    assert (status, faults[0][0]) == (400, "/data/relationships/site")
    other = resource("contacts", email="s@contacts.example", site=2)
    assert refused(world.one, "POST", "/v1/contacts", other)[0] == 400
    first, second = (int(each["id"]) for each in world.many.document("/v1/sites")["data"])
    assert int(create(world.many, email="s@contacts.example", site=second)["id"]) >> 32 == second
    assert int(create(world.many, email="s@contacts.example", site=first)["id"]) >> 32 == first


def test_addresses_are_taken_once(world: World) -> None:
    contact = create(world.one, email="taken@contacts.example")["id"]
    again = resource("contacts", email="TAKEN@contacts.example", name="Somebody else", site=1)
    assert refused(world.one, "POST", "/v1/contacts", again)[0] == 422
    assert world.one.document(f"/v1/contacts/{contact}")["data"]["attributes"]["name"] == "taken"
    other = create(world.one, email="other-taken@contacts.example")["id"]
    body = resource("contacts", email="taken@contacts.example", name="Changed")
    status, faults = refused(world.one, "PATCH", f"/v1/contacts/{other}", body)
    assert (status, faults[0][0]) == (422, "/data/attributes/email")
    assert world.one.document(f"/v1/contacts/{other}")["data"]["attributes"]["name"] == "other-taken"


def test_deleting(world: World) -> None:
    contact = create(world.one, email="gone@contacts.example")["id"]
    assert done(world.one, "DELETE", f"/v1/contacts/{contact}") == {"data": {}}
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", resource("contacts", name="x"))):
        assert refused(world.one, method, f"/v1/contacts/{contact}", body)[0] == 404
    # The address is free, but nobody takes the place of who is gone.
    create(world.one, email="gone@contacts.example")
    late = resource("contacts", email="gone@contacts.example", name="late")
    assert refused(world.one, "PATCH", f"/v1/contacts/{contact}", late)[0] == 404


def test_accounts_are_apart(world: World) -> None:
    contact = create(world.one, email="mine@contacts.example")["id"]
    unknown = world.one.get("/v1/contacts/1").content
    assert world.other.get(f"/v1/contacts/{contact}").content == unknown
    assert refused(world.other, "PATCH", f"/v1/contacts/{contact}", resource("contacts", name="x"))[0] == 404
    assert refused(world.other, "DELETE", f"/v1/contacts/{contact}")[0] == 404
    assert world.one.get(f"/v1/contacts/{contact}").status_code == 200
    body = resource("contacts", id_="1", name="x")
    assert refused(world.one, "PATCH", f"/v1/contacts/{contact}", body)[1][0][0] == "/data/id"


def test_null_clears_the_name(world: World) -> None:
    contact = create(world.one, name="Ada Lovelace", email="cleared@contacts.example")["id"]
    assert change(world.one, contact, name=None)["name"] == "cleared"
    classic = world.one.get("/api/v1/customers/cleared@contacts.example").json()["customer"]
    assert (classic["name"], classic["firstname"], classic["lastname"]) == (None, None, None)
    assert create(world.one, name=None, email="born-nameless@contacts.example")["attributes"]["name"] == "born-nameless"


def test_a_plus_that_was_not_encoded_is_one(world: World) -> None:
    contact = create(world.one, email="ada+bare@contacts.example")["id"]
    for query in ("filter[email]=ada+bare@contacts.example", "filter[email_contains]=ada+bare@"):
        for path in ("/v1/contacts", "/v1/customers"):
            (found,) = world.one.document(f"{path}?{query}")["data"]
            assert found["id"] == contact
    (found,) = world.one.get("/api/v1/customers?email=ada+bare@contacts.example").json()["customers"]
    assert found["email"] == "ada+bare@contacts.example"
