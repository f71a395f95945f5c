"""What runs can be seen: metrics over all workers, a line for each request, and slow questions in words."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .effort import slow
from .running_server import Caller, Server, make_database

TOKEN = "a token for metrics"
PERSON = "anna.secret@example.com"


def metrics(caller: Caller) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    reply = caller.call("GET", "/metrics", Authorization=f"Bearer {TOKEN}")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def requests(found: dict[tuple[str, frozenset[tuple[str, str]]], float], route: str, status: int) -> float:
    """How many requests of a route were answered so."""
    return sum(
        value
        for (name, labels), value in found.items()
        if name == "regulars_http_request_duration_seconds_count"
        and {("route", route), ("status", str(status))} <= labels
    )


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("workers", [1, slow(2)])
def test_every_request_is_counted_whoever_answered_it(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with Server(path, workers=workers, REGULARS_METRICS_TOKEN=TOKEN, REGULARS_SLOW_QUESTION_MS="1") as server:
        for number in range(12):  # a connection each, so that they are spread over the workers
            with server.caller(key) as caller:
                assert caller.call("POST", "customers", {"email": f"{number}.{PERSON}"}).status == 200
                assert caller.call("GET", f"customers/{number}.{PERSON}").status == 200
                assert caller.call("GET", "/nothing/here").status == 404
        with server.caller(key) as caller:
            assert caller.call("GET", f"/v1/customers?filter%5Bsearch%5D={PERSON}").status == 200
            assert caller.call("GET", "/metrics").status == 401
            assert caller.call("GET", "/metrics", Authorization="Bearer wrong").status == 401
            wait_for(lambda: requests(metrics(caller), "/api/v1/customers/{who}", 200) == 12)
            wait_for(lambda: requests(metrics(caller), "/api/v1/customers", 200) == 12)
            wait_for(lambda: requests(metrics(caller), "unknown", 404) == 12)
            found = metrics(caller)
        assert found["regulars_ledger_batch_size_sum", frozenset()] == 12
        assert found["regulars_question_duration_seconds_count", frozenset()] == 1
        assert found["regulars_index_customers", frozenset({("site", "1")})] >= 12
        states = {state for (name, labels), _ in found.items() if name == "regulars_jobs" for _, state in labels}
        assert states >= {"waiting", "failed"}
        assert found["process_resident_memory_bytes", frozenset()] > workers * 20_000_000
        assert not any("@" in value or "rg" in value for _, labels in found for _, value in labels)
        assert server.stop() == 0
        log = server.log
    assert log.count("route=/api/v1/customers/{who}") == 12
    assert "method=GET" in log
    assert "slow query" in log
    assert PERSON not in log
    assert key not in log


def test_without_a_token_there_are_no_metrics_and_lines_can_be_json_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with Server(path, REGULARS_LOG_FORMAT="json") as server:
        with server.caller(key) as caller:
            assert caller.call("GET", "/metrics", Authorization="Bearer ").status == 404
        server.stop()
        assert '"route":"/metrics"' in server.log
    with Server(path, REGULARS_ACCESS_LOG="off") as server:
        with server.caller(key) as caller:
            assert caller.call("GET", "/healthz").status == 200
        server.stop()
        assert "route=" not in server.log
