"""GET /v1/attributes against a count by hand over the tables."""

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.audience.attribute_survey import MOST_DISTINCT, Counting
from regulars.audience.source import Head
from tests.databases import query
from tests.effort import examples
from tests.in_process import Client

from .world import World

BODIES: list[dict[str, Any]] = [
    {"plan": "pro", "seats": 5, "home": {"city": "Rome", "floor": 2}, "colors": ["red", "blue", "red"]},
    {"plan": "pro", "seats": "5", "home": {"city": "Rome"}, "dotted.name": True},
    {"plan": "trial", "home": "none", "colors": [], "left": None},
    {"plan": "pro", "colors": ["red", 1, True], "a": {"b": {"c": {"d": {"e": 1}}}}},
]


def client_of(world: World, site: str, bodies: list[dict[str, Any]]) -> Client:
    client = world.one.app.client(site=site)
    for number, body in enumerate(bodies):
        client.post("customers", {"email": f"p{number}@example.com", "data": body})
    return client


def listed(client: Client, more: str = "") -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    reply = client.get(f"/v1/attributes?page[size]=100{more}")
    assert reply.status_code == 200, reply.text
    document = reply.json()
    return {each["id"]: each["attributes"] for each in document["data"]}, document["meta"]


def test_every_attribute_has_its_types_and_commonest_values(own_world: World) -> None:
    client = client_of(own_world, "attributes", BODIES)
    found, meta = listed(client)
    assert (meta["customers"], meta["is_current"], meta["has_all_attributes"]) == (4, True, True)
    assert found["plan"] == {
        "name": "plan",
        "q": "attr.plan",
        "customers": 4,
        "types": [{"type": "string", "customers": 4}],
        "values": [{"value": "pro", "customers": 3}, {"value": "trial", "customers": 1}],
        "has_all_values": True,
    }
    assert found["seats"]["types"] == [{"type": "string", "customers": 1}, {"type": "number", "customers": 1}]
    assert found["home.city"]["customers"] == 2
    assert found["home"]["types"] == [{"type": "string", "customers": 1}, {"type": "object", "customers": 2}]
    assert {(each["value"], each["customers"]) for each in found["colors"]["values"]} >= {("red", 2), ("blue", 1)}
    assert found["dotted\\.name"]["q"] == "attr.dotted\\.name"
    assert "a.b.c.d" in found
    assert "a.b.c.d.e" not in found


def test_a_write_is_in_the_next_list_of_a_small_site(own_world: World) -> None:
    client = client_of(own_world, "attributes-live", BODIES[:1])
    assert "new" not in listed(client)[0]
    client.post("customers", {"email": "p0@example.com", "new": 1})
    found, meta = listed(client)
    assert found["new"]["customers"] == 1
    assert meta["is_current"]


def test_filters_sorts_and_pages(own_world: World) -> None:
    client = client_of(own_world, "attributes-lists", BODIES)
    assert set(listed(client, "&filter[name_starts]=HOME")[0]) == {"home", "home.city", "home.floor"}
    assert set(listed(client, "&filter[name_contains]=cit")[0]) == {"home.city"}
    everything = [*listed(client, "&sort=name")[0]]
    assert everything == sorted(everything)
    assert [*listed(client, "&sort=-name")[0]] == everything[::-1]
    counts = [each["customers"] for each in listed(client)[0].values()]
    assert counts == sorted(counts, reverse=True)
    page = client.get("/v1/attributes?sort=name&page[size]=2&page[number]=2&fields[attributes]=customers").json()
    assert [each["id"] for each in page["data"]] == everything[2:4]
    assert [*page["data"][0]["attributes"]] == ["customers"]
    assert page["meta"]["total"] == len(everything)
    assert client.get("/v1/attributes?filter[name]=x").status_code == 400


def test_another_account_sees_nothing(own_world: World) -> None:
    client_of(own_world, "attributes-own", BODIES)
    site = own_world.one.app.site("acme", "attributes-own")
    other = own_world.one.app.client(account="other", site="theirs")
    assert other.get(f"/v1/attributes?filter[site_id]={site}").json()["data"] == []


def test_each_count_is_that_of_a_question(own_world: World) -> None:
    client = client_of(own_world, "attributes-asked", BODIES)
    site = own_world.one.app.site("acme", "attributes-asked")
    rows = query(own_world.one.app.path, "SELECT attributes FROM customers WHERE site_id = ?", site)
    plans = Counter(json.loads(text).get("plan") for (text,) in rows)
    found, _ = listed(client)
    assert {each["value"]: each["customers"] for each in found["plan"]["values"]} == plans
    for attributes in found.values():
        reply = client.app.request(_asking(client, f"has {attributes['q']}"))
        assert reply.json()["meta"]["total"] == attributes["customers"], attributes["q"]


def _asking(client: Client, q: str) -> Any:
    request = client.request("GET", "/v1/customers")
    request.url = request.url.copy_with(params={"q": q})
    return request


scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", "3", "x" * 101])
values = st.recursive(
    scalars, lambda inner: st.lists(scalars, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@settings(max_examples=examples(50, 1_000), deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), values, max_size=3), max_size=6))
def test_counts_are_those_of_a_walk_by_hand(documents: list[dict[str, Any]]) -> None:
    counting = Counting()
    for start in range(0, len(documents), 2):
        counting.add(json.dumps(documents[start : start + 2]))
    survey = counting.survey(Head(1, 1), 0, 0.0)
    assert survey.customers == len(documents)
    for found in survey.attributes:
        held = []
        for document in documents:
            value: Any = document
            for name in found.path:
                value = value.get(name) if isinstance(value, dict) else None
            held.append(value)
        assert found.customers == sum(value is not None for value in held)
        assert sum(found.types.values()) - found.types.get("null", 0) == found.customers
        for value, times in found.values:
            alike = [
                each
                for each in held
                if any(_same(part, value) for part in (each if isinstance(each, list) else [each]))
            ]
            assert times == len(alike)


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right


def test_values_beyond_the_bound_are_counted_exactly_or_not_at_all() -> None:
    counting = Counting()
    counting.add(json.dumps([{"id": number, "plan": "pro"} for number in range(MOST_DISTINCT + 5)]))
    by_path = {each.path: each for each in counting.survey(Head(1, 1), 0, 0.0).attributes}
    assert by_path["plan",].values == [("pro", MOST_DISTINCT + 5)]
    assert not by_path["id",].has_all_values
    assert all(times == 1 for _, times in by_path["id",].values)
