"""Who may call: every way of presenting a key, and what those are told who bring none, or a wrong one."""

import base64
import time
from collections.abc import Callable

import pytest

from regulars.http import keyring
from regulars.store import control
from tests.effort import slow
from tests.http.checks import done, refused
from tests.in_process import Client, InProcess


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


WAYS: dict[str, Callable[[str], dict[str, str]]] = {
    "Basic, empty password": lambda key: {"Authorization": basic(f"{key}:")},
    "Basic, some password": lambda key: {"Authorization": basic(f"{key}:x")},
    "Basic, a long password": lambda key: {"Authorization": basic(f"{key}:{'x' * 1000}")},
    "Basic, the bare key": lambda key: {"Authorization": basic(key)},
    "basic, lower case": lambda key: {"Authorization": basic(f"{key}:").replace("Basic", "basic")},
    "Bearer": lambda key: {"Authorization": f"Bearer {key}"},
    "X-SWU-API-KEY": lambda key: {"X-SWU-API-KEY": key},
    "both, as some Sendwithus clients send": lambda key: {"Authorization": basic(f"{key}:"), "X-SWU-API-KEY": key},
}
WRONG = {
    "unknown, Basic": {"Authorization": basic("rg_unknown:")},
    "unknown, Bearer": {"Authorization": "Bearer rg_unknown"},
    "empty Basic": {"Authorization": basic(":")},
    "no base64": {"Authorization": "Basic %%%"},
    "no UTF-8": {"Authorization": "Basic /////w=="},
    "Basic, not ASCII": {"Authorization": "Basic é"},
    "long Bearer": {"Authorization": f"Bearer {'x' * 1000}"},
    "empty Bearer": {"Authorization": "Bearer"},
    "other scheme": {"Authorization": "Digest username=x"},
    "not ASCII": {"Authorization": "Bearer ü"},
}


@pytest.fixture(scope="module")
def key(app: InProcess) -> str:
    return app.secret()[1]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_presenting_a_key(app: InProcess, key: str, way: str) -> None:
    done(Client(app, WAYS[way](key)).get("groups"))


def test_without_credentials(app: InProcess) -> None:
    nobody = Client(app, {})
    response = nobody.get("groups")
    refused(response, "not_authenticated")
    challenge = response.headers["www-authenticate"]
    assert "Basic realm=" in challenge
    assert "Bearer realm=" in challenge
    for empty in ("", " "):
        refused(Client(app, {"Authorization": empty}).get("groups"), "not_authenticated")
    told = nobody.having(X_SWU_API_CLIENT="node-1").get("groups")
    assert (told.status_code, told.headers["content-type"]) == (403, "text/plain; charset=utf-8")


def test_an_empty_header_does_not_hide_the_other(app: InProcess, key: str) -> None:
    done(Client(app, {"Authorization": "", "X-SWU-API-KEY": key}).get("groups"))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_key_that_nobody_has(app: InProcess, wrong: str) -> None:
    stranger = Client(app, WRONG[wrong])
    assert refused(stranger.get("groups"), "key_unknown")["message"] == "Not authorized"
    told = stranger.having(X_SWU_API_CLIENT="node-1").get("groups")
    assert (told.status_code, told.text) == (403, "Not authorized.")


def test_the_key_is_checked_before_the_path_s_customer_and_the_body(app: InProcess) -> None:
    stranger = Client(app, {"Authorization": "Bearer rg_unknown"})
    before = app.contents()
    refused(stranger.post("customers", content=b"{broken"), "key_unknown")
    refused(stranger.post("customers", {"email": "stranger@example.com"}), "key_unknown")
    refused(stranger.post("batch", [{"path": "customers", "method": "POST", "body": {}}]), "key_unknown")
    refused(stranger.delete("customers/nonsense"), "key_unknown")
    assert app.contents() == before


@pytest.mark.parametrize(("dialect", "status"), [("sendwithus", 400), ("blueshift", 404), (None, 404)])
def test_a_key_s_dialect_decides_where_the_headers_do_not(app: InProcess, dialect: str | None, status: int) -> None:
    client = app.client(dialect=dialect)
    for caller in (
        client,
        Client(app, {"Authorization": basic(client.headers["Authorization"].removeprefix("Bearer "))}),
    ):
        reply = caller.delete("groups/grp_unknown")
        assert reply.status_code == status
        kind = "text/plain; charset=utf-8" if dialect == "sendwithus" else "application/json"
        assert reply.headers["content-type"] == kind


def test_the_headers_of_a_sendwithus_client_outweigh_a_key_s_dialect(app: InProcess) -> None:
    client = app.client(dialect="blueshift").having(X_SWU_API_CLIENT="java-1")
    assert client.get("customers/nobody@example.com").headers["content-type"] == "text/plain; charset=utf-8"


READS = [("GET", "customers/{}"), ("GET", "customers?email={}"), ("GET", "customers/{}/logs"), ("GET", "groups")]
WRITES = [
    ("POST", "customers"),
    ("POST", "customers/bulk"),
    ("POST", "customers/delete"),
    ("DELETE", "customers/{}"),
    ("POST", "customers/{}/groups/grp_scope"),
    ("DELETE", "customers/{}/groups/grp_scope"),
    ("POST", "groups"),
    ("PUT", "groups/grp_scope"),
    ("DELETE", "groups/grp_scope"),
    ("POST", "event"),
    ("POST", "bulkevents"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_read_only_key_changes_nothing(app: InProcess, api: Client, method: str, path: str) -> None:
    done(api.post("customers", {"email": "scoped@example.com", "groups": ["grp_scope"]}))
    before = app.contents()
    reader = app.client(scopes=("read",))
    body = {"email": "scoped@example.com", "event": "view", "name": "New", "customers": [], "events": []}
    error = refused(reader.send(method, path.format("scoped@example.com"), body), "scope_missing")
    assert "write" in error["error"]
    assert app.contents() == before


@pytest.mark.parametrize(("method", "path"), READS)
def test_a_write_only_key_reads_nothing(app: InProcess, api: Client, method: str, path: str) -> None:
    done(api.post("customers", {"email": "scoped@example.com"}))
    done(app.client(scopes=("read",)).send(method, path.format("scoped@example.com")))
    error = refused(app.client(scopes=("write",)).send(method, path.format("scoped@example.com")), "scope_missing")
    assert "read" in error["error"]


@pytest.mark.parametrize("seconds", [0.2, slow(keyring.REMEMBERED_SECONDS)])
def test_a_revoked_key_is_refused_within_five_seconds(
    app: InProcess, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keyring.REMEMBERED_SECONDS < 5
    monkeypatch.setattr(keyring, "REMEMBERED_SECONDS", seconds)
    number, secret = app.secret()
    client = Client(app, {"Authorization": f"Bearer {secret}"})
    done(client.get("groups"))
    assert app.run(control.revoke_key(app.store.engine, number, now=int(time.time() * 1000)))
    revoked = time.monotonic()
    while client.get("groups").status_code == 200:
        assert time.monotonic() < revoked + 5
        time.sleep(0.1)
    refused(client.get("groups"), "key_unknown")


def test_what_another_account_has_is_answered_like_what_is_not_there(app: InProcess) -> None:
    """Neither seen, nor changed, nor in the way."""
    mine, theirs = app.client(), app.client(account="other", site="shop")
    address = "shared@example.com"
    made = done(mine.post("customers", {"email": address, "customer_id": "shared", "groups": ["grp_mine"]}))["customer"]
    done(mine.post("event", {"event": "email_sent", "email": address, "log_id": "log_mine"}))
    done(mine.post("groups", {"name": "Ours"}))
    for who in (address, made["uuid"]):
        refused(theirs.get(f"customers/{who}"), "customer_not_found")
        refused(theirs.get(f"customers/{who}/logs"), "customer_not_found")
        assert done(theirs.delete(f"customers/{who}"))["result"] == "unchanged"
        refused(theirs.delete(f"customers/{who}/groups/grp_mine"), "customer_not_found")
    assert done(theirs.get("customers?customer_id=shared"))["customers"] == []
    assert done(theirs.post("customers/delete", {"customer_id": "shared"}))["result"] == "unchanged"
    refused(theirs.post("customers", {"uuid": made["uuid"], "firstname": "X"}), "customer_not_found")
    assert done(theirs.get("groups"))["groups"] == []
    refused(theirs.put("groups/grp_mine", {"name": "Theirs"}), "object_not_found")
    refused(theirs.delete("groups/grp_mine"), "object_not_found")
    own = done(theirs.post("customers", {"email": address, "customer_id": "shared"}))
    assert own["result"] == "created"
    assert own["customer"]["uuid"] != made["uuid"]
    done(theirs.post("event", {"event": "email_opened", "email": address, "log_id": "log_mine"}))
    assert done(mine.get(f"customers/{address}"))["customer"] == made
    assert [log["status"] for log in done(mine.get(f"customers/{address}/logs"))["logs"]] == ["sent"]


def test_two_sites_of_one_account_are_apart_on_the_classic_surface(app: InProcess) -> None:
    main, shop = app.client(), app.client(site="shop")
    done(main.post("customers", {"email": "of-main@example.com"}))
    refused(shop.get("customers/of-main@example.com"), "customer_not_found")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["templates", "templates/tem_1", "nothing/at/all", "emails", "customers"])
def test_the_key_is_checked_before_the_route_is_looked_for(app: InProcess, method: str, path: str) -> None:
    stranger = Client(app, {"Authorization": "Bearer rg_unknown"})
    refused(stranger.send(method, path), "key_unknown")
    told = stranger.having(X_SWU_API_CLIENT="node-1").send(method, path)
    assert (told.status_code, told.text) == (403, "Not authorized.")
    jsonapi = stranger.send(method, f"/v1/{path}")
    assert (jsonapi.status_code, jsonapi.json()["errors"][0]["status"]) == (401, "401")
    refused(Client(app, {}).send(method, path), "not_authenticated")


def test_the_key_is_checked_before_media_types(app: InProcess) -> None:
    stranger = Client(app, {"Authorization": "Bearer rg_unknown", "Accept": "application/vnd.api+json;x=1"})
    assert stranger.get("/v1/customers").status_code == 401


def test_open_calls_ask_for_no_key(app: InProcess) -> None:
    stranger = Client(app, {"Authorization": "Bearer rg_unknown"})
    assert stranger.get("/v1/version").status_code == 200
    assert stranger.post("/v1/version").status_code == 405
    assert stranger.get("/nothing").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "templates", None),
        ("PATCH", "groups", None),
        ("GET", "customers/nobody@example.com", None),
        ("GET", "customers/nonsense", None),
        ("POST", "customers", b"{broken"),
        ("POST", "customers", b"{}"),
        ("DELETE", "groups/unknown", None),
        ("POST", "customers/bulk", b'{"customers": 1}'),
    ],
)
def test_a_key_of_sendwithus_is_told_every_error_as_text(app: InProcess, method: str, path: str, body: bytes) -> None:
    reply = app.client(dialect="sendwithus").send(method, path, content=body)
    assert reply.status_code >= 400
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.text.strip()[-1] in ".!?"
    with pytest.raises(ValueError, match="Expecting"):
        reply.json()
