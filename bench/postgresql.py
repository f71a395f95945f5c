"""PostgreSQL beside SQLite: what is measured on the one is measured on the other, in turn, in the same run."""

import os
import statistics
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from msgspec import structs

from bench import data, reads
from bench.cores import busy_cores
from bench.databases import Databases
from bench.load import Load, Request, measure, prepared, request
from bench.report import Figure
from bench.server import process, running
from bench.writes import CONNECTIONS, FASTEST, ROUNDS, post

ENGINES: Final = ("sqlite", "postgresql")
SITES: Final = 10
CALLERS: Final = 8
TURNS: Final = 20
QUESTIONS: Final = ("has_tag_id", "name_contains", "created_in_last", "net_revenue_greater_than", "search")
T = TypeVar("T")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def upserts(databases: Databases, seconds: float) -> list[Figure]:
    """Customers one by one."""

    def run(engine: str) -> Load:
        url = databases.new(engine)
        _, key = data.new_database(url)
        with running(url) as server:
            return _load(server, post("/api/v1/customers", key), seconds)

    sqlite, postgresql = _in_turn(run)
    reference = _median(sqlite, "rate")
    tail = f"p50 {_median(postgresql, 'p50'):.1f} ms, p99 {_median(postgresql, 'p99'):.1f} ms"
    rate = _median(postgresql, "rate")
    return [Figure(f"durable upserts, {CONNECTIONS} connections", rate, "/s", "SQLite", reference, 0.5, note=tail)]


def imported(databases: Databases, count: int) -> list[Figure]:
    """A file of customers."""
    lines = data.customers(count // ROUNDS)

    def run(engine: str) -> float:
        url = databases.new(engine)
        site, _ = data.new_database(url)
        return data.import_customers(url, site, lines).rate

    sqlite, postgresql = map(statistics.median, _in_turn(run))
    note = f"{ROUNDS} times {len(lines):,} customers"
    return [Figure("import of customers", postgresql, "/s", "SQLite", sqlite, 0.5, note=note)]


def asked(databases: Databases, count: int, seconds: float) -> list[Figure]:
    """Questions over the index by one caller, and the server's processor time for a question by several."""
    lines = data.customers(count)
    urls, keys = {}, {}
    for engine in ENGINES:
        urls[engine] = databases.new(engine)
        site, keys[engine] = data.new_database(urls[engine])
        data.import_customers(urls[engine], site, lines)
        data.import_activity(urls[engine], site, data.activity(count))
    with running(urls["sqlite"]) as first, running(urls["postgresql"]) as second:
        servers = dict(zip(ENGINES, (first, second), strict=True))
        figures = [_surcharge(servers, keys, name, seconds / 4) for name in QUESTIONS]
    return [*figures, *_processor_times(urls["postgresql"], keys["postgresql"], seconds)]


def _surcharge(servers: dict[str, str], keys: dict[str, str], name: str, seconds: float) -> Figure:
    def run(engine: str) -> float:
        content = _question(name, keys[engine])
        measure(servers[engine], lambda n: content, connections=1, seconds=0.2)
        return measure(servers[engine], lambda n: content, connections=1, seconds=seconds).p50

    sqlite, postgresql = map(statistics.median, _in_turn(run))
    return Figure(
        f"what filter[{name}] takes longer than on SQLite",
        postgresql - sqlite,
        "ms",
        "the limit",
        1,
        1,
        at_least=False,
        note=f"{postgresql:.2f} ms, on SQLite {sqlite:.2f} ms",
    )


def _processor_times(url: str, key: str, seconds: float) -> list[Figure]:
    """The time of the server's processes for a question, by two workers beside one.

    Whatever runs on one core of a virtual machine makes what runs on the other take longer, so an echo, which shares
    nothing with anybody, is measured too, and once more both with no core ever idle.
    """
    question = _question(QUESTIONS[0], key)
    with process(url) as one, process(url, workers=2) as two:
        servers = (one, two)
        for server, _ in servers:  # each worker loads its index at the first question that it gets
            measure(server, lambda n: question, connections=CONNECTIONS // 2, seconds=1)
        figures = [_processor_time(servers, question, "1 caller", 1, seconds)]
        for name, cores in ((f"{CALLERS} callers", nullcontext()), (f"{CALLERS} callers, no core idle", busy_cores())):
            with cores:
                echo = _processor_time(servers, request("GET", "/echo", key=key), name, CALLERS, seconds)
                figure = _processor_time(servers, question, name, CALLERS, seconds)
            figures.append(structs.replace(figure, note=f"an echo: {echo.ratio:.2f} times"))
    return figures


def _processor_time(
    servers: Sequence[tuple[str, int]], content: bytes, name: str, callers: int, seconds: float
) -> Figure:
    """That of one kind of request: the medians of short turns, in which both are asked one after the other."""
    found: tuple[list[float], ...] = ([], [])
    for _ in range(TURNS):
        for (server, number), times in zip(servers, found, strict=True):
            before = processor_seconds(number)
            load = measure(server, lambda n: content, connections=callers, seconds=seconds / 5)
            times.append((processor_seconds(number) - before) / load.replies * 1e6)
    one, two = map(statistics.median, found)
    name = f"processor time of a question, two workers, {name}"
    return Figure(name, two, "us", "one worker", one, 1.1, at_least=False)


def sites_at_once(databases: Databases, seconds: float) -> Figure:
    """Ten sites written by one caller each, beside one site written by one caller."""
    url = databases.new("postgresql")
    keys = [key for _, key in data.new_sites(url, SITES)]

    def run(written: str) -> float:
        sites, callers = map(int, written.split())
        makers = [post("/api/v1/customers", key) for key in keys[:sites]]
        with running(url) as server:
            load = measure(server, lambda n: makers[n % sites](n), connections=callers, seconds=seconds)
        return load.rate

    many, alone, together = map(statistics.median, _in_turn(run, (f"{SITES} {SITES}", "1 1", f"1 {SITES}")))
    return Figure(
        f"upserts to {SITES} sites by {SITES} callers",
        many,
        "/s",
        "one site by one caller",
        alone,
        2,
        note=f"one site by {SITES}: {together:,.0f} /s",
    )


def processor_seconds(root: int) -> float:
    """What a process and all below it have used of the processors."""
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        number = int(path.parent.name)
        parents[number], used[number] = int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS
    tree = {root}
    while more := {number for number, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(used.get(number, 0) for number in tree)


def _in_turn(run: Callable[[str], T], kinds: tuple[str, ...] = ENGINES) -> list[list[T]]:
    """What some rounds over all kinds give, by kind."""
    found: dict[str, list[T]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind in kinds:
            found[kind].append(run(kind))
    return list(found.values())


def _median(loads: list[Load], name: str) -> float:
    return float(statistics.median(getattr(load, name) for load in loads))


def _load(server: str, make: Request, seconds: float) -> Load:
    return measure(server, prepared(make, int(FASTEST * seconds)), connections=CONNECTIONS, seconds=seconds)


def _question(name: str, key: str) -> bytes:
    return request("GET", f"/v1/customers?filter[{name}]={quote(reads.FILTERS[name])}&page[size]=25", key=key)
