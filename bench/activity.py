"""Questions about what customers did, and what is made of questions, on a site of any size, as whole requests."""

import http.client
import json
import statistics
import time
from pathlib import Path
from typing import Any, Final

import apsw
import numpy as np
from msgspec import Struct

from bench import audience_data, sql_activity, sql_site
from bench.audience import settle
from bench.report import NO_TARGET, Figure
from bench.server import running
from regulars.domain.relations import KIND_CODES

_DAY: Final = 86_400_000
_CHUNK: Final = 100_000
_REPEATS: Final = 15
_LIST: Final = 10_000
_BROADCAST: Final = 8
_MOST_IN_SQL: Final = 1_000_000
"""Customers of the largest site that is also asked in PostgreSQL."""

_DRIFT: Final = 0.001
_TARGETS_FOR: Final = 1_000_000
"""Customers for which the limits are meant."""

_EVENTS: Final = ("visit", "add_to_cart", "purchase", "rated")
_INSERT: Final = (
    "INSERT INTO activities (site_id, number, customer, name, at, log, detail) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class Ask(Struct, frozen=True):
    """One request. again, first: the limits of the median and of the first answer, ms."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    again: float = NO_TARGET
    first: float = NO_TARGET


_NESTED: Final = {
    "all": [
        {"is": "subscribed"},
        {"any": [{"has": "tag", "any_of": [1, 2]}, {"mail": "opened", "broadcast": [_BROADCAST]}]},
        {"any": [{"field": "net_revenue", "gt": "100"}, {"field": "city", "contains": "a"}]},
        {"not": {"has": "tag", "any_of": [7]}},
        {"not": {"mail": "clicked", "broadcast": [9]}},
        {"field": "created_at", "when": {"last": "300d"}},
        {"any": [{"field": "last_opened_at", "when": {"last": "90d"}}, {"not": {"is": "suppressed"}}]},
    ]
}
_QUERY: Final = "/v1/customers/query"
_DID: Final = {"did": "purchase", "times": {"gte": 2}, "when": {"last": "90d"}}
_REPORT: Final = f"/v1/broadcasts/{_BROADCAST}/report"
ASKED: Final = (
    Ask("ten nested conditions", "POST", _QUERY, {"question": _NESTED}, again=5),
    Ask("an attribute", "POST", _QUERY, {"question": {"attribute": "plan", "eq": "pro"}}, again=10, first=500),
    Ask("did, over 90 days", "POST", _QUERY, {"question": _DID}, again=50),
    Ask("why", "POST", f"/v1/customers/{2**32 + 5}/why", {"question": _NESTED}, again=5),
    Ask(
        "breakdown by month",
        "POST",
        "/v1/questions/breakdown",
        {"q": "is subscribed", "by": {"field": "created_at", "per": "month"}},
        again=20,
    ),
    Ask("reach", "POST", "/v1/questions/reach", {"question": _NESTED}, again=10),
    Ask("a list of 10,000", "POST", _QUERY, {"question": {"in": {"list": "bench"}}}, again=10),
    Ask("report of a broadcast, totals", "GET", f"{_REPORT}?fields[broadcast_reports]=sent,opened,clicked", again=10),
    Ask("report of a broadcast, by hour", "GET", _REPORT),
)


def over_http(folder: Path, customers: int, sends: int, activities: int) -> list[Figure]:
    """Ask each, first and again. sends, activities: how many events of emails and of other names there are."""
    path = folder / f"activity-{customers}-{sends}-{activities}.db"
    is_made = path.exists()
    url, site, key = audience_data.database(path, customers)
    if not is_made:
        _fill(path, site, customers, sends, activities)
    note = f"{customers:,} customers, {sends:,} sends, {activities:,} activities"
    figures: list[Figure] = []
    answers: dict[str, tuple[float, int]] = {}
    with running(url) as server:
        connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=600)
        send = _Sender(connection, key)
        send.until_ready(Ask("", "GET", "/v1/customers?page[size]=1"))
        _make_list(send, customers)
        firsts = [send.until_ready(ask) for ask in ASKED]
        settle(lambda: sum(send(ask)[0] for ask in ASKED if ask.again != NO_TARGET))
        for ask, first in zip(ASKED, firsts, strict=True):
            again = statistics.median(send(ask)[0] for _ in range(_REPEATS))
            answers[ask.name] = again, send.total()
            for when, took, limit in (("again", again, ask.again), ("first", first, ask.first)):
                target = 1 if limit != NO_TARGET and customers <= _TARGETS_FOR else NO_TARGET
                referred = limit if limit != NO_TARGET else 0.0
                name = f"{ask.name}, {when}"
                figures.append(Figure(name, took, "ms", "the limit", referred, target, at_least=False, note=note))
    if customers <= _MOST_IN_SQL:
        figures += _in_sql(path, answers, note)
    return figures


def _in_sql(path: Path, answers: dict[str, tuple[float, int]], note: str) -> list[Figure]:
    """The same questions in PostgreSQL. answers: (ms, number found) of Regulars, by name."""
    figures = []
    folder = path.with_suffix(".pg")
    with sql_site.serving(folder) as connection:
        if not (folder / "loaded").exists():
            sql_activity.load(connection, path)
            (folder / "loaded").touch()
        for name, ways in sql_activity.questions(time.time_ns() // 1_000_000, _BROADCAST).items():
            answer, (took, found) = sql_activity.ask(connection, ways), answers[name]
            if abs(answer.found - found) > found * _DRIFT:  # windows end at different moments
                raise AssertionError(f"{name}: {found} in Regulars, {answer.found} in SQL")
            matches = f"{found:,} found; {note}"
            figures.append(
                Figure(f"{name}, PostgreSQL", answer.took, "ms", "Regulars", took, 1, at_least=True, note=matches)
            )
    return figures


class _Sender:
    def __init__(self, connection: http.client.HTTPConnection, key: str) -> None:
        self._connection = connection
        self._last: dict[str, Any] = {}
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def __call__(self, ask: Ask) -> tuple[float, int]:
        """(ms, status)."""
        start = time.perf_counter()
        body = None if ask.body is None else json.dumps(ask.body)
        self._connection.request(ask.method, ask.path, body, self._headers)
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status not in (200, 201, 503):
            raise RuntimeError(f"{ask.path}: {text[:300]!r}")
        took = (time.perf_counter() - start) * 1000
        self._last = json.loads(text)
        return took, reply.status

    def total(self) -> int:
        """How many customers the last answer was about."""
        data = self._last.get("data")
        attributes = data.get("attributes", {}) if isinstance(data, dict) else {}
        meta = self._last.get("meta", {})
        for each in (meta.get("total"), attributes.get("total"), attributes.get("opened")):
            if each is not None:
                return int(each["customers"] if isinstance(each, dict) else each)
        return 0

    def until_ready(self, ask: Ask) -> float:
        """How long it takes until there is an answer, with what has to be built for it (ms)."""
        start = time.perf_counter()
        while self(ask)[1] == 503:
            time.sleep(0.05)
        return (time.perf_counter() - start) * 1000


def _make_list(send: _Sender, customers: int) -> None:
    attributes = {"name": "Bench", "key": "bench", "kind": "list"}
    try:
        send(Ask("", "POST", "/v1/audiences", {"data": {"type": "audiences", "attributes": attributes}}))
    except RuntimeError:  # a database that was made before has it
        return
    numbers = range(1, customers + 1, max(customers // _LIST, 1))
    members = [{"id": str(2**32 + number)} for number in numbers][:_LIST]
    send(Ask("", "POST", "/v1/audiences/bench/customers", {"data": members}))


def _fill(path: Path, site: int, customers: int, sends: int, activities: int) -> None:
    """Write events straight into the tables, an attribute for everybody, and the broadcast that is reported on."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA synchronous = OFF").fetchall()
    now = time.time_ns() // 1_000_000
    number = 0
    for total, names in ((sends, ("email_sent", "email_opened", "email_clicked")), (activities, _EVENTS)):
        for begin in range(0, total, _CHUNK):
            count = min(_CHUNK, total - begin)
            rng = np.random.default_rng(number)
            who = rng.integers(1, customers + 1, count).tolist()
            at = (now - rng.integers(0, 400 * _DAY, count)).tolist()
            what = rng.choice(len(names), count, p=_shares(len(names))).tolist()
            of = rng.integers(1, audience_data.BROADCASTS + 1, count).tolist()
            rows = []
            for place in range(count):
                number += 1
                name = names[what[place]]
                is_mail = name.startswith("email_")
                detail = {"broadcast_id": of[place]} if is_mail else {"revenue": of[place], "stars": of[place] % 5}
                log = number if is_mail else None
                rows.append((site, number, who[place], name, at[place], log, json.dumps(detail)))
            with connection:
                connection.executemany(_INSERT, rows)
    connection.execute("UPDATE site_heads SET next_activity = ? WHERE site_id = ?", (number + 1, site))
    plan = 'CASE number % 3 WHEN 0 THEN \'{"plan":"pro"}\' WHEN 1 THEN \'{"plan":"trial"}\' END'
    connection.execute(f"UPDATE customers SET attributes = {plan}")
    broadcast = (site, KIND_CODES["broadcast"], _BROADCAST, "Bench", "bench", now, now)
    connection.execute(
        "INSERT OR IGNORE INTO objects (site_id, kind, number, name, name_key, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        broadcast,
    )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def _shares(count: int) -> list[float]:
    """Most events are of the first name."""
    rest = 0.3 / (count - 1)
    return [0.7, *[rest] * (count - 1)]
