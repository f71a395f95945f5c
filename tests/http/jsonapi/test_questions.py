"""Questions over HTTP: three ways to ask one, its answer, and what is told of a bad one."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .world import Api, World, people

SUBSCRIBED: dict[str, Any] = {
    "all": [{"field": "email", "ends": "@gmail.com"}, {"not": {"has": "offer", "any_of": [1]}}]
}
TEXT = 'email ends "@gmail.com" and not offer:1'


def ids(document: dict[str, Any]) -> list[str]:
    return [resource["id"] for resource in document["data"]]


def query(world: World, **body: Any) -> dict[str, Any]:
    reply = world.one.send("POST", "/v1/customers/query", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()  # type: ignore[no-any-return]


def test_one_question_in_every_way(world: World) -> None:
    ways = [
        world.one.document("/v1/customers", params={"question": json.dumps(SUBSCRIBED), "page[size]": 100}),
        world.one.document("/v1/customers", params={"q": TEXT, "page[size]": 100}),
        query(world, question=SUBSCRIBED, page={"size": 100}),
        query(world, q=TEXT, page={"size": 100}),
    ]
    expected = [person["email"] for i, person in enumerate(people()) if person["email"].endswith("gmail.com")]
    bought = [people()[i]["email"] for i in range(0, 60, 5) if i % 3 == 0]
    assert ids(ways[0]) == ids(ways[1]) == ids(ways[2]) == ids(ways[3])
    shown = {resource["attributes"]["email"] for resource in ways[0]["data"]}
    assert shown == set(expected) - set(bought)
    assert {way["meta"]["total"] for way in ways} == {len(shown)}
    assert ways[0]["meta"]["time_zone"] == "UTC"


def test_a_question_beside_filters_sorts_fields_and_includes(world: World) -> None:
    found = query(
        world,
        q="has email",
        filter={"name_contains": "anna", "site_id": 1},
        sort="-email",
        fields={"customers": ["email", "name"]},
        include="contact",
        page={"size": 2},
    )
    emails = [resource["attributes"]["email"] for resource in found["data"]]
    assert emails == sorted(emails, reverse=True)
    assert found["data"][0]["attributes"].keys() == {"email", "name"}
    assert {each["type"] for each in found["included"]} == {"contacts"}


def test_the_links_of_a_posted_question_are_gets(world: World) -> None:
    first = query(world, q=TEXT, page={"size": 5, "after": ""}, sort="email")
    seen, document = ids(first), first
    while (following := document["links"]["next"]) is not None:
        assert parse_qs(urlsplit(following).query)["q"] == [TEXT]
        document = world.one.document(following)
        seen += ids(document)
    assert len(seen) == len(set(seen)) == first["meta"]["total"]


def test_a_cursor_is_good_for_its_own_question_only(world: World) -> None:
    first = query(world, q=TEXT, page={"size": 5, "after": ""})
    cursor = parse_qs(urlsplit(first["links"]["next"]).query)["page[after]"][0]
    status, error = world.one.error("/v1/customers", params={"q": "has email", "page[after]": cursor})
    assert (status, error["source"]) == (400, {"parameter": "page[after]"})
    same = world.one.document("/v1/customers", params={"question": json.dumps(SUBSCRIBED), "page[after]": cursor})
    assert same["data"]


def test_objects_that_do_not_exist_are_no_error_but_are_listed(world: World) -> None:
    found = query(world, q="offer:(1, 999, nowhere) or tag:none or product:course")
    assert found["meta"]["unknown_objects"] == [
        {"type": "offers", "id": "999"},
        {"type": "offers", "id": "nowhere"},
        {"type": "contact_tags", "id": "none"},
    ]
    assert "unknown_objects" not in query(world, q="offer:1")["meta"]


def test_contacts_take_questions_too(world: World) -> None:
    contacts = world.one.document("/v1/contacts", params={"q": TEXT})
    assert contacts["meta"]["total"] == query(world, q=TEXT)["meta"]["total"]
    assert contacts["data"][0]["type"] == "contacts"


def test_the_question_in_words(world: World) -> None:
    found = query(world, q="tag:vip or revenue > 100", describe=True)
    assert found["meta"]["description"] == (
        "customers of site 1 who have tag “vip” or have a net revenue of more than 100.00, newest first"
    )


def test_a_calendar_window_follows_the_time_zone(world: World) -> None:
    for zone in ("Asia/Tokyo", "America/New_York"):
        found = query(world, q="created in this year", time_zone=zone, as_of="2020-06-01T00:00:00Z")
        assert (found["meta"]["total"], found["meta"]["time_zone"]) == (0, zone)
    assert query(world, q="created in last 1d")["meta"]["total"] > 0
    assert query(world, q="created in last 1d", as_of="2001-01-01")["meta"]["total"] == 0


def test_all_faults_of_a_question_are_told_with_their_places(world: World) -> None:
    question = {"all": [{"field": "net_revenue", "gtt": 5}, {"has": "tagg", "any_of": [1]}]}
    reply = world.one.send("POST", "/v1/customers/query", json={"question": question})
    first, second = reply.json()["errors"]
    assert reply.status_code == 400
    assert first["source"] == {"pointer": "/question/all/0/gtt"}
    assert (first["code"], first["meta"]["did_you_mean"]) == ("unknown_operator", "gt")
    assert (second["code"], second["meta"]["did_you_mean"]) == ("unknown_name", "tag")
    assert second["source"] == {"pointer": "/question/all/1/has"}


def test_a_fault_of_a_text_has_its_offset(world: World) -> None:
    status, error = world.one.error("/v1/customers", params={"q": "tag:vip and ("})
    assert (status, error["code"], error["source"]) == (400, "invalid_question", {"parameter": "q"})
    assert (error["meta"]["offset"], error["meta"]["length"]) == (13, 0)
    assert "a condition" in error["meta"]["expected"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"qq": "x"}, "/qq"),
        ({"q": {"a": 1}}, "/q"),
        ({"q": "x", "page": {"size": 0}}, "/page/size"),
        ({"q": "x", "page": 3}, "/page"),
        ({"q": "x", "sort": "shoe_size"}, "/sort"),
        ({"q": "x", "filter": {"no_such": 1}}, "/filter/no_such"),
        ({"q": "x", "question": {}}, "/q"),
        ({"q": "x", "time_zone": "Mars/Phobos"}, "/time_zone"),
        ({"q": "x", "time_zone": "../../etc/passwd"}, "/time_zone"),
        ({"q": "x", "as_of": "then"}, "/as_of"),
        ({"time_zone": "UTC"}, "/time_zone"),
    ],
)
def test_what_is_wrong_with_a_body_is_named(world: World, body: dict[str, Any], pointer: str) -> None:
    reply = world.one.send("POST", "/v1/customers/query", json=body)
    assert reply.status_code == 400, reply.text
    assert reply.json()["errors"][0]["source"] == {"pointer": pointer}


def test_a_question_may_be_as_large_as_it_says(world: World) -> None:
    ids = [f"key-{'x' * 50}-{each}" for each in range(900)]
    found = query(world, question={"has": "tag", "none_of": ids})
    assert found["meta"]["total"] > 25
    assert set(found["links"].values()) == {None}
    assert query(world, question={"has": "tag", "none_of": ids}, page={"number": 2})["meta"]["current_page"] == 2
    reply = world.one.send("POST", "/v1/customers/query", json={"question": {"search": "x" * 70_000}})
    assert reply.json()["errors"][0]["code"] == "question_too_large"
    many = {"all": [{"has": "tag", "all_of": list(range(1, 1001))}] * 6}
    reply = world.one.send("POST", "/v1/customers/query", json={"question": many})
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "question_too_large")


def test_check_says_what_a_question_means(world: World) -> None:
    reply = world.one.send("POST", "/v1/questions/check", json={"q": "revenue>5 tag:vip"})
    meaning = reply.json()["data"]["attributes"]
    assert meaning["question"] == {"all": [{"field": "net_revenue", "gt": "5.00"}, {"has": "tag", "any_of": ["vip"]}]}
    assert meaning["q"] == "net_revenue > 5.00 and tag:vip"
    assert meaning["sentence"] == "customers who have a net revenue of more than 5.00 and have tag “vip”"
    assert meaning["cost"]["conditions"] == 2
    bad = world.one.send("POST", "/v1/questions/check", json={})
    assert (bad.status_code, bad.json()["errors"][0]["source"]) == (400, {"pointer": "/question"})


def test_no_account_asks_about_another(world: World) -> None:
    mine = {resource["id"] for resource in query(world, q="everybody", page={"size": 100})["data"]}
    theirs = world.other.send("POST", "/v1/customers/query", json={"q": "everybody"}).json()["data"]
    assert mine.isdisjoint(resource["id"] for resource in theirs)
    reply = world.other.send("POST", "/v1/customers/query", json={"q": "everybody", "filter": {"site_id": 1}})
    assert reply.json()["data"] == []
    assert world.nobody.send("POST", "/v1/customers/query", json={"q": "everybody"}).status_code == 401


def test_attributes_are_asked_about_without_being_declared(own_world: World) -> None:
    people: list[dict[str, Any]] = [
        {"email": "a@attr.example", "plan": "pro", "seats": 7, "vip": True, "address": {"city": "Bonn"}},
        {"email": "b@attr.example", "plan": "Pro", "seats": "7", "vip": "true"},
        {"email": "c@attr.example", "plan": "trial", "seats": "007", "renews": "2026-03-01"},
        {"email": "d@attr.example"},
    ]
    for person in people:
        own_world.save(own_world.many, person)

    def emails(**parameters: str) -> str:
        parameters = {"filter[email_contains]": "attr.example", **parameters}
        found = own_world.many.document("/v1/customers", params=parameters)
        return "".join(sorted(each["attributes"]["email"][0] for each in found["data"]))

    assert emails(q="attr.plan = pro") == "ab"
    assert emails(q="attr.plan != pro") == "cd"
    assert emails(q="attr.seats = 7") == "ab"
    assert emails(q='attr.seats = "007"') == "c"
    assert emails(q="attr.renews from 2026-01-01 to 2027-01-01") == "c"
    assert emails(q="has attr.address.city") == "a"
    assert emails(**{"filter[attributes][plan]": "pro"}) == "ab"
    assert emails(**{"filter[attributes][seats]": "7"}) == "ab"
    assert emails(**{"filter[attributes][vip]": "true"}) == "ab"
    assert emails(**{"filter[attributes][address][city]": "bonn"}) == "a"
    assert emails(**{"filter[attributes][plan]": "pro", "q": "attr.vip = true"}) == "a"
    own_world.save(own_world.many, {"email": "d@attr.example", "plan": "PRO"})
    assert emails(q="attr.plan = pro") == "abd"  # the write is in the answer
    own_world.save(own_world.many, {"email": "a@attr.example", "plan": None})
    assert emails(q="attr.plan = pro") == "bd"
    status, error = own_world.many.error("/v1/customers", params={"filter[attributes][]": "x"})
    assert (status, error["source"]) == (400, {"parameter": "filter[attributes][]"})
    status, error = own_world.many.error("/v1/customers", params={"filter[attribute][plan]": "x"})
    assert status == 400


def test_a_question_uses_the_time_zone_of_its_site(world: World) -> None:
    zoned = Api(world.app, world.app.secret("zoned", "main")[1])
    site = zoned.document("/v1/sites")["data"][0]["id"]
    change = {"data": {"type": "sites", "id": site, "attributes": {"time_zone": "Asia/Tokyo"}}}
    reply = zoned.send("PATCH", f"/v1/sites/{site}", json=change)
    assert reply.status_code == 200, reply.text
    found = zoned.document("/v1/customers", params={"q": "created in this day"})
    assert found["meta"]["time_zone"] == "Asia/Tokyo"
    checked = zoned.send("POST", "/v1/questions/check", json={"q": "everybody"}).json()
    assert checked["data"]["attributes"]["time_zone"] == "Asia/Tokyo"
    found = zoned.document("/v1/customers", params={"q": "created in this day", "time_zone": "UTC"})
    assert found["meta"]["time_zone"] == "UTC"
