"""Ten thousand sites of a hundred customers: the memory of all their indexes, and the first answer of a cold one.

`python -m bench.many_sites FILE` asks each site once and prints [MB, ms of the median, ms of the 99th percentile, ms].
"""

import asyncio
import gc
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import apsw
import numpy as np

from bench import audience_data, data
from bench.questions import QUESTIONS
from bench.report import Figure
from bench.restart import resident
from regulars.app import settle_garbage_collection
from regulars.audience import Audience
from regulars.store import control, tie_statements
from regulars.store import statements as sql
from regulars.store.store import Store

_SITES: Final = 10_000
_CUSTOMERS: Final = 100


def figures(folder: Path) -> list[Figure]:
    """Make the sites unless they are there, and measure them in a new process."""
    path = folder / "audience-sites.db"
    done = path.with_suffix(".done")
    if not done.exists():
        path.unlink(missing_ok=True)
        asyncio.run(_make(path))
        done.touch()
    found = subprocess.run(
        [sys.executable, "-m", "bench.many_sites", str(path)], stdout=subprocess.PIPE, text=True, check=True
    )
    megabytes, median, slow, slowest = json.loads(found.stdout)
    note = f"{_SITES:,} sites of {_CUSTOMERS} customers"
    times = f"{note}; median {median:.2f} ms, slowest {slowest:.1f} ms"
    return [
        Figure("resident memory, many sites", megabytes, "MB", "the limit", 1024, 1, at_least=False, note=note),
        Figure("a cold site's first answer, p99", slow, "ms", "the limit", 20, 1, at_least=False, note=times),
    ]


async def _make(path: Path) -> None:
    store = await Store.open(data.url_of(path))
    now = time.time_ns() // 1_000_000
    account = await control.create_account(store.engine, "bench", now=now)
    for site in range(1, _SITES + 1):
        await control.create_site(store.engine, account, f"site-{site}", now=now)
    await store.close()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA synchronous = OFF").fetchall()
    numbers = np.arange(1, _CUSTOMERS + 1)
    customers, ties = (each.sql("sqlite").text for each in (sql.INSERT_CUSTOMERS, tie_statements.SAVE_TIES))
    with connection:
        for site in range(1, _SITES + 1):
            rng = np.random.default_rng(site)
            connection.executemany(customers, audience_data.customer_rows(rng, site, numbers, _CUSTOMERS, now))
            connection.executemany(ties, audience_data.tie_rows(rng, site, numbers, now))
        connection.execute("UPDATE site_heads SET next_customer = ?", (_CUSTOMERS + 1,))
    connection.close()


async def _asked(path: Path) -> list[float]:
    settle_garbage_collection()  # as a server does
    store = await Store.open(data.url_of(path))
    audience = Audience(store.changes, index_memory=2**34, load_wait=60)
    question = QUESTIONS[18]
    predicate = question.predicate(time.time_ns() // 1_000_000)
    took = []
    for site in range(1, _SITES + 1):
        start = time.perf_counter()
        async with audience.ask(site, predicate, sort=question.order):
            took.append((time.perf_counter() - start) * 1000)
    gc.collect()
    megabytes = resident()
    await audience.close()
    await store.close()
    took = sorted(took[1:])  # the first one of all sets up the process, too
    return [megabytes, took[len(took) // 2], took[int(len(took) * 0.99)], took[-1]]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_asked(Path(sys.argv[1])))))
