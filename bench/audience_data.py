"""A site of any size put straight into the tables, made with NumPy: a million customers in minutes.

20 sends over 50 broadcasts, 5 tags and 3 purchases a customer; name, address, phone, city, zip and every column filled.
"""

import asyncio
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import apsw
import numpy as np
from numpy.typing import NDArray

from bench import data
from regulars.cli import sample
from regulars.domain.commands import Rebuild
from regulars.domain.relations import BY_NAME
from regulars.domain.text import fold
from regulars.store import statements as sql
from regulars.store import tie_statements
from regulars.store.schema import customers as table
from regulars.store.store import Store

Numbers = NDArray[np.int64]

BROADCASTS: Final = 50
SENDS: Final = 20
TAGS: Final = 40
PRODUCTS: Final = 20
DAY: Final = 86_400_000
_CHUNK: Final = 20_000
_TRANSACTION: Final = 10
"""Chunks a transaction: one of ten million customers would be 19 GB of log before it is a table."""
_NULL: Final = -(2**63)
_DOMAINS: Final = ("gmail.com", "yahoo.com", "outlook.com", *(f"company{n}.example" for n in range(2_000)))
_SHARES: Final = np.array([0.35, 0.12, 0.1] + [0.43 / 2_000] * 2_000)


def database(path: Path, count: int) -> tuple[str, int, str]:
    """(URL, site, key) of a database with so many customers; one that was made before is taken as it is."""
    url = data.url_of(path)
    note = path.with_suffix(f".{count}.key")
    if note.exists():
        return url, 1, note.read_text()
    site, key = data.new_database(url)
    fill(path, site, count)
    asyncio.run(_announce(url, site))
    note.write_text(key)
    return url, site, key


async def _announce(url: str, site: int) -> None:
    store = await Store.open(url)
    await store.ledger.submit(site, Rebuild())
    await store.close()


def fill(path: Path, site: int, count: int) -> None:
    """Write the customers and their ties."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA synchronous = OFF").fetchall()
    connection.execute("PRAGMA cache_size = -524288").fetchall()
    now = time.time_ns() // 1_000_000
    firsts = range(1, count + 1, _CHUNK)
    for place in range(0, len(firsts), _TRANSACTION):
        with connection:
            for first in firsts[place : place + _TRANSACTION]:
                rng = np.random.default_rng(first)
                numbers = np.arange(first, min(first + _CHUNK, count + 1))
                connection.executemany(
                    sql.INSERT_CUSTOMERS.sql("sqlite").text, customer_rows(rng, site, numbers, count, now)
                )
                connection.executemany(tie_statements.SAVE_TIES.sql("sqlite").text, tie_rows(rng, site, numbers, now))
    connection.execute("UPDATE site_heads SET next_customer = ? WHERE site_id = ?", (count + 1, site))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def customer_rows(
    rng: np.random.Generator, site: int, numbers: Numbers, count: int, now: int
) -> Iterator[tuple[Any, ...]]:
    """Rows of the table, in the order of its columns."""
    size = numbers.size
    created = now - 730 * DAY + (numbers * (730 * DAY) // (count + 1))
    firsts = np.array(sample._FIRST)[rng.integers(0, len(sample._FIRST), size)].tolist()
    lasts = np.array(sample._LAST)[rng.integers(0, len(sample._LAST), size)].tolist()
    names = [f"{first} {last}" for first, last in zip(firsts, lasts, strict=True)]
    domains = rng.choice(len(_DOMAINS), size, p=_SHARES).tolist()
    emails = [
        f"{fold(first)}.{fold(last).replace(' ', '')}{number}@{_DOMAINS[domain]}".translate(sample._PLAIN)
        for first, last, number, domain in zip(firsts, lasts, numbers.tolist(), domains, strict=True)
    ]
    places = [sample._PLACES[each] for each in rng.integers(0, len(sample._PLACES), size).tolist()]

    def moments(share: float, days: int = 400) -> list[int | None]:
        found = now - (rng.random(size) ** 2 * days * DAY).astype(np.int64) - 1
        return _unset(np.where(rng.random(size) < share, found, _NULL))

    columns: dict[str, Any] = {
        "site_id": repeat(site, size),
        "number": numbers.tolist(),
        "uuid": [number.to_bytes(16, "big") for number in numbers.tolist()],
        "created_at": created.tolist(),
        "updated_at": created.tolist(),
        "bucket": rng.integers(1, 101, size).tolist(),
        "email": emails,
        "email_key": [fold(email) for email in emails],
        "customer_id": [f"c{number}" for number in numbers.tolist()],
        "joined_at": created.tolist(),
        "name": names,
        "phone_number": [f"+4930{each:07d}" for each in rng.integers(0, 10**7, size).tolist()],
        "mobile_phone_number": [f"+49171{each:07d}" for each in rng.integers(0, 10**7, size).tolist()],
        "address_line_1": [f"Street {each}" for each in rng.integers(1, 5_000, size).tolist()],
        "address_city": [place[0] for place in places],
        "address_state": [place[1] for place in places],
        "address_country": [place[2] for place in places],
        "address_zip": [
            place[3].format(each) for place, each in zip(places, rng.integers(1, 100, size).tolist(), strict=True)
        ],
        "net_revenue": np.where(rng.random(size) < 0.6, 0, rng.integers(1, 40_000, size)).tolist(),
        "lifetime_revenue": repeat(0, size),
        "lifetime_orders": repeat(3, size),
        "lifetime_visits": repeat(0, size),
        "last_request_at": moments(0.9),
        "subscribed_at": moments(0.85, 730),
        "unsubscribed_at": moments(0.08),
        "manually_unsubscribed_at": moments(0.02),
        "opted_out_at": moments(0.04),
        "complained_at": moments(0.01),
        "bounced_at": moments(0.06),
        "last_sent_at": moments(0.97, 60),
        "last_delivered_at": moments(0.96, 60),
        "last_opened_at": moments(0.7),
        "last_clicked_at": moments(0.4),
    }
    nothing: list[None] = [None] * size
    return zip(*(columns.get(column.name, nothing) for column in table.c), strict=False)


def _unset(values: Numbers) -> list[int | None]:
    return [None if value == _NULL else value for value in values.tolist()]


def ties(rng: np.random.Generator, size: int) -> tuple[Numbers, Numbers, Numbers]:
    """(customers from 0, relation codes, objects) in the order of the table's key."""
    parts: list[tuple[Numbers, int, Numbers]] = []

    def add(relation: str, who: Numbers, what: Numbers) -> None:
        parts.append((who, BY_NAME[relation].code, what))

    def several(relation: str, each: int, of: int, share: float = 1.0) -> tuple[Numbers, Numbers]:
        what = np.argpartition(rng.random((size, of)), each, axis=1)[:, :each].ravel() + 1
        who = np.repeat(np.arange(size), each)
        kept = np.ones(who.size, dtype=np.bool_) if share == 1 else rng.random(who.size) < share
        add(relation, who[kept], what[kept])
        return who[kept], what[kept]

    everybody = np.arange(size)
    for relation, share in (("hidden", 0.01), ("suppressed", 0.02), ("hard_bouncing", 0.03), ("subscribed", 0.8)):
        chosen = everybody[rng.random(size) < share]
        add(relation, chosen, np.zeros_like(chosen))
    who, what = several("broadcast.sent", SENDS, BROADCASTS)
    roll = rng.random(who.size)
    reads = np.repeat(rng.beta(2, 3, size), SENDS)
    for relation, mask in (
        ("broadcast.dropped", roll < 0.01),
        ("broadcast.bounced", (roll >= 0.01) & (roll < 0.03)),
        ("broadcast.delivered", roll >= 0.03),
        ("broadcast.opened", roll >= 1 - 0.97 * reads),
        ("broadcast.clicked", roll >= 1 - 0.2 * reads),
    ):
        add(relation, who[mask], what[mask])
    several("tag.has", 5, TAGS)
    who, what = several("product.owned", 3, PRODUCTS)
    kept = rng.random(who.size) < 0.8
    add("product.active", who[kept], what[kept])
    several("offer.granted", 1, 10, 0.7)
    several("product.previously_owned", 1, PRODUCTS, 0.1)
    for relation in ("coupon.used", "form.submitted", "event.registered", "newsletter.unsubscribed"):
        several(relation, 1, 10, 0.1)
    for relation in ("assessment.completed", "assessment.passed", "assessment.failed"):
        several(relation, 1, 5, 0.05)
    for relation in ("sequence.subscribed", "newsletter.subscribed", "group.member"):
        several(relation, 1, 10, 0.3)
    customers = np.concatenate([part[0] for part in parts])
    relations = np.concatenate([np.full(part[0].size, part[1]) for part in parts])
    objects = np.concatenate([part[2] for part in parts])
    order = np.argsort(customers << 20 | relations << 10 | objects)
    return customers[order], relations[order], objects[order]


def tie_rows(rng: np.random.Generator, site: int, numbers: Numbers, now: int) -> Iterator[tuple[int, ...]]:
    """Rows of the table of relations."""
    customers, relations, objects = ties(rng, numbers.size)
    size = customers.size
    return zip(
        repeat(site, size),
        (customers + int(numbers[0])).tolist(),
        relations.tolist(),
        objects.tolist(),
        repeat(1, size),
        repeat(now, size),
        strict=True,
    )
