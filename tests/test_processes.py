"""Several processes on one file: a write that one answered is in the next answer of every other."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .contents import inconsistencies
from .server import Caller, Server, make_database


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("processes") / "regulars.db"
    return make_database(path), path


@pytest.fixture(scope="module")
def pair(file: tuple[str, Path]) -> Iterator[tuple[Caller, Caller]]:
    """A connection to each of two servers."""
    key, path = file
    with Server(path) as one, Server(path) as other, one.caller(key) as first, other.caller(key) as second:
        yield first, second


def total(caller: Caller, query: str = "") -> int:
    count: int = caller.call("GET", f"/v1/customers?page[size]=1{query}").json()["meta"]["total_count"]
    return count


def test_each_reads_at_once_what_the_other_wrote(pair: tuple[Caller, Caller]) -> None:
    one, other = pair
    before = total(one)
    assert total(other) == before
    for n in range(30):
        writer, reader = pair if n % 2 else pair[::-1]
        email = f"turn{n}@example.com"
        assert writer.call("POST", "customers", {"email": email, "name": f"Turn {n}"}).status == 200
        assert total(reader) == before + n + 1
        assert total(reader, f"&filter[name_contains]=turn {n}".replace(" ", "%20")) >= 1
        assert reader.call("GET", f"customers/{email}").json()["customer"]["name"] == f"Turn {n}"
        assert reader.call("POST", "customers", {"email": email}).json()["result"] == "unchanged"
    assert one.call("DELETE", "customers/turn0@example.com").status == 200
    assert total(other) == before + 29


@pytest.mark.parametrize("workers", ["two servers", "one server with two workers"])
def test_concurrent_writes_to_the_same_customers_lose_nothing(file: tuple[str, Path], workers: str) -> None:
    key, path = file
    writes, people = 40, 5
    started = [Server(path), Server(path)] if workers == "two servers" else [Server(path, workers=2)]
    event = f"counted_{len(started)}"

    def write(server: Server, name: str) -> None:
        with server.caller(key) as caller:
            for n in range(writes):
                email = f"common{n % people}-{event}@example.com"
                assert caller.call("POST", "event", {"event": "view", "email": email}).status == 200
                assert caller.call("POST", "customers", {"email": email, "data": {f"{name}-{n}": n}}).status == 200

    threads = [threading.Thread(target=write, args=(started[n % len(started)], f"w{n}")) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with started[0].caller(key) as caller:
        found = [
            caller.call("GET", f"customers/common{n}-{event}@example.com").json()["customer"] for n in range(people)
        ]
    for server in started:
        server.stop()
    assert sum(customer["lifetime_visits"] for customer in found) == 4 * writes
    assert sum(len(customer["data"]) for customer in found) == 4 * writes
    assert inconsistencies(path) == []
