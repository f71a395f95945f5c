"""The SQLite engine: one file, many processes, readers that never wait."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from regulars.domain.identity import Who
from regulars.store import control, reads
from regulars.store import statements as sql
from regulars.store.engine import Connection, UnavailableError
from regulars.store.sqlite import SqliteEngine
from regulars.store.store import DatabaseURLError, Store, engine_for

from ..databases import query
from .chain import assert_replay_gives_the_tables
from .running import NOW, Running, on_sqlite, running, stored_customers, upsert

WRITER = """
import asyncio, sys
from regulars.store.store import Store
from tests.store.running import upsert

async def main(path, name, count):
    store = await Store.open(f"sqlite:///{path}")
    print("ready", flush=True)
    sys.stdin.readline()
    async def call(n):
        for turn in range(count):
            await store.ledger.submit(1, upsert(email=f"{name}{n}-{turn}@example.com"))
    await asyncio.gather(*(call(n) for n in range(4)))
    await store.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""
HOLDER = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""
ROOT = Path(__file__).parents[2]


def start(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- several writers ------------------------------------------------------------------------------------------


@on_sqlite()
async def test_two_engines_write_to_one_file_and_neither_starves(at: Running) -> None:
    other = await Store.open(f"sqlite:///{at.path}")
    slowest = 0.0

    async def write(store: Store, name: str) -> int:
        nonlocal slowest
        for turn in range(40):
            asked = time.perf_counter()
            await store.ledger.submit(1, upsert(email=f"{name}-{turn}@example.com"))
            slowest = max(slowest, time.perf_counter() - asked)
        return int(time.perf_counter() * 1000)

    try:
        ends = await asyncio.gather(
            *(write(store, f"{n}{i}") for i in range(3) for n, store in enumerate((at.store, other)))
        )
    finally:
        await other.close()
    assert len(stored_customers(at.path)) == 240
    assert slowest < 2
    assert max(ends) - min(ends) < 5000
    assert_replay_gives_the_tables(at.path)


@on_sqlite()
async def test_two_processes_write_at_once_and_nothing_is_lost(at: Running) -> None:
    writers = [start(WRITER, str(at.path), name, "60") for name in ("left", "right")]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert await asyncio.to_thread(writer.stdout.readline) == b"ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"\n")
            writer.stdin.flush()
        for turn in range(40):
            await at.upsert(email=f"here-{turn}@example.com")
        codes = [await asyncio.to_thread(writer.wait, 30) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert codes == [0, 0]
    assert len(stored_customers(at.path)) == 2 * 4 * 60 + 40
    assert_replay_gives_the_tables(at.path)
    names = [row[0].partition("@")[0] for row in at.rows("SELECT email FROM customers ORDER BY number")]
    turns = [("left" in one) != ("left" in following) for one, following in pairwise(names)]
    assert sum(turns) > 10, "one process had the lock all the time"


def test_two_processes_make_one_new_database(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    script = WRITER.replace("sys.stdin.readline()", "await store.close(); return")
    makers = [start(script, str(path), "x", "0") for _ in range(3)]
    assert [maker.communicate()[0] for maker in makers] == [b"ready\n"] * 3
    assert [maker.returncode for maker in makers] == [0] * 3
    assert query(path, "SELECT count(*), count(DISTINCT name) FROM settings") == [(3, 3)]


@on_sqlite()
async def test_the_lock_of_a_process_that_dies_is_free_at_once(at: Running) -> None:
    holder = start(HOLDER, f"{at.path}.lock")
    try:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        waiting = asyncio.ensure_future(at.upsert(email="a@example.com"))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        holder.send_signal(signal.SIGKILL)
        await waiting  # were the lock still held, it would be refused as busy
    finally:
        holder.kill()
        holder.communicate()


@on_sqlite()
async def test_who_gives_up_waiting_for_the_lock_does_not_keep_it(at: Running) -> None:
    other = await Store.open(f"sqlite:///{at.path}")
    try:
        async with other.engine.transaction():
            waiting = asyncio.ensure_future(control.create_account(at.store.engine, "late", now=1))
            await asyncio.sleep(0.05)
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(other.ledger.submit(1, upsert(email="a@example.com")), 5)
        await at.upsert(email="b@example.com")
    finally:
        await other.close()
    assert at.rows("SELECT name FROM accounts") == [("acme",)]


# -- transactions and snapshots -------------------------------------------------------------------------------


@on_sqlite()
async def test_a_block_that_raises_is_undone(at: Running) -> None:
    engine = at.store.engine
    with pytest.raises(ZeroDivisionError):
        async with engine.transaction() as connection:
            await connection.all(sql.TAKE_HEAD, {"site": 1, "new_token": 5, "now": NOW})
            raise ZeroDivisionError
    assert at.head() == (0, 0)
    async with engine.transaction() as connection:
        await connection.all(sql.TAKE_HEAD, {"site": 1, "new_token": 5, "now": NOW})
        connection.discard()
    assert at.head() == (0, 0)
    async with engine.transaction() as connection:
        await connection.all(sql.TAKE_HEAD, {"site": 1, "new_token": 5, "now": NOW})
        assert at.head() == (0, 0)
    assert at.head() == (1, 5)


@on_sqlite()
async def test_a_statement_that_fails_leaves_an_engine_that_works(at: Running) -> None:
    with pytest.raises(apsw.ConstraintError):
        async with at.store.engine.transaction() as connection:
            await connection.many(sql.NEW_HEAD, [(1, 0, 0, 0, 1, 1, 1, 1, 0)])
    assert (await at.upsert(email="a@example.com")).verdict == "created"


@on_sqlite()
async def test_a_snapshot_holds_still_while_others_write(at: Running) -> None:
    await at.upsert(email="a@example.com", name="Before")
    async with at.store.snapshot() as early:
        before = await reads.find_person(early, 1, Who(email_key="a@example.com"))
        await at.upsert(email="a@example.com", name="After")
        await at.upsert(email="b@example.com")
        again = await reads.find_person(early, 1, Who(email_key="a@example.com"))
        assert before == again
        assert await early.one(sql.HEAD, {"site": 1}) != (2, at.head()[1])
        async with at.store.snapshot() as late:
            now = await reads.find_person(late, 1, Who(email_key="a@example.com"))
            assert now is not None
            assert now.customer.name == "After"
            assert await reads.find_person(early, 1, Who(email_key="b@example.com")) is None
            assert await reads.find_person(late, 1, Who(email_key="b@example.com")) is not None


@on_sqlite()
async def test_a_snapshot_cannot_write(at: Running) -> None:
    async with at.store.snapshot() as connection:
        with pytest.raises(UnavailableError):
            await connection.all(sql.TAKE_HEAD, {"site": 1, "new_token": 5, "now": NOW})


@on_sqlite()
async def test_a_read_that_is_cancelled_gives_its_connection_back_whole(at: Running) -> None:
    await at.store.ledger.submit_all(1, [upsert(email=f"u{n}@example.com") for n in range(2000)])

    async def load() -> None:
        async with at.store.changes.snapshot() as snapshot:
            while True:
                async for _ in snapshot.customers(1):
                    pass

    loading = asyncio.ensure_future(load())
    await asyncio.sleep(0.05)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    async with at.store.snapshot() as connection:
        assert await connection.one(sql.HEAD, {"site": 1}) == at.head()


# -- opening, closing, copying --------------------------------------------------------------------------------


@on_sqlite()
async def test_a_backup_is_one_moment_while_others_write(at: Running) -> None:
    await at.store.ledger.submit_all(1, [upsert(email=f"u{n}@example.com", text="x" * 500) for n in range(500)])
    stop = False

    async def write() -> int:
        done = 0
        while not stop:
            await at.store.ledger.submit_all(1, [upsert(email=f"v{done}-{n}@example.com") for n in range(2)])
            done += 1
        return done

    writing = asyncio.ensure_future(write())
    copies = [at.path.with_name(f"copy{n}.db") for n in range(3)]
    for copy in copies:
        await at.store.engine.backup(str(copy))
        await asyncio.sleep(0.01)
    stop = True
    assert await writing > 0
    for copy in copies:
        assert query(copy, "PRAGMA integrity_check") == [("ok",)]
        assert len(stored_customers(copy)) % 2 == 0
        assert_replay_gives_the_tables(copy)
        assert sorted(path.name for path in copy.parent.glob(f"{copy.name}*")) == [copy.name]
    restored = await Store.open(f"sqlite:///{copies[0]}")
    try:
        assert (await restored.ledger.submit(1, upsert(email="u0@example.com"))).verdict == "unchanged"
    finally:
        await restored.close()


async def test_closing_leaves_one_file_and_no_thread(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        async with at.store.snapshot() as connection:
            await connection.one(sql.HEAD, {"site": 1})
    assert files_in(tmp_path) == ["test.db", "test.db.lock"]
    assert "sqlite" not in {thread.name for thread in threading.enumerate()}
    engine = at.store.engine
    await engine.close()
    for attempt in (engine.transaction(), engine.snapshot()):
        with pytest.raises(UnavailableError, match="closed"):
            async with attempt:
                pass


async def test_a_file_that_cannot_be_a_database_is_said_so(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to look like one " * 50)
    for path in (text, tmp_path / "nowhere" / "x.db", tmp_path):
        with pytest.raises(UnavailableError, match="cannot open the database"):
            await Store.open(f"sqlite:///{path}")
    assert "sqlite" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "mysql://x", "regulars.db"])
def test_a_url_that_is_not_understood_is_said_so(url: str) -> None:
    with pytest.raises(DatabaseURLError, match="sqlite:///"):
        engine_for(url)


async def test_commits_are_on_disk_when_they_return(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        engine = at.store.engine
        assert isinstance(engine, SqliteEngine)
        assert engine.writer.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
        assert engine.writer.execute("PRAGMA synchronous").fetchall() == [(2,)]
        assert apsw.sqlite_lib_version() >= "3.51.3"  # earlier ones may damage a WAL shared by two processes


# -- shared snapshots -----------------------------------------------------------------------------------------


async def name_of(connection: Connection, email: str) -> str | None:
    person = await reads.find_person(connection, 1, Who(email_key=email))
    return None if person is None else person.customer.name


@on_sqlite()
async def test_look_ups_of_one_turn_share_a_transaction_and_later_ones_see_later_writes(at: Running) -> None:
    await at.upsert(email="a@example.com", name="Anna")
    engine = at.store.engine
    first = engine.shared_snapshot()
    assert engine.shared_snapshot() is first
    async with first as one, engine.shared_snapshot() as other:
        assert one is other
        assert await name_of(one, "a@example.com") == "Anna"
    for turn in range(20):
        await at.upsert(email="a@example.com", name=f"Anna {turn}")
        async with engine.shared_snapshot() as connection:
            assert await name_of(connection, "a@example.com") == f"Anna {turn}"
    await asyncio.sleep(0)
    assert engine.shared_snapshot() is not first


@on_sqlite()
async def test_who_stays_in_a_shared_snapshot_keeps_its_moment(at: Running) -> None:
    await at.upsert(email="a@example.com", name="Anna")
    async with at.store.shared_snapshot() as connection:
        assert await name_of(connection, "a@example.com") == "Anna"
        await at.upsert(email="a@example.com", name="Berta")
        async with at.store.shared_snapshot() as later:
            assert later is not connection
            assert await name_of(later, "a@example.com") == "Berta"
        assert await name_of(connection, "a@example.com") == "Anna"


@on_sqlite()
async def test_a_shared_snapshot_sees_what_another_process_acknowledged_before_it_was_asked_for(at: Running) -> None:
    other = await Store.open(f"sqlite:///{at.path}")
    try:
        for turn in range(50):
            await other.ledger.submit(1, upsert(email="a@example.com", name=f"Anna {turn}"))
            async with at.store.shared_snapshot() as connection:
                assert await name_of(connection, "a@example.com") == f"Anna {turn}"
    finally:
        await other.close()


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@on_sqlite()
async def test_nobody_else_may_read_the_files(at: Running) -> None:
    await at.upsert(email="a@example.com")
    await at.store.engine.backup(str(at.path.with_name("copy.db")))
    found = modes(at.path.parent)
    assert {at.path.name, f"{at.path.name}-wal", f"{at.path.name}.lock", "copy.db"} <= found.keys()
    assert set(found.values()) == {0o600}
