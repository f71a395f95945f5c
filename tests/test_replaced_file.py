"""A database file that somebody deletes or replaces below a running server, as its callers and its log see it."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .running_server import Server, make_database

_PATIENCE = 20.0


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def statuses(server: Server, key: str, *, calls: int = 6) -> set[int]:
    """What writes are answered, each on a connection of its own, so that several workers are met."""
    found = set()
    for number in range(calls):
        with server.caller(key) as caller:
            found.add(caller.call("POST", "customers", {"email": f"new{number}@example.com"}).status)
    return found


def health(server: Server) -> int:
    with server.caller() as caller:
        return caller.call("GET", "/healthz").status


@pytest.mark.parametrize("workers", [1, 2])
def test_a_deleted_file_takes_no_write_and_is_told_once_a_process(workers: int, tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with Server(path, workers=workers) as server:
        assert statuses(server, key) == {200}
        path.unlink()
        assert statuses(server, key) == {503}
        until(lambda: "deleted or replaced" in server.log, "nobody noticed it")
        assert [health(server) for _ in range(4)] == [503] * 4
        assert statuses(server, key) == {503}
        assert server.log.count("reads and writes are refused") <= workers, server.log
        assert "the database cannot be used" not in server.log
        assert not path.exists(), "an empty database was begun in its place"


def test_a_file_that_is_replaced_while_nobody_asks_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with Server(path) as server:
        assert statuses(server, key, calls=1) == {200}
        copy = tmp_path / "copy.db"
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
        until(lambda: "deleted or replaced" in server.log, "nobody noticed")
        assert health(server) == 503
