"""How fast customers are read: one by address, and every listed filter over 100,000."""

import json
import statistics
import urllib.request
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bench import data
from bench.load import Load, measure, median_load, prepared, request
from bench.report import Figure
from bench.server import running
from bench.writes import ROUNDS
from regulars.cli import sample

FILTERS = {
    "search": "anna",
    "created_in_last": "30",
    "not_created_in_last": "30",
    "active_in_last": "30",
    "name_contains": "smith",
    "email_contains": "example.com",
    "address_city_contains": "ber",
    "has_tag_id": "vip",
    "has_all_tag_id": "vip,workshop",
    "has_no_tag_id": "vip",
    "net_revenue_equal_to": "0",
    "net_revenue_greater_than": "100",
    "net_revenue_less_than": "100",
    "sent_email_broadcast_id": "1",
    "no_sent_email_broadcast_id": "1",
    "opened_email_broadcast_id": "1",
    "no_opened_email_broadcast_id": "1",
    "clicked_email_broadcast_id": "1",
    "opened_email_in_last": "90",
    "subscribed": "true",
    "is_hidden": "true",
}
"""A value for each listed filter that selects a fair share of the sample."""


_ADDRESSES: Final = 20_000
_ENTRIES: Final = (10, 100_000)
"""Entries in the histories of two customers that are read."""


def over_http(folder: Path, count: int, seconds: float) -> list[Figure]:
    """A customer by address beside the echo, and each filter's whole request beside the echo's latency."""
    path = folder / "reads.db"
    url = data.url_of(path)
    site, key = data.new_database(url)
    data.import_customers(url, site, data.customers(count))
    data.import_activity(url, site, data.activity(count))
    for entries in _ENTRIES:
        data.import_activity(url, site, data.entries(_email(entries), entries))
    with running(url) as server:
        empty = request("GET", "/echo", key=key)
        somebody = prepared(
            lambda n: request("GET", f"/api/v1/customers/{sample.email_of(n * 7 % count + 1)}", key=key),
            min(count, _ADDRESSES),
            again=True,
        )
        pairs = [
            tuple(measure(server, make, connections=16, seconds=seconds) for make in (lambda n: empty, somebody))
            for _ in range(ROUNDS)
        ]
        echo, shown = (median_load(loads) for loads in zip(*pairs, strict=True))
        figures = [
            Figure("customer by address", shown.rate, "/s", "echo", echo.rate, 0.5, note=f"p99 {shown.p99:.1f} ms")
        ]
        echoes, asked = [], {}
        for name, value in FILTERS.items():
            content = request("GET", f"/v1/customers?filter[{name}]={quote(value)}&page[size]=25", key=key)
            _alone(server, content, 0.5)  # the first answers have built what later ones use
            echoes.append(_alone(server, empty, seconds / 4).p50)
            asked[f"filter[{name}]={value}"] = _alone(server, content, seconds / 4).p50
        histories = {}
        for entries in _ENTRIES:
            content = request("GET", f"/v1/customers/{_id_of(server, key, entries)}/activity?page[size]=10", key=key)
            _alone(server, content, 0.5)
            histories[f"history of {entries:,} entries"] = _alone(server, content, seconds / 4).p50
    # The median of all: an idle processor wakes up sometimes in half the time, and sometimes in twice that.
    alone = statistics.median(echoes)
    figures += [
        Figure(name, took, "ms", "echo, one connection", alone, 8, at_least=False) for name, took in asked.items()
    ]
    figures += [
        Figure(name, took, "ms", "echo, one connection", alone, 4, at_least=False, note="the newest ten")
        for name, took in histories.items()
    ]
    return figures


def _email(entries: int) -> str:
    return f"entries-{entries}@example.com"


def _id_of(server: str, key: str, entries: int) -> str:
    """The id of the customer with so many entries."""
    asked = urllib.request.Request(
        f"{server}/v1/customers?filter[email]={_email(entries)}", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(asked) as reply:
        return str(json.load(reply)["data"][0]["id"])


def _alone(server: str, content: bytes, seconds: float) -> Load:
    """One connection that asks the same again and again."""
    return measure(server, lambda n: content, connections=1, seconds=seconds)
