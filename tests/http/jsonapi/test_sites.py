from regulars.http.jsonapi.server import initials

from .world import World


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
