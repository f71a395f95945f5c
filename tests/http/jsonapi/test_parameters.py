from typing import Final

import pytest

from regulars.audience.filters.catalogue import BY_NAME
from regulars.http.jsonapi.customer_resource import FIELDS, RELATIONSHIPS
from regulars.http.jsonapi.listing import SORTS

from .world import World

REFUSED: Final = [
    *(
        ("page[number]", value, "from 1 to 1000000000")
        for value in ("0", "-1", "1" + "0" * 18, "x", "", "1.5", " 1", "²")
    ),
    *(("page[size]", value, "from 1 to 100") for value in ("0", "-1", "x", "", "+5", "٣")),
    *(("sort", value, ", ".join(SORTS)) for value in ("", "--name", "phone", "name,email", "NAME")),
    *(("fields[customers]", value, ", ".join(FIELDS)) for value in ("x", "name,,email", "name, email", "id")),
    *(("include", value, ", ".join(RELATIONSHIPS)) for value in ("x", "offers,x", "offers.products", ",")),
    ("filter[nothing]", "1", ", ".join(BY_NAME)),
    ("filter[]", "1", ", ".join(BY_NAME)),
    ("filter", "1", "filter[...]"),
    ("filter.subscribed", "true", "Did you mean filter[subscribed]?"),
    ("filters[subscribed]", "true", "Did you mean filter[subscribed]?"),
    ("Filter[subscribed]", "true", "Did you mean filter[subscribed]?"),
    ("fliter[subscribed]", "true", "Did you mean filter[subscribed]?"),
    ("where[subscribed]", "true", "Did you mean filter[subscribed]?"),
    ("filter[has-tag-id]", "1", "Did you mean filter[has_tag_id]?"),
    ("filter[has_tagid]", "1", "Did you mean filter[has_tag_id]?"),
    ("filter[subscribed][eq]", "1", "Did you mean filter[subscribed]?"),
    ("has_tag_id", "1", "Did you mean filter[has_tag_id]?"),
    ("has_tag_ids", "1", "Did you mean filter[has_tag_id]?"),
    ("site_id", "1", "Did you mean filter[site_id]?"),
    ("search", "x", "Did you mean filter[search]?"),
    ("filter[created_in_last]", "36501", "0 to 36500"),
    ("filter[created_in_last]", "-1", "0 to 36500"),
    ("filter[subscribed]", "yes", "true, 1, false or 0"),
    ("filter[net_revenue_equal_to]", "1.234", "two places"),
    ("filter[has_tag_id]", "0", "a number from 1"),
    ("filter[site_id]", "main", "number of one site"),
    ("filter[site_id]", "1,2", "number of one site"),
    ("filter[search]", "a\0b", "NUL"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), REFUSED)
def test_refusals_name_the_parameter_and_what_is_allowed(world: World, name: str, value: str, allowed: str) -> None:
    status, error = world.one.error("/v1/customers", params={name: value})
    assert (status, error["code"], error["source"]) == (400, "invalid_parameter", {"parameter": name})
    assert allowed in error["detail"]


@pytest.mark.parametrize("query", ["filter[search]=%ff", "%ff=1", "&".join(["sort=name"] * 501)])
def test_queries_that_cannot_be_read(world: World, query: str) -> None:
    status, error = world.one.error(f"/v1/customers?{query}")
    assert (status, error["code"]) == (400, "malformed")


@pytest.mark.parametrize("query", ["", "?", "?&", "?&&sort=name&"])
def test_empty_parts_are_nothing(world: World, query: str) -> None:
    assert world.one.document(f"/v1/customers{query}")["meta"]["current_page"] == 1


PASSED_OVER: Final = ("limit", "per_page", "offer_id", "page[limit]", "page", "page[offset]", "fields[cats]", "", "_")


@pytest.mark.parametrize("name", PASSED_OVER)
def test_unknown_parameters_are_ignored_and_named(world: World, name: str) -> None:
    plain = world.one.document("/v1/customers")
    found = world.one.document("/v1/customers", params={name: "1"})
    (warning,) = found["meta"].pop("warnings")
    assert warning["source"] == {"parameter": name}
    assert "ignored" in warning["detail"]
    assert (found["data"], found["meta"]) == (plain["data"], plain["meta"])
    strict = {"Prefer": 'respond-async, handling="strict"; wait=1'}
    status, error = world.one.error("/v1/customers", params={name: "1"}, headers=strict)
    assert (status, error["code"], error["source"]) == (400, "invalid_parameter", {"parameter": name})


@pytest.mark.parametrize("size", ["101", "200", "1" + "0" * 18])
def test_a_page_that_is_too_large_is_brought_down(world: World, size: str) -> None:
    found = world.one.document("/v1/customers", params={"page[size]": size})
    (warning,) = found["meta"]["warnings"]
    assert warning["source"] == {"parameter": "page[size]"}
    assert "page[size]=100" in found["links"]["self"]
    status, error = world.one.error("/v1/customers", params={"page[size]": size}, headers={"Prefer": "handling=strict"})
    assert (status, error["source"]) == (400, {"parameter": "page[size]"})
    assert "from 1 to 100" in error["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/sites/1", "/v1/sites", "/v1/me", "/v1/offers", "/v1/contacts", "/v1/contact_tags"]
)
def test_every_call_names_what_it_passes_over(world: World, path: str) -> None:
    found = world.one.document(f"{path}?limit=1&filter[site_id]=1" if path not in _WITHOUT_SITE else f"{path}?limit=1")
    assert found["meta"]["warnings"] == [
        {"source": {"parameter": "limit"}, "detail": "Unknown parameter; it was ignored."}
    ]
    status, _ = world.one.error(f"{path}?filter[nothing]=1")
    assert status == 400


_WITHOUT_SITE: Final = ("/v1/sites/1", "/v1/sites", "/v1/me")


def test_there_is_an_end_to_what_is_passed_over(world: World) -> None:
    query = "&".join(f"x{n}=1" for n in range(21))
    status, error = world.one.error(f"/v1/customers?{query}")
    assert (status, error["source"]) == (400, {"parameter": "x20"})


def test_without_or_with_a_wrong_key(world: World) -> None:
    reply = world.nobody.get("/v1/customers")
    (error,) = reply.json()["errors"]
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert (error["status"], error["source"], error["title"]) == ("401", None, "Unauthorized")
    assert world.nobody.get("/v1/customers", headers={"Authorization": "Bearer x"}).status_code == 401
    writer = world.app.secret("one", "main", scopes=("write",))[1]
    reply = world.nobody.get("/v1/customers", headers={"Authorization": f"Bearer {writer}"})
    assert reply.status_code == 403
