"""The job that cleans files after an erasure: it waits for imports, and goes on after its process died."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from regulars.audience import Audience
from regulars.domain.commands import DeleteCustomer, EraseCustomer
from regulars.domain.identity import Who
from regulars.domain.moments import DAY, HOUR
from regulars.jobs.erased_files import clean_files
from regulars.jobs.exports import EXPORT
from regulars.jobs.kind import Context, Work
from regulars.jobs.kinds import KINDS
from regulars.jobs.rewriting import due_at, next_hour
from regulars.jobs.runner import Runner
from regulars.settings import Settings
from regulars.store import jobs
from regulars.store.erasing import ERASE_FILES
from regulars.store.sqlite import SqliteEngine
from regulars.stored_files import StoredFiles

from ..store.running import NOW, Running, running

LATER = NOW + 1_000_000


def context(at: Running, folder: Path) -> Context:
    settings = Settings(database=f"sqlite:///{at.path}", files_folder=str(folder))
    return Context(at.store, settings, lambda: LATER, lambda _: None, Audience(at.store.changes))


def runner(at: Running, folder: Path, cleaning: Context | None = None) -> Runner:
    return Runner(cleaning or context(at, folder), [kind for kind in KINDS if kind.name == ERASE_FILES])


async def _told(done: int, total: int | None) -> None:
    """A process that was killed reports no more."""


def states(at: Running) -> list[bool]:
    return [cleaned is not None for (cleaned,) in at.rows('SELECT cleaned_at FROM erasures ORDER BY "at"')]


async def test_a_job_whose_process_died_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path) as at:
        run = runner(at, tmp_path)
        await run.ensure_recurring()
        for name in "ab":
            await at.upsert(email=f"{name}@example.com", firstname="Wanda")
            await at.store.ledger.submit(1, EraseCustomer(Who(email_key=f"{name}@example.com")))
        vacuum = at.store.engine.vacuum

        async def interrupted(tables: Sequence[str], *, full: bool = False) -> None:
            await vacuum(tables, full=full)
            raise KeyboardInterrupt  # as with a signal: nothing after it is done

        # A process that leased the job and was killed has done nothing more, and its lease ends some time.
        leased = await jobs.lease(at.store.engine, [ERASE_FILES], now=LATER - 120_000, seconds=60)
        assert leased is not None
        assert states(at) == [False, False]
        monkeypatch.setattr(at.store.engine, "vacuum", interrupted)
        with pytest.raises(KeyboardInterrupt):
            await clean_files(Work(leased, context(at, tmp_path), _told))
        assert states(at) == [False, False]
        monkeypatch.setattr(at.store.engine, "vacuum", vacuum)
        assert await run.run_one()
        assert states(at) == [True, True]
        assert b"Wanda" not in at.path.read_bytes()
        assert b"Wanda" not in at.path.with_name(at.path.name + "-wal").read_bytes()
        await at.upsert(email="c@example.com")  # the files are still taken for those of this database
        assert not await run.run_one()


def due(at: Running) -> int:
    ((moment,),) = at.rows("SELECT due_at FROM jobs WHERE kind = 'erase_files'")
    return int(moment)


def certificates(at: Running) -> list[dict[str, Any]]:
    rows = at.rows('SELECT cleaned FROM erasures ORDER BY "at"')
    return [{} if cleaned is None else msgspec.json.decode(cleaned) for (cleaned,) in rows]


async def test_a_large_database_waits_for_the_maintenance_hour(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        time = [NOW - NOW % DAY + 12 * HOUR]
        cleaning = context(at, tmp_path)
        settings = msgspec.structs.replace(cleaning.settings, vacuum_at_once=0, vacuum_hour=2)
        run = runner(at, tmp_path, msgspec.structs.replace(cleaning, settings=settings, clock=lambda: time[0]))
        await run.ensure_recurring()
        for name in "ab":
            await at.upsert(email=f"{name}@example.com", firstname="Wanda")
            await at.store.ledger.submit(1, EraseCustomer(Who(email_key=f"{name}@example.com")))
            async with at.store.engine.transaction() as connection:
                await jobs.hasten_within(connection, ERASE_FILES, now=time[0])
            assert await run.run_one()
            assert not await run.run_one()
        night = time[0] - 12 * HOUR + DAY + 2 * HOUR
        assert (due(at), states(at)) == (night, [False, False])
        waiting = {"stored_files": 0, "index_snapshots": 0, "due_at": night}
        assert certificates(at) == [waiting, waiting]
        time[0] = night + 5
        assert await run.run_one()
        assert states(at) == [True, True]
        assert all("due_at" not in each and each["seconds"] > 0 for each in certificates(at))
        assert b"Wanda" not in at.path.read_bytes()


async def test_writers_have_the_database_for_themselves_between_rewrites(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        last = {"rewritten_at": LATER - 10_000, "seconds": 4.0}
        moments = []
        for limit in (0, 2**40):
            cleaning = context(at, tmp_path)
            settings = msgspec.structs.replace(cleaning.settings, vacuum_at_once=limit)
            cleaning = msgspec.structs.replace(cleaning, settings=settings)
            moments.append((await due_at(cleaning, None), await due_at(cleaning, last)))
        night = next_hour(LATER, 3)
        assert moments == [(night, night), (LATER, LATER + 26_000)]


def test_the_hour_comes_once_a_day() -> None:
    day = NOW - NOW % DAY
    for now, hour, expected in (
        (0, 0, 0),
        (3 * HOUR - 1, 3, 3 * HOUR),
        (3 * HOUR + 1, 3, 3 * HOUR + 1),
        (4 * HOUR, 3, DAY + 3 * HOUR),
        (DAY - 1, 0, DAY),
        (DAY - 1, 23, DAY - 1),
    ):
        assert next_hour(day + now, hour) == day + expected


async def test_most_of_a_person_is_gone_with_the_commit(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        for name in "ab":
            await at.upsert(email=f"{name}@example.com", data={"address": f"secret-{name}" * 100})
        for name in "ab":
            command = EraseCustomer if name == "a" else DeleteCustomer
            await at.store.ledger.submit(1, command(Who(email_key=f"{name}@example.com")))
        assert isinstance(at.store.engine, SqliteEngine)
        assert at.store.engine.writer.execute("PRAGMA secure_delete").fetchall() == [(0,)]  # others cost nothing more
    raw = at.path.read_bytes()
    assert b"secret-a" not in raw
    assert b"secret-b" in raw


async def test_it_waits_for_exports_that_may_have_the_person(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        run = runner(at, tmp_path)
        await run.ensure_recurring()
        await at.upsert(email="a@example.com")
        export = await jobs.enqueue(at.store.engine, EXPORT, now=NOW, attempts=3, site=1, arguments={"question": {}})
        other = await jobs.enqueue(at.store.engine, EXPORT, now=NOW, attempts=3, site=2, arguments={})
        await at.store.ledger.submit(1, EraseCustomer(Who(email_key="a@example.com")))
        assert await run.run_one()
        assert states(at) == [False]
        stored = StoredFiles(Settings(database=f"sqlite:///{at.path}", files_folder=str(tmp_path)).files or tmp_path)
        for job in (export, other):
            stored.create(job, "customers.csv.gz").close()
        await jobs.cancel(at.store.engine, export, now=LATER)
        async with at.store.engine.transaction() as connection:
            await jobs.hasten_within(connection, ERASE_FILES, now=LATER)
        assert await run.run_one()
        assert states(at) == [True]
        assert not stored.path(export, "customers.csv.gz").exists()
        assert stored.path(other, "customers.csv.gz").exists()
        assert at.rows("SELECT id FROM jobs WHERE kind = 'export'") == [(other,)]
