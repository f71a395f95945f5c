"""The write-ahead log is copied into the database file beside the commits, and starts anew."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from regulars.store import checkpoints
from regulars.store.checkpoints import Checkpointer
from regulars.store.engine import ReplacedError
from regulars.store.threads import Worker

from .running import Running, on_sqlite, upsert

PAGE = 4_096


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PAGES", 50)
    monkeypatch.setattr(checkpoints, "FEW", 10)


class Log:
    """A database whose commits are one page each, and a checkpointer that can be held before it copies."""

    def __init__(self, path: Path) -> None:
        self.writer = apsw.Connection(str(path))
        self.writer.execute("PRAGMA journal_mode = WAL").fetchall()
        self.writer.execute("CREATE TABLE t (a)")
        self.going = threading.Event()
        self.copies: list[str] = []
        self.is_locked = False
        self.replaced = False
        self.checkpointer = Checkpointer(path, self._check, self._locked)
        self.checkpointer.follow(self.writer)

    def commit(self, count: int = 1) -> None:
        for _ in range(count):
            self.writer.execute("INSERT INTO t VALUES (zeroblob(3000))")

    def size(self) -> int:
        """The pages that a commit finds in the log."""
        return int(self.writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)[0])

    def _check(self) -> None:
        self.copies.append("locked" if self.is_locked else "free")
        self.going.wait()
        if self.replaced:
            raise ReplacedError("replaced")

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[Worker]:
        worker = Worker()
        self.is_locked = True
        try:
            yield worker
        finally:
            self.is_locked = False
            worker.stop()


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    log = Log(tmp_path / "log.db")
    yield log
    log.going.set()
    await log.checkpointer.finish()
    log.checkpointer.close()
    log.writer.close()


async def test_commits_go_on_while_the_log_is_copied(log: Log) -> None:
    log.commit(10)
    log.checkpointer.start_if_due()
    await log.checkpointer.finish()
    assert log.copies == []
    log.commit(60)
    log.checkpointer.start_if_due()
    await asyncio.sleep(0)
    log.commit(5)
    assert not log.is_locked
    log.going.set()
    await log.checkpointer.finish()
    assert log.copies == ["free", "locked"]
    log.commit()
    assert log.size() < 10, "it starts anew, as nothing of it was left"
    assert log.writer.execute("SELECT count(*) FROM t").fetchall() == [(76,)]


async def test_the_lock_is_held_for_few_pages(log: Log) -> None:
    log.commit(60)
    log.checkpointer.start_if_due()
    log.going.set()
    while log.copies.count("free") < 2:
        log.commit(20)
        await asyncio.sleep(0)
    await log.checkpointer.finish()
    assert log.copies[0] == log.copies[1] == "free"
    assert log.copies[-1] == "locked"
    assert len(log.copies) <= 4


async def test_a_reader_keeps_the_log_but_does_not_have_it_copied_at_each_commit(log: Log, tmp_path: Path) -> None:
    log.going.set()
    reader = apsw.Connection(str(tmp_path / "log.db"))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM t").fetchall()
    for _ in range(120):
        log.commit()
        log.checkpointer.start_if_due()
        await log.checkpointer.finish()
    assert len(log.copies) <= log.size() // 50 * 3
    assert log.copies.count("locked") <= 1
    reader.close()


async def test_a_log_of_a_replaced_file_is_not_copied(log: Log) -> None:
    log.going.set()
    log.replaced = True
    log.commit(60)
    size = log.size()
    log.checkpointer.start_if_due()
    await log.checkpointer.finish()
    assert log.size() == size
    log.replaced = False
    log.commit(60)
    log.checkpointer.start_if_due()
    await log.checkpointer.finish()
    assert log.copies == ["free", "free", "locked"]


@on_sqlite()
async def test_the_log_of_a_store_stays_small(at: Running) -> None:
    path = at.path.with_name(f"{at.path.name}-wal")
    for each in range(150):
        await at.store.ledger.submit(1, upsert(email=f"p{each}@example.com"))
    assert path.stat().st_size < 150 * 5 * PAGE
    assert at.rows("SELECT count(*) FROM customers") == [(150,)]
