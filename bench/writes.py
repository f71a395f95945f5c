"""How fast customers are written: one by one, in bulk, by two workers, and by an import."""

import random
import time
from pathlib import Path

import apsw
import msgspec

from bench import data
from bench.load import Load, Request, measure, median_load, prepared, request
from bench.report import Figure
from bench.server import running
from regulars.store import statements as sql

CONNECTIONS = 32
ROUNDS = 3
"""How often each is measured; the median counts, as what else the machine does comes and goes."""

KNOWN = 1_000_000
FASTEST, FASTEST_BULK = 14_000, 1_100
"""Calls a second for which requests are made beforehand."""


def _customer(number: int) -> dict[str, object]:
    return {
        "email": f"user{number}@example.com",
        "customer_id": f"c{number}",
        "firstname": "Anna",
        "lastname": f"Smith{random.randrange(10_000)}",
        "data": {"city": "Berlin", "plan": "pro", "visits": random.randrange(1000)},
    }


def post(target: str, key: str, customers: int = 0) -> Request:
    """Customers of a million made-up ones, one a call, or so many in bulk."""

    def make(_: int) -> bytes:
        chosen = [_customer(random.randrange(KNOWN)) for _ in range(customers or 1)]
        body = msgspec.json.encode({"customers": chosen} if customers else chosen[0])
        return request("POST", target, body, key=key)

    return make


def over_http(folder: Path, seconds: float) -> list[Figure]:
    """Single upserts, bulk, and two workers, each beside its reference; in turn, each from a new database."""
    found: dict[str, list[Load]] = {"echo": [], "single": [], "bulk": [], "two": []}
    for turn in range(ROUNDS):
        for name in ("single", "bulk", "two"):
            url = data.url_of(folder / f"writes-{name}-{turn}.db")
            _, key = data.new_database(url)
            with running(url, workers=2 if name == "two" else 1) as server:
                if name == "single":
                    bodies = prepared(post("/echo", key), FASTEST, again=True)
                    found["echo"].append(measure(server, bodies, connections=CONNECTIONS, seconds=seconds))
                time.sleep(0.5)
                found[name].append(_run(server, key, seconds, customers=50 if name == "bulk" else 0))
    echo, single, bulk, two = (median_load(loads) for loads in found.values())
    return [
        Figure(
            f"durable upserts, {CONNECTIONS} connections",
            single.rate,
            "/s",
            "echo of the body",
            echo.rate,
            0.25,
            note=_tail(single),
        ),
        Figure(
            "customers in bulk calls of 50", bulk.rate * 50, "/s", "single upserts", single.rate, 4, note=_tail(bulk)
        ),
        Figure("upserts, two workers", two.rate, "/s", "one worker", single.rate, 0.9, note=_tail(two)),
        Figure("slowest answer, two workers", two.worst, "ms", "the limit", 100, 1, at_least=False),
    ]


def _run(server: str, key: str, seconds: float, customers: int) -> Load:
    target = "/api/v1/customers/bulk" if customers else "/api/v1/customers"
    make = prepared(post(target, key, customers), int((FASTEST_BULK if customers else FASTEST) * seconds))
    return measure(server, make, connections=CONNECTIONS, seconds=seconds)


def _tail(load: Load) -> str:
    return f"p50 {load.p50:.1f} ms, p99 {load.p99:.1f} ms"


def imported(folder: Path, count: int) -> list[Figure]:
    """The import of a file of customers beside a bare executemany of the same rows into the same tables."""
    url = data.url_of(folder / "import.db")
    site, _ = data.new_database(url)
    summary = data.import_customers(url, site, data.customers(count))
    rows = _rows(folder / "import.db")
    bare = _bare(folder / "bare.db", rows)
    return [
        Figure(
            "import of customers",
            summary.rate,
            "/s",
            "bare executemany",
            count / bare,
            0.2,
            note=f"{count:,} customers",
        )
    ]


def _rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    source = apsw.Connection(str(path))
    found = {}
    for table in ("customers", "changes"):
        found[table] = source.execute(f"SELECT * FROM {table}").fetchall()
    source.close()
    return found


def _bare(path: Path, rows: dict[str, list[tuple[object, ...]]]) -> float:
    """Seconds to insert the rows, 2,000 a transaction, as durable as the store's own."""
    data.new_database(data.url_of(path))
    target = apsw.Connection(str(path))
    target.execute("PRAGMA synchronous = FULL").fetchall()
    target.execute("PRAGMA cache_size = -65536").fetchall()
    insert = sql.INSERT_CUSTOMERS.sql("sqlite").text
    customers = rows["customers"]
    start = time.perf_counter()
    for place in range(0, len(customers), 2000):
        with target:
            target.executemany(insert, customers[place : place + 2000])
    with target:
        target.executemany(sql.INSERT_CHANGES.sql("sqlite").text, rows["changes"])
    elapsed = time.perf_counter() - start
    target.close()
    return elapsed
