"""Several processes on one database: a write that one answered is in the next answer of every other."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from .audience_truth import answer, records
from .contents import inconsistencies
from .databases import ENGINES, empty_database
from .effort import slow
from .running_server import Caller, Server, database_url, make_database


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


def test_each_counts_the_events_that_the_other_recorded(pair: tuple[Caller, Caller]) -> None:
    one, other = pair
    assert one.call("POST", "customers", {"email": "rating@example.com"}).status == 200
    for n in range(1, 13):
        writer, reader = pair if n % 2 else pair[::-1]
        event = {"event": "rated", "email": "rating@example.com", "stars": 3 + n % 3, "data": {"round": n}}
        assert writer.call("POST", "event", event).status == 200
        for caller in (reader, writer):  # both have columns, built at different times, that follow
            assert total(caller, f"&q=did%20rated%20%3D%20{n}") == 1
            assert total(caller, f"&q=did%20rated%20%3E%20{n}") == 0
            assert total(caller, f"&q=sum(rated.stars)%20%3D%20{sum(3 + each % 3 for each in range(1, n + 1))}") == 1
    assert other.call("DELETE", "customers/rating@example.com").status == 200
    assert total(one, "&q=did%20rated") == 0


def test_each_asks_with_the_definition_that_the_other_saved(pair: tuple[Caller, Caller]) -> None:
    one, other = pair
    assert one.call("POST", "customers", {"email": "turned@example.com", "customer_id": "turned"}).status == 200

    def saved(writer: Caller, method: str, path: str, q: str) -> None:
        attributes = {"name": "Turning", "key": "turning", "q": q}
        body = {"data": {"type": "audiences", "attributes": attributes}}
        assert writer.call(method, f"/v1/audiences{path}", body).status in (200, 201)

    saved(one, "POST", "", "customer_id = turned")
    for n in range(10):
        assert total(other, "&q=in%20audience/turning") == 1
        assert total(one, "&q=in%20audience/turning") == 1
        saved(pair[n % 2], "PATCH", "/turning", "nobody")
        assert total(pair[1 - n % 2], "&q=in%20audience/turning") == 0
        saved(pair[1 - n % 2], "PATCH", "/turning", "customer_id = turned")


@pytest.mark.parametrize("writes", [15, slow(40)])
@pytest.mark.parametrize("workers", ["two servers", slow("one server with two workers")])
def test_concurrent_writes_to_the_same_customers_lose_nothing(
    file: tuple[str, Path], workers: str, writes: int
) -> None:
    key, path = file
    people = 5
    started = [Server(path), Server(path)] if workers == "two servers" else [Server(path, workers=2)]
    event = f"counted_{len(started)}_{writes}"

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


STABLE, OWN = 60, 4
"""People nobody changes, and how many customers the writes of each server are about."""


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with empty_database(tmp_path, request.param) as path:
        yield path


class Site:
    """Two servers on a database, and an importer beside them."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.key = make_database(path)

    def importing(self, people: list[dict[str, str]]) -> subprocess.Popen[str]:
        file = self.folder / "people.ndjson"
        file.write_text("".join(json.dumps(each) + "\n" for each in people))
        command = [sys.executable, "-m", "regulars", "import", "customers", str(file), "--json"]
        return subprocess.Popen(
            [*command, "--database", database_url(self.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def write(self, mine: Server, other: Server, name: str, turns: int) -> None:
        """Switch customers between "on" and "off" at one server; the other knows it at once."""
        with mine.caller(self.key) as writer, other.caller(self.key) as reader:
            for n in range(turns):
                email, state = f"{name}{n % OWN}@example.com", "on" if n // OWN % 2 else "off"
                assert writer.call("POST", "customers", {"email": email, "name": f"{state} {name}"}).status == 200
                for asked in ("on", "off"):
                    found = listed(reader, {"filter[email]": email, "filter[name_contains]": f"{asked} {name}"})
                    assert found["meta"]["total_count"] == (asked == state), (email, n)

    def read(self, server: Server, going: threading.Event) -> int:
        """Read pages until the work is done; each must be right by itself, and a walk by cursor as a whole."""
        rounds = 0
        with server.caller(self.key) as caller:
            while going.is_set() or not rounds:
                for page in (1, 2, 7):
                    assert_adds_up(caller, "on ", size=20, page=page)
                walked: list[str] = []
                query = {"filter[name_contains]": "stable", "sort": "email", "page[size]": "20", "page[after]": ""}
                document = listed(caller, query)
                walked += names(document)
                while (following := document["links"]["next"]) is not None:
                    document = caller.call("GET", following.removeprefix(f"http://127.0.0.1:{server.port}")).json()
                    walked += names(document)
                assert sorted(walked) == [f"stable {n:03}" for n in range(STABLE)]
                rounds += 1
        return rounds


def listed(caller: Caller, query: dict[str, str]) -> Any:
    return caller.call("GET", f"/v1/customers?{urlencode(query)}").json()


def names(document: Any) -> list[str]:
    return [each["attributes"]["name"] for each in document["data"]]


def assert_adds_up(caller: Caller, text: str, *, size: int, page: int) -> None:
    """A page has as many rows as its own total says, each matches the filter, in order, and none is there twice."""
    query = {"filter[name_contains]": text, "sort": "-name", "page[size]": str(size), "page[number]": str(page)}
    document = listed(caller, query)
    shown, total = names(document), document["meta"]["total_count"]
    assert len(shown) == max(0, min(size, total - (page - 1) * size))
    assert all(text in name for name in shown), shown
    assert shown == sorted(shown, reverse=True)
    assert len({each["id"] for each in document["data"]}) == len(shown)


@pytest.mark.parametrize(("people", "turns"), [(200, 5), slow(1_000, 20)])
def test_pages_are_right_while_two_servers_and_an_importer_write(
    database: Path, tmp_path: Path, people: int, turns: int
) -> None:
    site = Site(database, tmp_path)
    imported = [{"email": f"i{n}@example.com", "name": f"{'on' if n % 3 else 'off'} import"} for n in range(people)]
    going = threading.Event()
    going.set()
    with Server(database) as one, Server(database) as other, ThreadPoolExecutor(4) as threads:
        with one.caller(site.key) as caller:
            for n in range(STABLE):
                person = {"email": f"stable{n}@example.com", "name": f"stable {n:03}"}
                assert caller.call("POST", "customers", person).status == 200
        readers = [threads.submit(site.read, server, going) for server in (one, other)]
        importer = site.importing(imported)
        writers = [
            threads.submit(site.write, one, other, "a", turns),
            threads.submit(site.write, other, one, "b", turns),
        ]
        try:
            for writer in writers:
                writer.result(120)
            out, err = importer.communicate(timeout=300)
        finally:
            going.clear()
        assert all(reader.result(60) > 0 for reader in readers)
        assert json.loads(out)["created"] == people, err
        now = time.time_ns() // 1_000_000
        for filters in ([], [("name_contains", "on ")], [("name_contains", "off"), ("email_contains", "i1")]):
            expected = answer(records(database), filters, "-name", now)
            for server in (one, other):
                with server.caller(site.key) as caller:
                    query = {f"filter[{name}]": value for name, value in filters} | {
                        "sort": "-name",
                        "page[size]": "50",
                    }
                    found = listed(caller, query)
                    assert found["meta"]["total_count"] == len(expected)
                    assert [int(each["id"]) & 0xFFFFFFFF for each in found["data"]] == expected[:50]
        assert len(expected) > 0
    assert inconsistencies(database) == []


def test_an_object_is_deleted_at_one_server_while_both_are_asked_about_it(database: Path) -> None:
    key, people = make_database(database), 40
    with (
        Server(database) as one,
        Server(database) as other,
        ThreadPoolExecutor(3) as threads,
        one.caller(key) as first,
        other.caller(key) as second,
    ):
        group = first.call("POST", "groups", {"name": "passing"}).json()["group"]["id"]
        everybody = [{"email": f"member{n}@example.com", "groups": [group]} for n in range(people)]
        assert first.call("POST", "customers/bulk", {"customers": everybody}).status == 200
        found_group = first.call("GET", f"/v1/groups?{urlencode({'filter[name_cont]': 'passing'})}").json()["data"][0]
        asked = {"filter[in_group_id]": found_group["id"], "page[size]": "1"}
        assert [listed(each, asked)["meta"]["total_count"] for each in (first, second)] == [people, people]

        gone = threading.Event()

        def ask(server: Server) -> list[int]:
            """How many are in the group, until the first answer after its deletion."""
            found = []
            with server.caller(key) as caller:
                while True:
                    is_last = gone.is_set()
                    found.append(listed(caller, asked)["meta"]["total_count"])
                    if is_last:
                        return found

        def write() -> None:
            """Change members at the other server meanwhile; no upsert names the group."""
            with other.caller(key) as caller:
                for n in range(people):
                    body = {"email": f"member{n}@example.com", "name": f"Member {n}"}
                    assert caller.call("POST", "customers", body).status == 200

        asking = [threads.submit(ask, server) for server in (one, other)]
        writing = threads.submit(write)
        try:
            assert first.call("DELETE", f"groups/{group}").status == 200
        finally:
            gone.set()
        writing.result(60)
        for each in asking:
            found = each.result(60)
            assert found[-1] == 0
            assert set(found) <= {people, 0}, "an object is deleted as a whole"
            assert found == sorted(found, reverse=True)
        for caller in (first, second):
            assert listed(caller, asked)["meta"]["total_count"] == 0
            assert listed(caller, {"filter[email_contains]": "member"})["meta"]["total_count"] == people
    assert inconsistencies(database) == []
