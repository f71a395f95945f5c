"""The event loop is not held by what grows with a site: the rows that it is given in one turn are counted."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import apsw
import pytest

from regulars.domain.commands import LinkProducts, Relate, SaveObject
from regulars.domain.identity import Who
from regulars.store import sqlite
from regulars.store.engine import SLICE

from ..databases import Query
from ..in_process import Client, InProcess
from ..store.running import upsert

OBJECTS = 2 * SLICE + 500


class Turns:
    """Counts the rows that SQLite hands to the event loop's thread in one turn of the loop.

    A JSON array in a row counts as its elements do.
    """

    def __init__(self) -> None:
        self.most = 0
        self._rows = 0
        self._thread = threading.get_ident()

    def trace(self, _: apsw.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if threading.get_ident() == self._thread:
            if not self._rows:
                asyncio.get_running_loop().call_soon(self._end)
            self._rows += 1 + sum(value.count("],[") for value in row if isinstance(value, str))
            self.most = max(self.most, self._rows)
        return row

    def _end(self) -> None:
        self._rows = 0


@pytest.fixture(scope="module")
def turns() -> Iterator[Turns]:
    counted = Turns()
    connect: Callable[..., apsw.Connection] = vars(sqlite)["connect"]

    def traced(*given: Any) -> apsw.Connection:
        connection = connect(*given)
        connection.row_trace = counted.trace
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "connect", traced)
        yield counted


@pytest.fixture(scope="module")
def full(turns: Turns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A site with many groups, products that one offer has, and one customer with many tags."""
    with InProcess(tmp_path_factory.mktemp("bounds") / "full.db") as app:
        api = app.client()
        ledger = app.store.ledger
        named: list[Any] = [
            SaveObject(kind=kind, key=f"{kind}-{number:05}", name=f"{kind} {number % 700} {number}", description="it")
            for kind in ("group", "product", "tag")
            for number in range(OBJECTS)
        ]
        for start in range(0, len(named), 2_000):
            app.run(ledger.submit_all(1, named[start : start + 2_000]))
        ties: list[Any] = [upsert(email="a@example.com"), SaveObject(kind="offer", key="all", name="All")]
        for start in range(0, OBJECTS, 500):
            keys = [f"{start + each:05}" for each in range(500)]
            for kind, relation in (("tag", "tag.has"), ("group", "group.member")):
                ties.append(Relate(Who(number=1), relation, tuple(f"{kind}-{key}" for key in keys), "add"))
            ties.append(LinkProducts("all", tuple(f"product-{key}" for key in keys), "add"))
        outcomes = app.run(ledger.submit_all(1, ties))
        assert all(outcome.refusal is None for outcome in outcomes)
        _rest(app)
        yield api


def _rest(app: InProcess) -> None:
    """Wait until no job is due or running: a job that the start made due reads slices too, in turns of its own."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        app.run(asyncio.sleep(0.05))
        with Query(app.path) as read:
            busy = f"SELECT count(*) FROM jobs WHERE state = 'running' OR due_at <= {time.time_ns() // 1_000_000}"
            if not read.value(busy):
                return
    raise AssertionError("the jobs did not come to rest")


CALLS = (
    "/api/v1/groups",
    "/v1/groups",
    "/v1/groups?page[number]=90",
    "/v1/groups?sort=-name&page[number]=50",
    "/v1/groups?sort=-created_at",
    "/v1/groups?sort=description",
    "/v1/groups?filter[name_cont]=group 6&sort=-id",
    "/v1/groups?filter[description_cont]=IT&filter[name_cont]=9",
    "/v1/offers?include=products",
    "/v1/offers/all/relationships/products",
    "/v1/customers/4294967297/relationships/tags",
    "/v1/contacts/4294967297?include=tags",
    "/v1/contacts?include=tags",
    "/v1/customers/4294967297?include=contact",
    "/v1/customers/4294967297/relationships/groups",
    "/api/v1/customers/a@example.com",
    "/api/v1/customers?email=a@example.com",
    "/api/v1/customers/a@example.com/logs",
)


@pytest.mark.parametrize("call", CALLS)
def test_no_turn_is_given_more_rows_than_a_slice(full: Client, turns: Turns, call: str) -> None:
    turns.most = 0
    reply = full.get(call)
    assert reply.status_code == 200, reply.text[:300]
    assert 0 < turns.most <= SLICE + 100


WRITES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("customers", {"email": "a@example.com", "name": "Ada"}),
    ("customers", {"email": "a@example.com", "groups": ["group-00001"]}),
    ("customers/bulk", {"customers": [{"email": "a@example.com", "name": "Bea"}, {"email": "b@example.com"}]}),
    ("event", {"email": "a@example.com", "event": "visit"}),
    ("/v1/customers/4294967297/relationships/groups", {"data": [{"type": "groups", "id": "group-00002"}]}),
)


@pytest.mark.parametrize(("path", "body"), WRITES)
def test_no_write_to_a_customer_with_many_ties_gives_a_turn_more_than_a_slice(
    full: Client, turns: Turns, path: str, body: dict[str, Any]
) -> None:
    turns.most = 0
    reply = full.post(path, body)
    assert reply.status_code == 200, reply.text[:300]
    assert 0 < turns.most <= SLICE + 100


def test_a_customer_in_many_groups_is_shown_and_changed_as_a_whole(full: Client) -> None:
    groups = [f"group-{number:05}" for number in range(OBJECTS)]
    shown = full.get("customers/a@example.com").json()["customer"]
    assert shown["groups"] == groups
    found = full.get("customers?email=a@example.com").json()
    assert found["customers"] == [found["user"]] == found["users"] == [shown]
    changed = full.post("customers", {"email": "a@example.com", "groups": groups[:2] + groups[-2:]}).json()
    assert changed["result"] == "unchanged"
    assert changed["customer"]["groups"] == groups


def test_a_long_list_of_groups_is_whole(full: Client) -> None:
    found = full.get("groups").json()
    assert found["success"] is True
    assert [group["id"] for group in found["groups"]] == [f"group-{number:05}" for number in range(OBJECTS)]
    whole = full.post("batch", [{"path": "groups", "method": "GET"}] * 2).json()
    assert [reply["body"] for reply in whole] == [found, found]


def test_a_contact_with_many_tags_is_whole(full: Client) -> None:
    found = full.get("/v1/contacts/4294967297?include=tags").json()
    tags = found["data"]["relationships"]["tags"]["data"]
    assert tags == [{"id": each["id"], "type": "contact_tags"} for each in found["included"]]
    keys = [each["attributes"]["key"] for each in found["included"]]
    assert keys == [f"tag-{number:05}" for number in range(OBJECTS)]


@pytest.mark.parametrize("sort", ["id", "-id", "name", "-name", "description", "created_at", "-created_at"])
@pytest.mark.parametrize("text", ["", "P 6", "group 699"])
def test_lists_are_those_of_plain_python(full: Client, sort: str, text: str) -> None:
    groups = [(f"group-{number:05}", f"group {number % 700} {number}") for number in range(OBJECTS)]
    expected = [each for each in groups if text.lower() in each[1]]
    if sort.endswith("name"):
        expected.sort(key=lambda each: each[1], reverse=sort.startswith("-"))
    elif sort == "-id":
        expected.reverse()
    size, total = 50, len(expected)
    for number in {1, 2, -(-total // size), -(-total // size) + 1}:
        asked = f"/v1/groups?sort={sort}&page[size]={size}&page[number]={number}"
        found = full.get(asked + (f"&filter[name_cont]={text}" if text else "")).json()
        assert found["meta"]["total"] == total
        if not sort.endswith("_at"):  # made in a few batches, each of one moment
            page = [each["attributes"]["key"] for each in found["data"]]
            assert page == [key for key, _ in expected[(number - 1) * size :][:size]]


def test_the_replies_of_a_batch_have_a_largest_size(full: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(full.get("groups").content)
    monkeypatch.setattr("regulars.http.classic.batch.BATCH_BYTES", 2 * size + 2_000)
    listed, one = {"path": "groups", "method": "GET"}, {"path": "customers/a@example.com", "method": "GET"}
    many = {"path": "customers/bulk", "method": "POST", "body": {"customers": [{}] * 51}}
    new = {"path": "groups", "method": "POST", "body": {"name": "new"}}
    replies = full.post("batch", [many, listed, listed, listed, one, new]).json()
    assert [reply["status_code"] for reply in replies] == [413, 200, 200, 413, 413, 200]
    assert "another batch" in replies[3]["body"]
    assert full.delete(f"groups/{replies[5]['body']['group']['id']}").status_code == 200


def test_a_title_that_no_index_takes_is_listed_by_its_beginning(full: Client) -> None:
    made = full.post("groups", {"name": "\ufdfa" * 600}).json()["group"]
    found = full.get("/v1/groups?sort=-name&page[size]=1").json()["data"]
    assert found[0]["attributes"]["key"] == made["id"]
    assert full.delete(f"groups/{made['id']}").status_code == 200
