from typing import Any

import pytest

from regulars.http.jsonapi.origin import origin

from .world import World

FORWARDED = {"x-forwarded-proto": "https", "x-forwarded-host": "api.example.com:8443"}


def asked(client: Any, trusted: tuple[str, ...], **headers: str) -> str:
    given = {"host": "inner:8080", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "scheme": "http", "headers": raw, "client": client, "server": ("::1", 8080)}
    return origin(scope, trusted)


@pytest.mark.parametrize("trusted", [("10.1.2.3",), ("10.0.0.0/8",), ("nonsense", "10.1.0.0/16"), ("10.1.2.9/24",)])
def test_a_trusted_proxy_is_believed(trusted: tuple[str, ...]) -> None:
    assert asked(("10.1.2.3", 5), trusted, **FORWARDED) == "https://api.example.com:8443"
    assert asked(("10.1.2.3", 5), trusted, x_forwarded_proto="HTTPS, http") == "https://inner:8080"
    assert asked(("10.1.2.3", 5), trusted, x_forwarded_proto="gopher") == "http://inner:8080"


@pytest.mark.parametrize("client", [("11.1.2.3", 5), ("unix", 0), None, ("::1", 5)])
def test_others_are_not(client: Any) -> None:
    assert asked(client, ("10.0.0.0/8",), **FORWARDED) == "http://inner:8080"
    assert asked(client, (), **FORWARDED) == "http://inner:8080"


@pytest.mark.parametrize("host", ["", "a b", 'x"><script>', "a/b", "a:b", "user@host"])
def test_hosts_that_are_none(host: str) -> None:
    assert asked(("11.1.2.3", 5), (), host=host) == "http://[::1]:8080"


def test_links_are_on_the_host_that_was_called(world: World) -> None:
    links = world.one.document("/v1/customers", headers={"Host": "shop.example:81", **FORWARDED})["links"]
    assert links["self"].startswith("https://api.example.com:8443/v1/customers?")
    links = world.one.document("/v1/customers", headers={"Host": "shop.example:81"})["links"]
    assert links["self"].startswith("http://shop.example:81/v1/customers?")
