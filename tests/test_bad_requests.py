"""Requests through a socket that no client library sends: never a 5xx, and nothing is changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .contents import inconsistencies
from .server import Server, make_database


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, Path]]:
    path = tmp_path_factory.mktemp("live") / "regulars.db"
    key = make_database(path)
    with Server(path) as server:
        yield server, key, path


RAW = {
    "raw UTF-8 in the path": b"GET /api/v1/customers/j\xc3\xbcrgen@example.com HTTP/1.1\r\nHost: x\r\n",
    "raw Latin-1 in the path": b"GET /api/v1/customers/j\xfcrgen@example.com HTTP/1.1\r\nHost: x\r\n",
    "a space in the path": b"GET /api/v1/customers/a b@example.com HTTP/1.1\r\nHost: x\r\n",
    "a NUL in the path": b"GET /api/v1/customers/a\x00@example.com HTTP/1.1\r\nHost: x\r\n",
    "dots": b"GET /api/v1/customers/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n",
    "an absolute target": b"GET http://other.example/api/v1/groups HTTP/1.1\r\nHost: x\r\n",
    "a target without a slash": b"GET api/v1/groups HTTP/1.1\r\nHost: x\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n",
    "no host": b"GET /api/v1/groups HTTP/1.1\r\n",
    "HTTP/1.0": b"GET /api/v1/groups HTTP/1.0\r\n",
    "a wrong content length": b"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n",
    "two content lengths": b"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
    "a broken chunk": b"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an announced body of 10 GB": b"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n",
    "a body that never comes": b"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a header of 100 kB": b"GET /api/v1/groups HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n",
    "a path of 100 kB": b"GET /api/v1/customers/" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n",
}


@pytest.mark.parametrize("request_", RAW)
def test_a_request_that_no_library_sends(live: tuple[Server, str, Path], request_: str) -> None:
    server, key, path = live
    authorized = RAW[request_] + f"Authorization: Bearer {key}\r\n\r\n".encode()
    reply = server.exchange(authorized)
    assert not reply.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5")), reply[:300]
    assert "Traceback" not in server.log
    with server.caller(key) as caller:
        assert caller.call("GET", "groups").json()["groups"] == []
    assert inconsistencies(path) == []


def test_a_body_over_the_limit_is_refused_before_it_is_sent(live: tuple[Server, str, Path]) -> None:
    server, key, _ = live
    reply = server.exchange(
        f"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        "Content-Length: 10000000000\r\n\r\n".encode()
    )
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in reply.lower()


def test_a_caller_who_leaves_in_the_middle_of_a_body_changes_nothing(live: tuple[Server, str, Path]) -> None:
    server, key, path = live
    head = f"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 40\r\n\r\n"
    server.exchange(head.encode() + b'{"email": "left@example.com"}')
    with server.caller(key) as caller:
        assert caller.call("GET", "customers/left@example.com").status == 404
    assert inconsistencies(path) == []
    assert "Traceback" not in server.log
