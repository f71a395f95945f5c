"""API keys over HTTP: labels, expiry, rotation with its overlap, and who may do it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from regulars.domain.moments import iso, now_ms
from regulars.http.jsonapi.keys import LONGEST_OVERLAP

from ...in_process import Client, InProcess, application

LATER = "2099-01-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def app(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with application(tmp_path_factory.mktemp("keys"), engine) as running:
        yield running


@pytest.fixture(scope="module")
def admin(app: InProcess) -> Client:
    return app.client(scopes=("read", "write", "admin"))


def made(admin: Client, **attributes: Any) -> dict[str, Any]:
    given = {"scopes": ["read"], **attributes}
    reply = admin.post("/v1/keys", {"data": {"type": "keys", "attributes": given}})
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()["data"]
    return found


def status(admin: Client, secret: str) -> int:
    """What a call with this secret gets, at every door that takes a key."""
    found = {
        int(admin.send("GET", "/v1/sites", headers={"Authorization": f"Bearer {secret}"}).status_code),
        int(admin.send("GET", "/v1/customers", headers={"Authorization": f"Bearer {secret}"}).status_code),
    }
    assert len(found) == 1
    return found.pop()


def form(fields: dict[str, str]) -> dict[str, Any]:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return {"content": urlencode(fields).encode(), "headers": kind}


def test_a_key_is_made_labelled_rotated_and_revoked(admin: Client) -> None:
    key = made(admin, label=" shop ", expires_at=LATER, rate=50, strict=True)
    shown = key["attributes"]
    assert (shown["label"], shown["rate"], shown["strict"], shown["expires_at"]) == ("shop", 50, True, LATER)
    assert status(admin, shown["secret"]) == 200
    change = {"data": {"type": "keys", "id": key["id"], "attributes": {"label": "till"}}}
    changed = admin.send("PATCH", f"/v1/keys/{key['id']}", json=change).json()["data"]["attributes"]
    assert (changed["label"], changed["expires_at"], "secret" in changed) == ("till", LATER, False)
    rotated = admin.post(f"/v1/keys/{key['id']}/rotate", {"overlap_hours": 1})
    assert rotated.status_code == 201, rotated.text
    new = rotated.json()["data"]
    assert (new["attributes"]["label"], new["attributes"]["scopes"], new["attributes"]["rate"]) == (
        "till",
        ["read"],
        50,
    )
    assert {status(admin, shown["secret"]), status(admin, new["attributes"]["secret"])} == {200}
    listed = {each["id"]: each["attributes"] for each in admin.send("GET", "/v1/keys").json()["data"]}
    assert listed[key["id"]]["expires_at"] <= iso(now_ms() + 3_600_000)
    assert "secret" not in listed[new["id"]]
    assert admin.send("DELETE", f"/v1/keys/{new['id']}").status_code == 200
    assert status(admin, new["attributes"]["secret"]) == 401
    assert admin.send("DELETE", f"/v1/keys/{new['id']}").status_code == 404
    assert admin.post(f"/v1/keys/{new['id']}/rotate", {}).status_code == 404


def test_a_key_rotated_without_overlap_is_refused_at_once(admin: Client) -> None:
    key = made(admin)
    secret = key["attributes"]["secret"]
    assert status(admin, secret) == 200
    credentials = {"grant_type": "client_credentials", "client_id": key["id"], "client_secret": secret}
    token = admin.send("POST", "/v1/oauth/token", **form(credentials)).json()["access_token"]
    assert status(admin, token) == 200
    assert admin.post(f"/v1/keys/{key['id']}/rotate", {"overlap_hours": 0}).status_code == 201
    assert {status(admin, secret), status(admin, token)} == {401}
    assert admin.send("POST", "/v1/oauth/token", **form(credentials)).status_code in (400, 401)


def test_what_is_wrong_is_refused_with_its_place(app: InProcess, admin: Client) -> None:
    key = made(admin)
    for attributes, field in (
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"scopes": [["read"]]}, "scopes"),
        ({"scopes": ["webhook"]}, "scopes"),
        ({"rate": -1}, "rate"),
        ({"rate": True}, "rate"),
        ({"strict": "yes"}, "strict"),
        ({"label": 7}, "label"),
        ({"label": "a" * 201}, "label"),
        ({"expires_at": "yesterday"}, "expires_at"),
        ({"expires_at": "2020-01-01"}, "expires_at"),
        ({"hash": "x"}, "hash"),
    ):
        body = {"data": {"type": "keys", "attributes": {"scopes": ["read"], **attributes}}}
        reply = admin.post("/v1/keys", body)
        assert (reply.status_code, field in reply.text) == (400, True), (attributes, reply.text)
    for overlap in (-1, LONGEST_OVERLAP + 1, "1", None, True):
        assert admin.post(f"/v1/keys/{key['id']}/rotate", {"overlap_hours": overlap}).status_code == 400
    for number in ("0", "x", "999999999", "99999999999999999999"):
        assert admin.post(f"/v1/keys/{number}/rotate", {}).status_code == 404
    other = app.client(account="other", site="theirs", scopes=("read", "write", "admin"))
    assert other.post(f"/v1/keys/{key['id']}/rotate", {}).status_code == 404
    assert other.send("DELETE", f"/v1/keys/{key['id']}").status_code == 404
    assert key["id"] not in [each["id"] for each in other.send("GET", "/v1/keys").json()["data"]]
    writing = app.client()
    assert writing.send("GET", "/v1/keys").status_code == 403
    assert writing.post("/v1/keys", {"data": {"type": "keys", "attributes": {"scopes": ["read"]}}}).status_code == 403
