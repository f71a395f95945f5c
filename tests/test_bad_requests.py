"""Requests through a socket that no client library sends: never a 5xx, and nothing is changed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .contents import inconsistencies
from .running_server import Server, make_database

pytestmark = pytest.mark.xdist_group("bad requests")  # they share what takes seconds to make


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


GET = b"GET /api/v1/groups HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
LONG = b"x" * 300_000
"""More than the server reads at a time."""

UNREADABLE = {
    "a header of 300 kB": (431, GET + b"X-Long: " + LONG + b"\r\n\r\n"),
    "a header of 66 kB": (431, GET + b"X-Long: " + b"x" * 66_000 + b"\r\n\r\n"),
    "a header without end": (431, GET + b"X-Long: " + LONG),
    "headers without end": (431, GET + b"X: y\r\n" * 60_000),
    "a target without end": (431, b"GET /" + LONG),
    "raw UTF-8 in the path": (400, b"GET /j\xc3\xbcrgen HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a method that there is not": (400, b"FOO /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "not HTTP": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a broken chunk": (400, CHUNKED + b"\r\nzz\r\n"),
    "a wrong content length": (400, b"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"),
}


def replies(found: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """The answers in what a connection gave: status, headers, body."""
    listed = []
    while found:
        head, _, found = found.partition(b"\r\n\r\n")
        line, *rest = head.decode().split("\r\n")
        headers = {name.lower(): text for name, _, text in (each.partition(": ") for each in rest)}
        length = int(headers["content-length"])
        listed.append((int(line.split()[1]), headers, found[:length]))
        found = found[length:]
    return listed


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_what_is_no_request_gets_an_error_like_any_other(live: tuple[Server, str, Path], unreadable: str) -> None:
    status, sent = UNREADABLE[unreadable]
    [(told, headers, body)] = replies(live[0].exchange(sent))
    assert told == status
    assert json.loads(body)["code"] == {400: "malformed", 431: "head_too_large"}[status]
    assert headers["x-request-id"]
    assert headers["connection"] == "close"


@pytest.mark.parametrize(
    "rest", [b"2\r\n{}\r\n0\r\nX: " + LONG + LONG, b"2;" + LONG + LONG], ids=["trailers", "a chunk's line"]
)
def test_what_is_neither_head_nor_body_may_not_go_on_for_ever(live: tuple[Server, str, Path], rest: bytes) -> None:
    server, key, _ = live
    head = CHUNKED + f"Authorization: Bearer {key}\r\n\r\n".encode()
    [(status, headers, _)] = replies(server.exchange(head + rest))
    assert (status, headers["connection"]) == (431, "close")


@pytest.mark.parametrize(
    ("sent", "media_type", "begin"),
    [
        (b"GET /v1/customers HTTP/1.1\r\nX-Request-Id: mine\r\nHost: x\r\nBad Header\r\n\r\n", "json", b'{"errors":['),
        (
            b"GET /api/v1/groups HTTP/1.1\r\nX-Request-Id: mine\r\nX-SWU-API-CLIENT: x\r\nA: b\r\nBad Header\r\n\r\n",
            "plain",
            b"The",
        ),
    ],
    ids=["JSON:API", "Sendwithus"],
)
def test_it_is_told_in_the_callers_dialect(
    live: tuple[Server, str, Path], sent: bytes, media_type: str, begin: bytes
) -> None:
    [(status, headers, body)] = replies(live[0].exchange(sent))
    assert status == 400
    assert media_type in headers["content-type"]
    assert headers["x-request-id"] == "mine"
    assert body.startswith(begin)


def test_requests_before_it_on_the_connection_are_answered_first(live: tuple[Server, str, Path]) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    sent = asked + asked + b"FOO / HTTP/1.1\r\n\r\n" + asked
    assert [status for status, _, _ in replies(live[0].exchange(sent))] == [200, 200, 400]


def test_a_large_body_is_no_large_head(live: tuple[Server, str, Path]) -> None:
    server, key, _ = live
    body = json.dumps({"email": "large@example.com", "padding": "x" * 40_000}).encode() + b" " * 900_000
    post = f"POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nX-Long: {'x' * 60_000}\r\n"
    plain = f"{post}Content-Length: {len(body)}\r\n\r\n".encode() + body
    chunk = b"%x\r\n%b\r\n" % (len(body), body)
    chunked = f"{post}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk + b"0\r\n\r\n"
    assert [status for status, _, _ in replies(server.exchange(plain + chunked + plain))] == [200, 200, 200]
