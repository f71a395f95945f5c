import base64
import json
from typing import Any

import httpx
import pytest

from .world import Api, World


def grant(world: World, form: dict[str, str], **headers: str) -> httpx.Response:
    return world.nobody.send("POST", "/v1/oauth/token", data=form, headers=headers)


def refresh(token: str, **form: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token, **form}


def client(world: World, **form: str) -> dict[str, str]:
    return {"grant_type": "client_credentials", "client_id": str(world.key), "client_secret": world.secret, **form}


def tokens(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["pragma"] == "no-cache"
    found: dict[str, Any] = reply.json()
    assert set(found) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert found["token_type"] == "Bearer"
    assert found["expires_in"] > 0
    return found


def works(world: World, token: str) -> bool:
    return Api(world.app, token).get("/v1/me").status_code == 200


def test_from_key_to_token_to_nothing(world: World) -> None:
    first = tokens(grant(world, client(world)))
    assert works(world, first["access_token"])
    assert not works(world, first["refresh_token"])
    second = tokens(grant(world, refresh(first["refresh_token"])))
    assert works(world, second["access_token"])
    assert not works(world, first["access_token"])
    again = grant(world, refresh(first["refresh_token"]))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    third = tokens(grant(world, client(world, **refresh(second["refresh_token"]))))
    bearer = Api(world.app, third["access_token"])
    revoked = bearer.send("POST", "/v1/oauth/revoke", data={"token": third["refresh_token"]})
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert not works(world, third["access_token"])
    gone = grant(world, refresh(third["refresh_token"]))
    assert gone.json()["error"] == "invalid_grant"


def test_basic_authentication_and_json(world: World) -> None:
    basic = "Basic " + base64.b64encode(f"{world.key}:{world.secret}".encode()).decode()
    tokens(grant(world, {"grant_type": "client_credentials"}, Authorization=basic))
    found = tokens(world.nobody.send("POST", "/v1/oauth/token", json=client(world)))
    reply = world.nobody.send(
        "POST", "/v1/oauth/revoke", data={"token": found["access_token"]}, headers={"Authorization": basic}
    )
    assert reply.status_code == 200
    assert not works(world, found["access_token"])


@pytest.mark.parametrize(
    "wrong", [{"client_secret": "x"}, {"client_id": "999"}, {"client_id": ""}, {"client_secret": ""}]
)
def test_wrong_client(world: World, wrong: dict[str, str]) -> None:
    reply = grant(world, client(world, **wrong))
    assert (reply.status_code, reply.json()) == (401, {"error": "Invalid client credentials"})
    assert "www-authenticate" in reply.headers


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
    ],
)
def test_refusals(world: World, form: dict[str, str], word: str) -> None:
    reply = grant(world, form)
    assert (reply.status_code, reply.json()["error"]) == (400, word)


@pytest.mark.parametrize("grant_type", [{}, {"grant_type": "password"}], ids=["no grant type", "grant type"])
def test_a_user_name_and_a_password_are_a_key_s_number_and_the_key(world: World, grant_type: dict[str, str]) -> None:
    known = client(world)
    user = {"username": known["client_id"], "password": known["client_secret"]}
    assert tokens(grant(world, {**user, **grant_type}))
    for wrong in ({"username": "a"}, {"password": "b"}, {"password": ""}):
        reply = grant(world, {**user, **grant_type, **wrong})
        assert (reply.status_code, reply.json()["error"]) == (401, "Invalid client credentials")


def test_json_may_say_null_and_have_the_label_of_json_api(world: World) -> None:
    body = {**client(world), "scope": None, "refresh_token": None}
    tokens(world.nobody.send("POST", "/v1/oauth/token", json=body))
    for label in ("application/vnd.api+json", "Application/VND.api+json; charset=utf-8"):
        content = json.dumps(body).encode()
        tokens(world.nobody.send("POST", "/v1/oauth/token", content=content, headers={"Content-Type": label}))
    without = world.nobody.send("POST", "/v1/oauth/token", json={"grant_type": None})
    assert (without.status_code, without.json()["error"]) == (400, "invalid_request")


def test_parameters_once_and_as_text(world: World) -> None:
    twice = world.nobody.send("POST", "/v1/oauth/token", content=b"grant_type=a&grant_type=b")
    number = world.nobody.send("POST", "/v1/oauth/token", json={"grant_type": 1})
    unreadable = world.nobody.send("POST", "/v1/oauth/token", content=b"grant_type=%ff")
    assert [each.json()["error"] for each in (twice, number, unreadable)] == ["invalid_request"] * 3
    assert {each.status_code for each in (twice, number, unreadable)} == {400}


def test_nobody_uses_or_revokes_what_is_not_theirs(world: World) -> None:
    found = tokens(grant(world, client(world)))
    number, secret = world.app.secret("other", "main")
    theirs = {"client_id": str(number), "client_secret": secret}
    taken = grant(world, refresh(found["refresh_token"], **theirs))
    assert taken.json()["error"] == "invalid_grant"
    other = Api(world.app, secret)
    assert other.send("POST", "/v1/oauth/revoke", data={"token": found["access_token"]}).status_code == 200
    assert works(world, found["access_token"])
    assert world.nobody.send("POST", "/v1/oauth/revoke", data={"token": found["access_token"]}).status_code == 401
    assert world.one.send("POST", "/v1/oauth/revoke", data={}).status_code == 400
