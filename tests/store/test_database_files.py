"""The file below: one that was deleted or replaced while it was open takes nothing that is acknowledged."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from regulars.store import ledger
from regulars.store.engine import OutcomeUnknownError, ReplacedError, UnavailableError
from regulars.store.sqlite import SqliteEngine
from regulars.store.store import Store

from .running import Running, on_sqlite, running, stored_customers, upsert


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    """As `mv` does with a file that was restored elsewhere."""
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.replace(path)


def turn_a_link(path: Path) -> None:
    """The name becomes a link to a copy."""
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    path.unlink()
    path.symlink_to(copy)


def overwrite(path: Path) -> None:
    """As `cp` does: the file stays, with other content."""
    with path.open("r+b") as file:
        content = file.read()
        file.seek(0)
        file.truncate()
        file.write(content)


@pytest.mark.parametrize(
    ("suffix", "change"),
    [(suffix, each) for suffix in ("", "-wal", "-shm") for each in (delete, replace, turn_a_link)],
)
async def test_nothing_is_acknowledged_once_a_file_is_gone(
    suffix: str, change: Callable[[Path], None], tmp_path: Path
) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        change(Path(f"{at.path}{suffix}"))
        for _ in range(3):
            with pytest.raises(ReplacedError, match="deleted or replaced") as caught:
                await at.upsert(email="b@example.com")
            assert not isinstance(caught.value, OutcomeUnknownError)
        await asyncio.sleep(0.3)
        for view in (at.store.snapshot, at.store.shared_snapshot):
            with pytest.raises(ReplacedError):
                async with view():
                    pass


@on_sqlite()
async def test_a_file_that_goes_during_a_commit_is_not_waited_for(at: Running) -> None:
    engine = at.store.engine
    assert isinstance(engine, SqliteEngine)
    commit = engine._commit

    def unlinked_meanwhile(*writer: object) -> None:
        at.path.unlink()
        commit(*writer)  # type: ignore[arg-type]

    engine._commit = unlinked_meanwhile  # type: ignore[method-assign, assignment]
    with pytest.raises(OutcomeUnknownError):
        await asyncio.wait_for(at.upsert(email="a@example.com"), ledger.SETTLE_SECONDS / 3)


@on_sqlite()
async def test_a_file_that_is_put_back_goes_on(at: Running) -> None:
    await at.upsert(email="a@example.com")
    away = at.path.with_name("away.db")
    at.path.rename(away)
    with pytest.raises(ReplacedError):
        await at.upsert(email="b@example.com")
    away.rename(at.path)
    await at.upsert(email="c@example.com")
    assert {each.email for each in stored_customers(at.path).values()} == {"a@example.com", "c@example.com"}


@pytest.mark.parametrize("change", [replace])
async def test_the_log_of_a_database_that_was_replaced_is_not_laid_over_the_new_one(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        path = at.path
        change(path)
        with pytest.raises(ReplacedError):
            await at.upsert(email="b@example.com")
        with pytest.raises(UnavailableError, match="belongs to the database that was there before"):
            await Store.open(f"sqlite:///{path}")
    restored = path.read_bytes()
    with pytest.raises(UnavailableError, match="belongs to the database that was there before"):
        await Store.open(f"sqlite:///{path}")
    assert path.read_bytes() == restored
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()  # noqa: ASYNC240
    await (await Store.open(f"sqlite:///{path}")).close()


async def test_a_file_that_is_put_back_after_the_end_keeps_its_log(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        path, away = at.path, at.path.with_name("away.db")
        path.rename(away)
        with pytest.raises(ReplacedError):
            await at.upsert(email="b@example.com")
    away.rename(path)
    await (await Store.open(f"sqlite:///{path}")).close()
    assert {each.email for each in stored_customers(path).values()} == {"a@example.com"}


async def test_no_checkpoint_is_taken_for_somebody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of this process, of another, and of a program that knows nothing of ours."""
    monkeypatch.setattr("regulars.store.sqlite._CHECKPOINT_PAGES", 20)

    async with running(tmp_path) as at:
        other = await Store.open(f"sqlite:///{at.path}")
        engines = [store.engine for store in (at.store, other)]
        try:
            for number in range(60):
                store = (at.store, other)[number % 3 == 0]
                await store.ledger.submit(1, upsert(email=f"{number}@example.com"))
                if number % 7 == 0:
                    with closing(apsw.Connection(str(at.path))) as stranger:
                        stranger.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE if number % 2 else 0)
                for engine in engines:
                    engine.check_files()
        finally:
            await other.close()
        await at.upsert(email="last@example.com")


async def test_a_checkpoint_that_was_broken_off_is_ended_by_who_opens_the_file(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        for suffix in ("", "-wal", ".lock"):  # as a kill leaves them: the index is made anew
            shutil.copy(f"{at.path}{suffix}", f"{at.path.with_name('killed.db')}{suffix}")
    path = tmp_path / "killed.db"
    store = await Store.open(f"sqlite:///{path}")
    try:
        await store.ledger.submit(1, upsert(email="b@example.com"))
        replace(path)
        with pytest.raises(ReplacedError):
            await store.ledger.submit(1, upsert(email="c@example.com"))
    finally:
        await store.close()


async def test_a_file_that_is_restored_while_nobody_has_it_open_is_as_good_as_any(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        path = at.path
    for _ in range(2):
        await (await Store.open(f"sqlite:///{path}")).close()
        overwrite(path)
    store = await Store.open(f"sqlite:///{path}")
    await store.ledger.submit(1, upsert(email="a@example.com"))
    await store.close()


@on_sqlite()
async def test_a_link_to_the_file_is_as_good_as_the_file(at: Running) -> None:
    (at.path.parent / "elsewhere").mkdir()
    link = at.path.parent / "elsewhere" / "link.db"
    link.symlink_to(at.path)
    other = await Store.open(f"sqlite:///{link}")
    try:
        await other.ledger.submit(1, upsert(email="a@example.com"))
        link.unlink()
        with pytest.raises(ReplacedError):
            await other.ledger.submit(1, upsert(email="b@example.com"))
    finally:
        await other.close()


async def test_a_store_that_must_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no database exists"):
        await Store.open(f"sqlite:///{tmp_path}/new.db", must_exist=True)
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_a_database_of_another_program_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE places (url TEXT)").fetchall()
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match="another program"):
        await Store.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


@on_sqlite()
async def test_a_backup_replaces_nothing(at: Running) -> None:
    taken = at.path.with_name("taken.db")
    link = at.path.with_name("link.db")
    partial = at.path.with_name("copy.db.partial")
    taken.write_text("mine")
    partial.write_text("mine, too")
    link.symlink_to("nowhere")
    for path in (taken, link):
        with pytest.raises(FileExistsError):
            await at.store.engine.backup(str(path))
    await at.store.engine.backup(str(at.path.with_name("copy.db")))
    assert (taken.read_text(), partial.read_text()) == ("mine", "mine, too")
    assert [path.name for path in at.path.parent.glob("*.partial")] == [partial.name]
