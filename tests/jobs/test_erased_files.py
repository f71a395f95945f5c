"""The job that cleans files after an erasure: it waits for imports, and goes on after its process died."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from regulars.audience import Audience
from regulars.domain.commands import EraseCustomer
from regulars.domain.identity import Who
from regulars.jobs.erased_files import clean_files
from regulars.jobs.exports import EXPORT
from regulars.jobs.kind import Context, Work
from regulars.jobs.kinds import KINDS
from regulars.jobs.runner import Runner
from regulars.settings import Settings
from regulars.store import jobs
from regulars.store.erasing import ERASE_FILES
from regulars.stored_files import StoredFiles

from ..store.running import NOW, Running, running

LATER = NOW + 1_000_000


def context(at: Running, folder: Path) -> Context:
    settings = Settings(database=f"sqlite:///{at.path}", files_folder=str(folder))
    return Context(at.store, settings, lambda: LATER, lambda _: None, Audience(at.store.changes))


def runner(at: Running, folder: Path) -> Runner:
    return Runner(context(at, folder), [kind for kind in KINDS if kind.name == ERASE_FILES])


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
