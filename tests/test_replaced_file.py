"""A database file that is deleted, replaced or overwritten below a running server, as callers and the log see it."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .effort import slow
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


@pytest.mark.parametrize("workers", [1, slow(2)])
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


@pytest.mark.parametrize("workers", [1, slow(2)])
def test_a_file_that_is_overwritten_takes_no_write_and_no_log_of_another(workers: int, tmp_path: Path) -> None:
    path, backup = tmp_path / "regulars.db", tmp_path / "backup.db"
    key = make_database(path)
    shutil.copy(path, backup)
    with Server(path) as server:
        assert statuses(server, key) == {200}
    with Server(path, workers=workers) as server:
        assert statuses(server, key) == {200}
        with path.open("r+b") as file:  # as `cp` does
            file.truncate()
            file.write(backup.read_bytes())
        assert statuses(server, key) == {503}
        until(lambda: "was overwritten" in server.log, "nobody noticed it")
        assert [health(server) for _ in range(4)] == [503] * 4
        assert server.log.count("nothing is read or written") <= workers, server.log
        assert "the database cannot be used" not in server.log
    assert path.read_bytes() == backup.read_bytes(), "what was restored was written to"
    with pytest.raises(AssertionError, match="belongs to the database that was there before"):
        Server(path)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()
    with Server(path) as server:
        assert statuses(server, key) == {200}


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
