"""What every request must have and every reply has, and what noise and half-closed connections do."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from regulars.http.surfaces import UNKNOWN_PATHS

from ..running_server import Server, make_database
from .conftest import Wire
from .raw import head

HOSTS = {
    "missing": (400, head("GET", "/healthz", host=None)),
    "twice": (400, head("GET", "/healthz", "Host: x")),
    "twice, in HTTP/1.0": (400, head("GET", "/healthz", "Host: x", version="1.0")),
    "missing, in HTTP/1.0": (200, head("GET", "/healthz", host=None, version="1.0")),
    "empty": (200, head("GET", "/healthz", host="")),
    "once": (200, head("GET", "/healthz", "Connection: close")),
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_request_has_one_host(wire: Wire, host: str) -> None:
    status, sent = HOSTS[host]
    with wire.connect() as connection:
        connection.send(sent)
        connection.end()
        [answer] = connection.rest()
    assert answer.status == status
    if status == 400:
        assert answer.json()["code"] == "malformed"
        assert "Host" in answer.json()["error"]


@pytest.mark.parametrize("version", ["2.0", "0.9", "3.0", "1.2"])
def test_other_versions_of_http_are_not_spoken(wire: Wire, version: str) -> None:
    with wire.connect() as connection:
        connection.send(head("GET", "/healthz", version=version))
        [answer] = connection.rest()
    assert (answer.status, answer.json()["code"]) == (505, "http_version")
    assert answer.headers["connection"] == "close"


REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "NUL in a header": (400, {"headers": ("Accept: a\0b",)}),
    "a long head": (431, {"headers": ("X-Long: " + "a" * 200_000,)}),
    "no host": (400, {"host": None}),
    "another version": (505, {"version": "3.0"}),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_each_kind_of_error_page_says_that_a_request_could_not_be_read(wire: Wire, refused: str) -> None:
    status, parts = REFUSED[refused]
    headers = (*parts.get("headers", ()), "Connection: close")
    for path in ("/admin", "/admin/sites/main/overview", *(each.prefix + "x" for each in UNKNOWN_PATHS if each.prefix)):
        with wire.connect() as connection:
            connection.send(head("GET", path, *headers, **{k: v for k, v in parts.items() if k != "headers"}))
            [answer] = connection.rest()
        assert (path, answer.status) == (path, status)
        assert answer.headers["cache-control"] == "no-store"


REPLIES = {
    "a customer": (200, "GET", "/api/v1/customers/reply@example.com"),
    "a list": (200, "GET", "/v1/customers"),
    "an error": (404, "GET", "/api/v1/customers/nobody@example.com"),
    "a refusal": (400, "GET", "/api/v1/customers/\xfc"),
}


@pytest.mark.parametrize("reply", REPLIES)
def test_no_cache_keeps_a_reply_and_no_browser_guesses_its_type(wire: Wire, reply: str) -> None:
    status, method, path = REPLIES[reply]
    with wire.server.caller(wire.key) as caller:
        assert caller.call("POST", "customers", {"email": "reply@example.com"}).status == 200
    with wire.connect() as connection:
        connection.send(head(method, path, wire.authorization))
        answer = connection.answer()
    assert answer is not None
    assert answer.status == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


class TestHalfClose:
    """The client shuts its sending side at once, and is answered."""

    def test_one_request(self, wire: Wire) -> None:
        body = json.dumps({"email": "half@example.com"}).encode()
        with wire.connect() as connection:
            connection.send(
                head("POST", "/api/v1/customers", wire.authorization, f"Content-Length: {len(body)}") + body
            )
            connection.end()
            [answer] = connection.rest()
        assert answer.json()["result"] in ("created", "unchanged")
        assert answer.headers["connection"] == "close"

    def test_several_requests(self, wire: Wire) -> None:
        with wire.connect() as connection:
            connection.send(head("GET", "/v1/customers", wire.authorization) * 5)
            connection.end()
            assert [answer.status for answer in connection.rest()] == [200] * 5

    @pytest.mark.parametrize(
        "unfinished",
        [b"GET /heal", head("POST", "/api/v1/customers", "Authorization: Bearer x", "Content-Length: 40") + b"{"],
        ids=["half a head", "half a body"],
    )
    def test_what_came_in_whole_before_half_a_request(self, wire: Wire, unfinished: bytes) -> None:
        with wire.connect() as connection:
            connection.send(head("GET", "/v1/customers", wire.authorization) * 3 + unfinished)
            connection.end()
            assert [answer.status for answer in connection.rest()][:3] == [200] * 3

    def test_half_a_body_is_carried_out_by_nobody(self, wire: Wire) -> None:
        body = json.dumps({"email": "half-body@example.com"}).encode()
        length = f"Content-Length: {len(body) + 1}"
        with wire.connect() as connection:
            connection.send(head("POST", "/api/v1/customers", wire.authorization, length) + body)
            connection.end()
            assert connection.rest() == []
        with wire.server.caller(wire.key) as caller:
            assert caller.call("GET", "customers/half-body@example.com").status == 404

    def test_nothing_at_all(self, wire: Wire) -> None:
        with wire.connect() as connection:
            connection.end()
            assert connection.rest() == []


def test_the_noise_of_bad_requests_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    make_database(path)
    with Server(path, REGULARS_ACCESS_LOG="off") as server:
        started = time.monotonic()
        for _ in range(100):
            server.exchange_all(b"\x16\x03\x01")
            server.exchange_all(head("GET", "/healthz", "Connection: Upgrade, close", "Upgrade: websocket"))
        lines = [line for line in server.log.splitlines() if "listening" not in line]
        assert len(lines) <= 1 + (time.monotonic() - started) / 10, lines


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_exit_status_after_sigterm_is_0(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    server = Server(path, workers=workers)
    with server.caller(key) as caller:
        assert caller.call("GET", "/healthz").status == 200
    assert server.stop() == 0
