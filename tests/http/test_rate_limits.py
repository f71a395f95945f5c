"""Rate limits: a key's requests a second, told on every reply, counted over all workers."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.checks import done, refused
from tests.in_process import Client, InProcess, application
from tests.running_server import Server, make_database


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with application(tmp_path_factory.mktemp("rates"), "sqlite", rate_limit=3) as running:
        yield running


def spent(client: Client) -> Any:
    """The first refusal, however slow the machine is."""
    for _ in range(1_000):
        reply = client.get("groups")
        if reply.status_code == 429:
            return reply
        assert reply.status_code == 200
    raise AssertionError("the key is not limited")


def test_every_reply_of_a_limited_key_tells_its_limit(limited: InProcess) -> None:
    for path in ("groups", "customers/nobody@example.com", "customers/nonsense", "templates", "/v1/customers?limit=x"):
        reply = limited.client(rate=50).get(path)
        assert reply.headers["ratelimit-policy"] == '"requests";q=50;w=1', path
        assert reply.headers["ratelimit"] == '"requests";r=49;t=1', path
    batch = limited.client(rate=50).post("batch", [])
    assert batch.headers["ratelimit"] == '"requests";r=49;t=1'


def test_a_refused_request_is_told_when_to_come_back(limited: InProcess) -> None:
    client = limited.client(rate=2)
    reply = spent(client)
    refused(reply, "rate_limited")
    assert reply.headers["retry-after"] == "1"
    assert reply.headers["ratelimit"].startswith('"requests";r=0;t=1')


def test_sendwithus_and_kajabi_callers_are_told_in_their_way(limited: InProcess) -> None:
    told = spent(limited.client(rate=1, dialect="sendwithus"))
    assert told.headers["content-type"].startswith("text/plain")
    client = limited.client(rate=1)
    spent(client)
    error = client.get("/v1/customers")
    if error.status_code == 429:  # else a second has passed
        assert error.json()["errors"][0]["code"] == "rate_limited"


def test_the_setting_is_for_keys_without_a_rate_of_their_own(limited: InProcess) -> None:
    assert limited.client().get("groups").headers["ratelimit-policy"] == '"requests";q=3;w=1'
    free = limited.client(rate=0)
    for _ in range(20):
        reply = free.get("groups")
        done(reply)
        assert "ratelimit" not in reply.headers


def test_health_is_never_limited(limited: InProcess) -> None:
    client = limited.client(rate=1)
    for _ in range(20):
        reply = client.get("/healthz")
        assert reply.status_code == 200
        assert "ratelimit" not in reply.headers


BULK: dict[str, Callable[[int], Any]] = {
    "batch": lambda count: [{"method": "GET", "path": "groups", "body": None}] * count,
    "bulkevents": lambda count: {"events": [{"event": "view", "email": f"{n}@example.com"} for n in range(count)]},
    "customers/bulk": lambda count: {"customers": [{"email": f"{n}@example.com"} for n in range(count)]},
}
"""The calls with several items, and their bodies."""


def test_the_items_of_a_batch_count_one_each(limited: InProcess) -> None:
    client = limited.client(rate=10)
    items = [{"method": "GET", "path": "groups", "body": None}] * 4
    reply = client.post("batch", items)
    assert [each["status_code"] for each in reply.json()] == [200] * 4
    assert reply.headers["ratelimit"] == '"requests";r=6;t=1'


@pytest.mark.parametrize("path", BULK)
def test_each_item_of_a_call_counts(limited: InProcess, path: str) -> None:
    body = BULK[path]
    reply = limited.client(rate=50).post(path, body(40))
    assert reply.status_code == 200
    assert reply.headers["ratelimit"] == '"requests";r=10;t=1'
    assert limited.client(rate=50).post(path, body(50)).headers["ratelimit"] == '"requests";r=0;t=1'


@pytest.mark.parametrize("path", BULK)
def test_a_call_with_more_items_than_the_rate_is_never_accepted(limited: InProcess, path: str) -> None:
    before = limited.contents()
    reply = limited.client(rate=2).post(path, BULK[path](3))
    refused(reply, "too_many")
    assert "at most 2" in reply.json()["error"]
    assert reply.headers["ratelimit-policy"] == '"requests";q=2;w=1'
    assert limited.contents() == before


def test_bulk_calls_in_a_batch_count_their_items(limited: InProcess) -> None:
    items = [{"method": "POST", "path": path, "body": BULK[path](20)} for path in ("bulkevents", "customers/bulk")]
    client = limited.client(rate=30)
    statuses = [each["status_code"] for each in client.post("batch", items).json()]
    assert statuses in ([200, 429], [200, 200])  # the second only if more than a second has passed
    small = limited.client(rate=10).post("batch", items)
    assert [each["status_code"] for each in small.json()] == [413, 413]
    reply = limited.client(rate=1_000).post("batch", items)
    assert reply.headers["ratelimit"] == '"requests";r=960;t=1'


def test_two_workers_count_together(tmp_path: Path) -> None:
    rate = 20
    path = tmp_path / "regulars.db"
    key = make_database(path)
    admitted: list[tuple[float, float]] = []
    refusals: dict[str, int] = {}
    with Server(path, workers=2, REGULARS_RATE_LIMIT=str(rate)) as server, contextlib.ExitStack() as stack:
        callers: dict[str, Any] = {}
        waiting = time.monotonic() + 60
        while len(callers) < 2 and time.monotonic() < waiting:
            caller = stack.enter_context(server.caller(key))
            worker = caller.call("GET", "/healthz").headers["x-request-id"].partition("-")[0]
            callers.setdefault(worker, caller)
        assert len(callers) == 2, "a request's id names its worker"
        first = [callers[worker].call("GET", "groups").status for worker in callers]
        assert first == [200, 200]
        for _ in range(3_000):
            for worker, caller in callers.items():
                begun = time.monotonic()
                reply = caller.call("GET", "groups")
                assert reply.headers["ratelimit-policy"] == f'"requests";q={rate};w=1'
                if reply.status == 200:
                    admitted.append((begun, time.monotonic()))
                else:
                    assert reply.status == 429
                    refusals[worker] = refusals.get(worker, 0) + 1
            if len(refusals) == 2 and len(admitted) > rate + rate // 2:
                break
    assert len(refusals) == 2, "each worker refuses what is too much for both"
    for begun, _ in admitted:
        within = [each for each in admitted if each[0] >= begun and each[1] <= begun + 1 - 1 / 32]
        assert len(within) <= rate
