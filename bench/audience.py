"""Forty questions to a site of any size: whole requests, evaluation alone, the same by hand, and the same as SQL."""

import http.client
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from bench import audience_data, bare, many_sites, sql_questions, sql_site, timings, under_writes
from bench.maintenance import maintenance
from bench.questions import PAGE, QUESTIONS
from bench.report import NO_TARGET, Figure
from bench.restart import restarted
from bench.server import running
from bench.timings import Timing
from regulars.audience.evaluate import evaluate, page
from regulars.audience.index import SiteIndex
from regulars.audience.snapshot_directory import SnapshotDirectory

SIZES: Final = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
_MOST_IN_SQL: Final = 1_000_000
"""Customers of the largest site that is also put into PostgreSQL and, copied, written to."""

_MOST_WITH_LIMITS: Final = 1_000_000
"""Customers of the largest site that limits are meant for; of larger ones, growth is limited."""

_SITES_WITH: Final = "1m"
"""The size with which many small sites are measured, too."""

_REPEATS: Final = 15
_IDLE_ROUNDS: Final = 4


class Run(Struct):
    """What one size took, and its figures."""

    size: str
    timings: list[Timing]
    figures: list[Figure]


def measured(folder: Path, sizes: list[str]) -> Iterator[Run]:
    """Ask everything at each size, the smallest first; print the tables of the questions."""
    before: Run | None = None
    for size in sorted(sizes, key=list(SIZES).index):
        run = _measured(folder, size)
        if before is not None and SIZES[before.size] * 10 == SIZES[size]:
            run.figures += timings.growth(before.timings, run.timings, (before.size, size))
        yield run
        before = run


def _measured(folder: Path, size: str) -> Run:
    count = SIZES[size]
    path = folder / f"audience-{size}.db"
    url, site, key = audience_data.database(path, count)
    directory = SnapshotDirectory(Path(f"{path}.audience"))
    directory.discard(site)
    from_nothing, _ = restarted(path)
    from_snapshot, resident = restarted(path)
    with running(url) as server:
        taken, echo = _asked(server.removeprefix("http://"), key)
    note = f"{count:,} customers"

    def most(name: str, figure: float, unit: str, limit: float, note: str = note) -> Figure:
        target = 1 if count <= _MOST_WITH_LIMITS else NO_TARGET
        return Figure(name, figure, unit, "the limit", limit, target, at_least=False, note=note)

    again = [each.again for each in taken]
    figures = [
        most("question, median", statistics.median(again), "ms", 3, f"{note}; echo {echo:.2f} ms"),
        most("question, slowest when asked again", max(again), "ms", 15),
        most("question, slowest when first asked", max(each.first for each in taken), "ms", 60),
        most("first answer from a snapshot", from_snapshot, "s", 0.5),
        most("first answer from nothing", from_nothing, "s", 30),
        most("resident memory after loading a snapshot", resident, "MB", 600),
        most("upkeep of the index, an upsert", maintenance(directory, site), "us", 25),
    ]
    if count <= _MOST_IN_SQL:
        figures += under_writes.figures(path, key, note)
    if size == _SITES_WITH:
        figures += many_sites.figures(folder)
    _evaluated(path, site, taken, count)
    timings.show(size, taken)
    return Run(size, taken, figures + timings.compared(taken))


def _asked(address: str, key: str) -> tuple[list[Timing], float]:
    connection = http.client.HTTPConnection(address, timeout=120)
    headers = {"Authorization": f"Bearer {key}"}

    def ask(target: str) -> tuple[float, Any]:
        start = time.perf_counter()
        connection.request("GET", target, headers=headers)
        body = connection.getresponse().read()
        return (time.perf_counter() - start) * 1000, body

    _warm(ask)
    echo = statistics.median(ask("/echo")[0] for _ in range(200))
    taken, targets = [], []
    for question in QUESTIONS:
        filters = "".join(f"&filter[{name}]={quote(value)}" for name, value in question.filters)
        base = f"/v1/customers?sort={question.sort}&page[size]={PAGE}{filters}"
        number = question.page
        if not number:
            total = json.loads(ask(base)[1])["meta"]["total_count"]
            number = max(-(-total // PAGE), 1)
        target = f"{base}&page[number]={number}"
        first, body = ask(target)
        found = json.loads(body)
        if "meta" not in found:
            raise RuntimeError(f"{target}: {body[:300]!r}")
        ask(target)
        targets.append(target)
        taken.append(Timing(question, found["meta"]["total_count"], first))
    settle(lambda: sum(ask(target)[0] for target in targets))
    for timing, target in zip(taken, targets, strict=True):
        timing.again = statistics.median(ask(target)[0] for _ in range(_REPEATS))
    return taken, echo


def settle(ask_all: Callable[[], float]) -> None:
    """Wait until what is done behind the first answers (columns are cut into bands) has made none of them faster for
    some rounds. ask_all: asks each once, and returns how long it took."""
    best, idle = math.inf, 0
    while idle < _IDLE_ROUNDS:
        took = ask_all()
        idle = idle + 1 if took > 0.95 * best else 0
        best = min(best, took)
        time.sleep(3)  # the server keeps an idle connection for five seconds


def _warm(ask: Callable[[str], tuple[float, Any]]) -> None:
    """Have the index loaded, and wait for what is warmed up behind the first answer."""
    deadline = time.monotonic() + 60
    while "meta" not in json.loads(ask("/v1/customers?filter[is_hidden]=true")[1]):
        if time.monotonic() > deadline:
            raise RuntimeError("the index was not loaded within a minute")
        time.sleep(0.5)
    time.sleep(2)


def _evaluated(path: Path, site: int, taken: list[Timing], count: int) -> None:
    """Time the evaluation alone, in this process, the same by hand, and the same as SQL; all of one moment."""
    index = SnapshotDirectory(Path(f"{path}.audience")).read(site)
    assert index is not None
    now = time.time_ns() // 1_000_000
    answers = [_alone(index, timing, now) for timing in taken]
    if count > _MOST_IN_SQL:
        return
    with sql_site.running(path.with_suffix(".pg"), path, count) as connection:
        for timing, (total, numbers) in zip(taken, answers, strict=True):
            if not sql_questions.can_ask(predicate := timing.question.predicate(now)):
                continue
            answer = sql_questions.ask(connection, timing.question, predicate)
            if (answer.total, answer.page) != (total, numbers):
                raise AssertionError(f"{timing.question.text}: {total:,} customers, but {answer.total:,} in SQL")
            timing.sql, timing.way = answer.took, answer.way


def _alone(index: SiteIndex, timing: Timing, now: int) -> tuple[int, list[int]]:
    """The total and the page; their times go into the timing."""
    question = timing.question
    predicate = question.predicate(now)
    skip = question.skip(len(evaluate(predicate, index)))

    def ours() -> tuple[int, list[int]]:
        found = evaluate(predicate, index)
        return len(found), page(index, found, question.order, skip=skip, take=PAGE)

    ours(), ours()
    for banding in index.due_bandings:  # as the server does behind its answers
        banding.capture()()
    answer, by_hand = ours(), bare.by_hand(question, predicate, index)
    if by_hand() != answer:
        raise AssertionError(f"{question.text}: by hand the answer is another one")
    timing.evaluation, timing.bare = _median(ours), _median(by_hand)
    return answer


def _median(work: Callable[[], object]) -> float:
    """Milliseconds; of what takes long, fewer repeats."""
    start = time.perf_counter()
    work()
    repeats = _REPEATS if time.perf_counter() - start < 0.2 else 3
    took = []
    for _ in range(repeats):
        begun = time.perf_counter_ns()
        work()
        took.append((time.perf_counter_ns() - begun) / 1e6)
    return statistics.median(took)
