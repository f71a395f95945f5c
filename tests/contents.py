"""What a database file holds, and whether it is consistent: read with plain SQL, past the program's own reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from regulars.domain import changes
from regulars.domain.relations import BY_CODE, KIND_CODES
from regulars.domain.text import fold

from .databases import CHANGED_AT, TIES, Query

TABLES = (
    "customers",
    "relations",
    "objects",
    "logs",
    "activities",
    "consents",
    "newsletter_consents",
    "drip_campaigns",
    "pending_mails",
    "audiences",
    *("visitors", "anonymous_events", "imports", "import_changes", "changes"),
)


class Contents(NamedTuple):
    """Rows by table and head by site: equal before and after a call that changed nothing."""

    rows: dict[str, int]
    heads: dict[int, int]


def contents(path: Path) -> Contents:
    with Query(path) as read:
        counted = {table: table for table in TABLES} | {"relations": TIES}  # a job may be removing the others
        rows = {table: read.value(f"SELECT count(*) FROM {rows}") for table, rows in counted.items()}
        return Contents(rows, dict(read.rows("SELECT site_id, head FROM site_heads")))


def inconsistencies(path: Path) -> list[str]:
    """Everything that is wrong in a database, one sentence each; [] for a good one."""
    with Query(path) as read:
        return [*_damage(read), *_dangling(read), *_wrong_figures(read), *_broken_log(read)]


def _damage(read: Query) -> Iterator[str]:
    if read.is_sqlite:
        yield from (text for (text,) in read.rows("PRAGMA integrity_check") if text != "ok")


def _dangling(read: Query) -> Iterator[str]:
    """Rows about customers, objects or logs that are not there, or beyond the numbers handed out."""
    for table in ("relations", "consents", "newsletter_consents", "activities"):
        orphans = f"""SELECT count(*) FROM {table} t WHERE NOT EXISTS (
            SELECT 1 FROM customers c WHERE c.site_id = t.site_id AND c.number = t.customer)"""
        if found := read.value(orphans + (" AND t.log IS NULL" if table == "activities" else "")):
            yield f"{found} {table} of nobody"
    objects = set(read.rows("SELECT site_id, kind, number FROM objects WHERE deleted_at IS NULL"))
    for site, relation, item in read.rows(f"SELECT DISTINCT site_id, relation, object FROM {TIES} WHERE object <> 0"):
        if (site, KIND_CODES[BY_CODE[relation].kind or ""], item) not in objects:
            yield f"site {site}: relation {relation} to object {item}, which is not there"
    lost = """SELECT count(*) FROM activities a WHERE a.log IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM logs l WHERE l.site_id = a.site_id AND l.number = a.log)"""
    if found := read.value(lost):
        yield f"{found} activities of a log that is not there"
    for table, counter in (
        ("customers", "customer"),
        ("activities", "activity"),
        ("logs", "log"),
        ("consents", "consent"),
    ):
        late = f"SELECT count(*) FROM {table} t JOIN site_heads h USING (site_id) WHERE t.number >= h.next_{counter}"
        if found := read.value(late):
            yield f"{found} {table} have numbers that were not handed out"


def _wrong_figures(read: Query) -> Iterator[str]:
    """Customers whose key or figures do not follow from what else is stored."""
    for number, email, key in read.rows("SELECT number, email, email_key FROM customers"):
        if key != (None if email is None else fold(email)):
            yield f"customer {number}: key {key!r} of {email!r}"
    history = """SELECT site_id, customer, count(*) FILTER (WHERE name = 'purchase'),
        count(*) FILTER (WHERE name IN ('view', 'pageload', 'visit')) FROM activities GROUP BY site_id, customer"""
    counted = {(site, number): (orders, visits) for site, number, orders, visits in read.rows(history)}
    figures = "SELECT site_id, number, lifetime_orders, lifetime_visits FROM customers"
    for site, number, orders, visits in read.rows(figures):
        if (orders, visits) != counted.get((site, number), (0, 0)):
            yield f"site {site}, customer {number}: {orders} orders, {visits} visits, {counted.get((site, number))}"


_WHOLE = "(merged_into IS NULL OR merged_into = number)"
"""Customers who are not part of another one: the index has no others."""


def _broken_log(read: Query) -> Iterator[str]:
    """The change log, replayed from the first change on, must give exactly what the tables hold."""
    for site, head, token in read.rows("SELECT site_id, head, token FROM site_heads"):
        people: dict[int, dict[int, int]] = {}
        ties: set[tuple[int, int, int]] = set()
        number = previous = 0
        part = -1
        finished = True
        for row in read.rows(
            "SELECT number, part, token, previous, last, body FROM changes WHERE site_id = ? ORDER BY number, part",
            site,
        ):
            expected = (number + 1, 0) if finished else (number, part + 1)
            if row[:2] != expected or (finished and row[3] != previous):
                yield f"site {site}: change {row[:2]} follows {(number, part)}"
            number, part, finished = row[0], row[1], bool(row[4])
            previous = row[2] if finished else previous
            _replay(msgspec.msgpack.decode(row[5], type=changes.Record), people, ties)
        if (number, previous if number else token) != (head, token) or not finished:
            yield f"site {site}: the head is {head}, the newest change {number}"
        columns = ", ".join(changes.COLUMNS).replace("joined_at", "coalesce(joined_at, created_at)", 1)
        columns = columns.replace("updated_at", CHANGED_AT, 1)
        stored = {
            row[0]: {code: value for code, value in enumerate(row[1:]) if value is not None}
            for row in read.rows(f"SELECT number, {columns} FROM customers WHERE site_id = ? AND {_WHOLE}", site)
        }
        if stored != people:
            wrong = [key for key in stored.keys() | people.keys() if stored.get(key) != people.get(key)]
            yield f"site {site}: customers {wrong[:5]} differ from the change log"
        held = set(read.rows(f"SELECT customer, relation, object FROM {TIES} WHERE site_id = ? AND holds = 1", site))
        if held != ties:
            yield f"site {site}: ties {sorted(held ^ ties)[:5]} differ from the change log"


def _replay(record: changes.Record, people: dict[int, dict[int, int]], ties: set[tuple[int, int, int]]) -> None:
    for relation, item in record.cleared:
        if record.cleared_at is not None and BY_CODE[relation].is_shown:
            for customer in [tie[0] for tie in ties if tie[1:] == (relation, item)]:
                people[customer][changes.COLUMNS.index("updated_at")] = record.cleared_at
        ties -= {tie for tie in ties if tie[1:] == (relation, item)}
    for entry in record.entries:
        if entry.gone:
            people.pop(entry.number, None)
            ties -= {tie for tie in ties if tie[0] == entry.number}
            continue
        columns = people.setdefault(entry.number, {})
        for code, value in entry.columns:
            if value == changes.NULL:
                columns.pop(code, None)
            else:
                columns[code] = value
        for relation, item, holds in entry.ties:
            (ties.add if holds else ties.discard)((entry.number, relation, item))
