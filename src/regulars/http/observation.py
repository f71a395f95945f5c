"""Observation: counts each answered request and logs it.

Both are kept off the way of the request: a few additions to numbers in memory, and a text that is written in bulk.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog
from starlette.types import Scope

from regulars.audience.service import Audience
from regulars.domain.moments import now_ms
from regulars.http.access_log import AccessLog
from regulars.http.keyring import Caller
from regulars.metrics.catalogue import (
    BATCH_SIZE,
    COMMIT_SECONDS,
    IN_PROGRESS,
    INDEX_BYTES,
    INDEX_CHANGES,
    INDEX_CUSTOMERS,
    INDEX_LAG,
    INDEX_LOADS,
    INDEX_REBUILDS,
    LEDGER_QUEUE,
    LOOP_LAG,
    QUESTIONS,
    REQUESTS,
    STALLS,
    Metric,
)
from regulars.metrics.counting import Histogram, Metrics
from regulars.stalls import StallWatch
from regulars.store.ledger import Ledger

UNKNOWN: Final = "unknown"
"""The route of a request that no route answers. Its path is the caller's text, and is no label."""

CLIENT_LEFT: Final = 499
"""The status of a request whose client left before an answer began, as nginx has it."""

OTHER: Final = "_OTHER"
"""The method of a request whose method HTTP does not know."""

LISTED_SITES: Final = 50
"""Sites with figures of their own: those whose indexes take the most memory."""

_log = structlog.get_logger("regulars.questions")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_Figures = Iterator[tuple[Metric, tuple[str, ...], float]]


class Observation:
    """Counts and logs the requests of one process.

    access_log: None: requests are not logged. slow_ms: questions that take longer are logged; 0: none is.
    """

    def __init__(self, metrics: Metrics, access_log: AccessLog | None, *, slow_ms: int = 0) -> None:
        self._metrics = metrics
        self._questions = metrics.histogram(QUESTIONS)
        self._slow_seconds = slow_ms / 1_000 if slow_ms else math.inf
        self._access_log = access_log
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._in_progress = 0
        metrics.add_source(lambda: [(IN_PROGRESS, (), self._in_progress)])

    def begin(self) -> float:
        """Record the start of a request; pass the result to `end`."""
        self._in_progress += 1
        return time.perf_counter()

    def end(self, began: float, scope: Scope, route: str, status: int, request_id: str) -> None:
        """Record that a request was answered. route: the template of its path."""
        self._in_progress -= 1
        seconds = time.perf_counter() - began
        method: str = scope["method"]
        key = (method, route, status)
        histogram = self._requests.get(key)
        if histogram is None:
            shown = method if method in _METHODS else OTHER
            histogram = self._metrics.histogram(REQUESTS, shown, route, str(status))
            if shown is not OTHER:
                self._requests[key] = histogram
        histogram.observe(seconds)
        if self._access_log is not None:
            caller: Caller | None = scope.get("caller")
            self._access_log.record(
                at=now_ms(),
                method=method if method in _METHODS else OTHER,
                route=route,
                status=status,
                seconds=seconds,
                request_id=request_id,
                site=None if caller is None else caller.site,
            )

    def question(self, seconds: float, site: int, total: int, in_words: Callable[[], str]) -> None:
        """Note a question about customers that was answered, in words if it took long."""
        self._questions.observe(seconds)
        if seconds >= self._slow_seconds:
            _log.warning("slow query", question=in_words(), ms=round(seconds * 1_000, 1), site=site, total=total)

    def close(self) -> None:
        """Write the buffered lines."""
        if self._access_log is not None:
            self._access_log.flush()


def observe_ledger(metrics: Metrics, ledger: Ledger) -> None:
    """Count write transactions."""
    sizes, seconds = metrics.histogram(BATCH_SIZE), metrics.histogram(COMMIT_SECONDS)

    def on_batch(size: int, took: float) -> None:
        sizes.observe(size)
        seconds.observe(took)

    ledger.on_batch = on_batch
    metrics.add_source(lambda: [(LEDGER_QUEUE, (), ledger.waiting)])


def observe_audience(metrics: Metrics, audience: Audience) -> None:
    """Count what indexes do, and measure the largest of them."""

    def figures() -> _Figures:
        yield INDEX_LOADS, ("snapshot",), audience.restored
        yield INDEX_LOADS, ("store",), audience.loads - audience.restored
        yield INDEX_REBUILDS, (), audience.rebuilds
        yield INDEX_CHANGES, (), audience.applied
        largest = sorted(audience.loaded.items(), key=lambda item: -item[1].bytes)[:LISTED_SITES]
        for site, loaded in largest:
            yield INDEX_BYTES, (str(site),), loaded.bytes
            yield INDEX_CUSTOMERS, (str(site),), loaded.index.size
            yield INDEX_LAG, (str(site),), loaded.lag

    metrics.add_source(figures)


def observe_loop(metrics: Metrics, stalls: StallWatch) -> None:
    """Measure how long the event loop is blocked."""
    metrics.add_source(lambda: [(LOOP_LAG, (), stalls.max_lag), (STALLS, (), stalls.stalls)])
