"""Who says nothing, or not enough, holds a connection for a limited time, and never ends the service for others."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ..running_server import Server, make_database
from .conftest import Wire
from .raw import RawConnection, head

BRIEF: Any = {
    "REGULARS_HEAD_TIMEOUT": "1",
    "REGULARS_BODY_TIMEOUT": "1",
    "REGULARS_SEND_TIMEOUT": "1",
    "REGULARS_KEEP_ALIVE_TIMEOUT": "2",
}


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server with little patience."""
    path = tmp_path_factory.mktemp("brief") / "regulars.db"
    key = make_database(path)
    with Server(path, **BRIEF) as server:
        yield Wire(server, server.port, key, path)


POST = ("POST", "/api/v1/customers")
SILENCES = {
    "nothing at all": (b"", []),
    "empty lines": (b"\r\n\r\n", []),
    "half a line": (b"GET /heal", [408]),
    "half a head": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Half: ", [408]),
    "a head for ever": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100, [408]),
    "no body": (head(*POST, "{key}", "Content-Length: 40"), [408]),
    "half a body": (head(*POST, "{key}", "Content-Length: 40") + b'{"email":', [408]),
    "half a chunk": (head(*POST, "{key}", "Transfer-Encoding: chunked") + b"ff\r\n{", [408]),
    "no body, without a key": (head(*POST, "Content-Length: 40"), [401]),
    "a request, then nothing": (head("GET", "/healthz"), [200]),
    "a request, then half": (head("GET", "/healthz") + b"GET /heal", [200, 408]),
    "requests, then half a body": (
        head("GET", "/healthz") * 2 + head(*POST, "{key}", "Content-Length: 40") + b"{",
        [200, 200, 408],
    ),
}


def test_silent_connections_are_closed(brief: Wire) -> None:
    """All of them are silent at once: each is waited for as long as the server waits."""
    with ExitStack() as stack:
        connections = {silence: stack.enter_context(brief.connect()) for silence in SILENCES}
        for silence, connection in connections.items():
            connection.send(SILENCES[silence][0].replace(b"{key}", brief.authorization.encode()))
        found = {silence: connection.rest() for silence, connection in connections.items()}  # until the server closes
    statuses = {silence: [answer.status for answer in answers] for silence, answers in found.items()}
    assert statuses == {silence: expected for silence, (_, expected) in SILENCES.items()}
    for silence, answers in found.items():
        if statuses[silence][-1:] == [408]:
            assert answers[-1].json()["code"] == "timeout", silence
            assert answers[-1].headers["connection"] == "close", silence


def test_a_drop_a_second_is_not_enough(brief: Wire) -> None:
    """Each byte does not begin the time anew."""
    with brief.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        connection.socket.settimeout(0.2)
        until = time.monotonic() + 60
        with pytest.raises((ConnectionError, AssertionError)):
            while time.monotonic() < until:
                connection.send(b"x")
                try:
                    assert connection.socket.recv(1, socket.MSG_PEEK) == b""  # the 408 has come
                except TimeoutError:
                    continue
        assert time.monotonic() < until


def test_a_slow_body_that_goes_on_may_go_on(brief: Wire) -> None:
    body = b'{"email": "slow@example.com"}' + b" " * 600_000
    with brief.connect() as connection:
        connection.send(head(*POST, brief.authorization, f"Content-Length: {len(body)}"))
        for at in range(0, len(body), 100_000):  # longer in all than a body may take, each part in time
            connection.send(body[at : at + 100_000])
            time.sleep(0.4)
        answer = connection.answer()
    assert answer is not None
    assert answer.status == 200


def test_who_does_not_take_the_answer_is_given_up(brief: Wire) -> None:
    with brief.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = head("GET", "/openapi.json")
        connection.socket.settimeout(30)
        with pytest.raises(ConnectionError):
            while True:  # until the server has closed: it stops reading long before
                connection.send(request * 50)


def test_the_longest_idle_goes_where_there_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with (
        Server(path, REGULARS_CONNECTIONS_LIMIT="20", REGULARS_HEAD_TIMEOUT="600") as server,
        server.caller(key) as caller,
        ExitStack() as stack,
    ):
        held = [stack.enter_context(RawConnection(server.port)) for _ in range(19)]
        assert caller.call("GET", "customers/nobody@example.com").status == 404
        for connection in held[1:]:
            connection.send(b"GET /heal")
        assert caller.call("GET", "/healthz").status == 200  # the server has seen what was sent
        for n in range(60):
            late = stack.enter_context(RawConnection(server.port))
            late.send(head("GET", "/healthz"))
            answer = late.answer()
            assert answer is not None
            assert answer.status == 200, n
        assert held[0].answer() is None, "the longest idle went first"


def test_at_the_end_of_descriptors_callers_go_on(tmp_path: Path) -> None:
    """Even where the bound on connections is set above what the system allows."""
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with (
        Server(
            path,
            descriptors=96,
            REGULARS_ACCESS_LOG="off",
            REGULARS_CONNECTIONS_LIMIT="5000",
            REGULARS_HEAD_TIMEOUT="600",
        ) as server,
        server.caller(key) as caller,
        ExitStack() as stack,
    ):
        assert caller.call("POST", "customers", {"email": "first@example.com"}).status == 200
        for _ in range(200):
            stack.enter_context(RawConnection(server.port)).send(b"GET /heal")
        for n in range(30):
            assert caller.call("POST", "customers", {"email": f"c{n}@example.com"}).status == 200
            assert caller.call("GET", f"customers/c{n}@example.com").status == 200
            assert caller.call("GET", "/v1/customers?filter[name_contains]=x").status == 200
    assert server.log.count("\n") < 60


def test_more_silent_connections_than_descriptors_end_nothing(tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with Server(path, descriptors=256, REGULARS_HEAD_TIMEOUT="600") as server, ExitStack() as stack:
        for n in range(600):
            stack.enter_context(RawConnection(server.port)).send(b"GET /heal" if n % 2 else b"")
        with server.caller(key) as caller:
            assert caller.call("POST", "customers", {"email": "first@example.com"}).status == 200
            assert caller.call("GET", "/v1/customers").json()["meta"]["total_count"] == 1
    assert "EMFILE" not in server.log
    assert "Too many open files" not in server.log
