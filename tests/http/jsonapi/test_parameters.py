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
    *(("page[size]", value, "from 1 to 100") for value in ("0", "-1", "101", "1" + "0" * 18, "x", "", "+5", "٣")),
    *(("sort", value, ", ".join(SORTS)) for value in ("", "--name", "phone", "name,email", "NAME")),
    *(("fields[customers]", value, ", ".join(FIELDS)) for value in ("x", "name,,email", "name, email", "id")),
    *(("include", value, ", ".join(RELATIONSHIPS)) for value in ("x", "offers,x", "offers.products", ",")),
    ("filter[nothing]", "1", ", ".join(BY_NAME)),
    ("filter[]", "1", ", ".join(BY_NAME)),
    ("filter", "1", "filter[...]"),
    ("page", "1", "page[number], page[size]"),
    ("page[offset]", "1", "page[number], page[size]"),
    ("fields[cats]", "name", "fields[customers]"),
    ("", "1", "sort"),
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


@pytest.mark.parametrize("path", ["/v1/customers/4294967297", "/v1/sites/1", "/v1/me"])
def test_calls_without_pages_refuse_them(world: World, path: str) -> None:
    status, error = world.one.error(f"{path}?page[number]=1")
    assert (status, error["source"]) == (400, {"parameter": "page[number]"})


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
