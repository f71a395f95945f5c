from typing import Any

import pytest

from regulars.domain.site_settings import SETTING_RULES
from regulars.http.jsonapi.server import initials

from .world import Api, World
from .writing import done, refused, resource


def test_sites_of_the_account_only(world: World) -> None:
    document = world.many.document("/v1/sites")
    assert [each["attributes"]["subdomain"] for each in document["data"]] == ["first", "second"]
    for site in document["data"]:
        assert world.many.document(f"/v1/sites/{site['id']}")["data"] == site
        assert world.one.get(f"/v1/sites/{site['id']}").content == world.one.get("/v1/sites/99999").content
    assert world.one.get("/v1/sites/99999").status_code == 404


def test_orders_filters_fields_and_pages(world: World) -> None:
    def subdomains(query: str) -> list[str]:
        return [each["attributes"]["subdomain"] for each in world.many.document(f"/v1/sites?{query}")["data"]]

    assert subdomains("sort=-title") == subdomains("sort=-subdomain") == ["second", "first"]
    assert subdomains("filter[title_cont]=FIR") == subdomains("filter[subdomain_cont]=fir") == ["first"]
    assert subdomains("page[size]=1&page[number]=2") == ["second"]
    document = world.many.document("/v1/sites?fields[sites]=title&page[size]=1")
    assert [each["attributes"] for each in document["data"]] == [{"title": "first"}]
    assert document["meta"] == {"total_count": 2, "total": 2, "total_pages": 2, "current_page": 1}
    assert world.many.document(document["links"]["next"])["links"]["next"] is None
    assert world.many.error("/v1/sites?sort=id")[1]["source"] == {"parameter": "sort"}


def test_me(world: World) -> None:
    assert world.one.document("/v1/me")["data"] == {
        "id": str(world.key),
        "type": "users",
        "attributes": {"initials": "O", "name": "one", "email": "", "role_level": "ADMINISTRATOR"},
    }
    assert world.nobody.get("/v1/me").status_code == 401
    assert [initials(name) for name in ("John van Doe", "acme", " ", "ärzte ohne")] == ["JD", "A", "", "ÄO"]


def test_version_is_open(world: World) -> None:
    document = world.nobody.document("/v1/version")
    assert document["jsonapi"] == {"version": "v1.1"}
    assert set(document["meta"]) == {"title", "version"}
    assert document["links"] == {"documentation": "http://regulars.example/docs"}


def change(api: Api, site: Any, **attributes: Any) -> Any:
    return done(api, "PATCH", f"/v1/sites/{site}", resource("sites", id_=str(site), **attributes))["data"]["attributes"]


def test_the_settings_of_a_site_are_changed_and_shown(world: World) -> None:
    first, second = world.many.document("/v1/sites")["data"]
    assert {first["attributes"][name] for name in SETTING_RULES} == {None}
    given = {"title": " The shop ", "country": "de", "currency": "eur", "time_zone": "europe/berlin"}
    changed = change(world.many, first["id"], **given)
    expected = {"title": "The shop", "country": "DE", "currency": "EUR", "time_zone": "Europe/Berlin"}
    assert {name: changed[name] for name in given} == expected
    assert changed["updated_at"] >= first["attributes"]["updated_at"]
    shown = world.many.document("/v1/sites?sort=subdomain")["data"]
    assert shown == [{**first, "attributes": changed}, second]
    # What was shown can be sent back, and changes nothing.
    assert change(world.many, first["id"], **changed) == changed
    restored = {"title": "first", "country": None, "time_zone": ""}
    assert change(world.many, first["id"], **restored)["time_zone"] is None


@pytest.mark.parametrize(
    ("attributes", "where"),
    [
        ({"country": "Germany"}, "country"),
        ({"country": 49}, "country"),
        ({"currency": "Euro"}, "currency"),
        ({"time_zone": "CEST+2"}, "time_zone"),
        ({"title": ""}, "title"),
        ({"title": "x" * 2000}, "title"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(world: World, attributes: dict[str, Any], where: str) -> None:
    (site,) = world.one.document("/v1/sites")["data"]
    body = resource("sites", id_=site["id"], country="FR", **attributes) if where != "country" else None
    body = body or resource("sites", id_=site["id"], **attributes)
    status, faults = refused(world.one, "PATCH", f"/v1/sites/{site['id']}", body)
    assert (status, [pointer for pointer, _ in faults]) == (422, [f"/data/attributes/{where}"])
    assert world.one.document("/v1/sites")["data"] == [site]


def test_a_currency_cannot_be_cleared(own_world: World) -> None:
    site, *_ = own_world.many.document("/v1/sites")["data"]
    change(own_world.many, site["id"], currency="EUR")
    body = resource("sites", id_=site["id"], currency=None)
    status, faults = refused(own_world.many, "PATCH", f"/v1/sites/{site['id']}", body)
    assert (status, [pointer for pointer, _ in faults]) == (422, ["/data/attributes/currency"])


def test_only_sites_of_the_account_are_changed(world: World) -> None:
    (site,) = world.one.document("/v1/sites")["data"]
    body = resource("sites", country="FR")
    for path in (f"/v1/sites/{site['id']}", "/v1/sites/99999", "/v1/sites/x"):
        assert refused(world.other, "PATCH", path, body)[0] == 404
    reader = Api(world.app, world.app.secret("one", "main", scopes=("read",))[1])
    assert refused(reader, "PATCH", f"/v1/sites/{site['id']}", body)[0] == 403
