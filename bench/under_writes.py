"""The forty questions while upserts arrive: on a copy of the site, with a writer on each of two connections."""

import http.client
import random
import shutil
import statistics
import threading
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from bench import data
from bench.questions import PAGE, QUESTIONS
from bench.report import Figure
from bench.server import running

_RATE: Final = 2_000
_BULK: Final = 50
_WRITERS: Final = 2
_SECONDS: Final = 15


def figures(path: Path, key: str, note: str) -> list[Figure]:
    """The median question, whole requests, while 2,000 upserts a second are acknowledged."""
    copy = path.with_name(f"{path.name}.written")
    directory, shelf_copy = Path(f"{path}.audience"), Path(f"{copy}.audience")
    shutil.copyfile(path, copy)
    shutil.copytree(directory, shelf_copy, dirs_exist_ok=True)
    try:
        rate, took = _measured(data.url_of(copy), key)
    finally:
        shutil.rmtree(shelf_copy, ignore_errors=True)
        for each in copy.parent.glob(f"{copy.name}*"):
            each.unlink()
    slowest = sorted(took)[int(len(took) * 0.99)]
    note = f"{note}; {rate:,.0f} upserts/s, {len(took):,} questions, p99 {slowest:.1f} ms"
    median = statistics.median(took)
    return [Figure("question under writes, median", median, "ms", "the limit", 6, 1, at_least=False, note=note)]


def _measured(url: str, key: str) -> tuple[float, list[float]]:
    """(upserts a second, ms of every question)."""
    with running(url) as server:
        address = server.removeprefix("http://")
        for _ in range(2):
            _round(address, key)
        stop = threading.Event()
        counts = [0] * _WRITERS
        writers = [
            threading.Thread(target=_write, args=(address, key, stop, counts, at), daemon=True)
            for at in range(_WRITERS)
        ]
        for each in writers:
            each.start()
        start, took = time.perf_counter(), []
        while time.perf_counter() - start < _SECONDS:
            took += _round(address, key)
        rate = sum(counts) / (time.perf_counter() - start)
        stop.set()
        for each in writers:
            each.join()
    return rate, took


def _round(address: str, key: str) -> list[float]:
    """Every question once; of those for a last page, the first one, for the last one moves."""
    connection = http.client.HTTPConnection(address, timeout=120)
    took = []
    for question in QUESTIONS:
        filters = "".join(f"&filter[{name}]={quote(value)}" for name, value in question.filters)
        target = f"/v1/customers?sort={question.sort}&page[size]={PAGE}&page[number]={max(question.page, 1)}{filters}"
        start = time.perf_counter()
        connection.request("GET", target, headers={"Authorization": f"Bearer {key}"})
        reply = connection.getresponse()
        reply.read()
        took.append((time.perf_counter() - start) * 1000)
        if reply.status != 200:
            raise RuntimeError(f"{target}: {reply.status}")
    connection.close()
    return took


def _write(address: str, key: str, stop: threading.Event, counts: list[int], at: int) -> None:
    connection = http.client.HTTPConnection(address, timeout=120)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    rng = random.Random(at)
    start, bulks = time.perf_counter(), 0
    while not stop.is_set():
        time.sleep(max(start + bulks * _BULK * _WRITERS / _RATE - time.perf_counter(), 0))
        customers = [
            {
                "email": f"w{rng.randrange(10**7)}@example.com",
                "firstname": "Anna",
                "lastname": f"Smith{rng.randrange(999)}",
                "data": {"city": "Berlin"},
            }
            for _ in range(_BULK)
        ]
        connection.request("POST", "/api/v1/customers/bulk", msgspec.json.encode({"customers": customers}), headers)
        reply = connection.getresponse()
        reply.read()
        if reply.status != 200:
            raise RuntimeError(f"the bulk call was answered {reply.status}")
        bulks += 1
        counts[at] += _BULK
