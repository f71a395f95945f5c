"""A database file that was deleted, replaced or overwritten while it was open: no write to it is acknowledged."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
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


def overwrite(path: Path, content: bytes) -> None:
    """As `cp` does: the file stays, with other content."""
    with path.open("r+b") as file:
        file.truncate()
        file.write(content)


async def old_backup(at: Running) -> bytes:
    """`regulars backup`, and a checkpoint and a write after it."""
    copy = at.path.with_name("backup.db")
    await at.store.engine.backup(str(copy))
    return await _outdated(at, copy)


async def new_backup(at: Running) -> bytes:
    """`regulars backup` of the current state."""
    copy = at.path.with_name("backup.db")
    await at.store.engine.backup(str(copy))
    return copy.read_bytes()


async def old_copy_by_sqlite(at: Running) -> bytes:
    """`.backup` of the sqlite3 shell, and a checkpoint and a write after it."""
    copy = at.path.with_name("backup.db")
    with (
        closing(apsw.Connection(str(at.path))) as source,
        closing(apsw.Connection(str(copy))) as target,
        target.backup("main", source, "main") as backup,
    ):
        backup.step(-1)
    return await _outdated(at, copy)


async def vacuumed(at: Running) -> bytes:
    """`VACUUM INTO` of the current state."""
    copy = at.path.with_name("backup.db")
    with closing(apsw.Connection(str(at.path))) as source:
        source.execute(f"VACUUM INTO '{copy}'").fetchall()
    return copy.read_bytes()


async def old_file(at: Running) -> bytes:
    """`cp` of the file itself, and a checkpoint and a write after it."""
    copy = at.path.with_name("backup.db")
    await _checkpoint(at)
    shutil.copy(at.path, copy)
    return await _outdated(at, copy)


async def other_database(at: Running) -> bytes:
    """The database of another installation, which has as long a history."""
    folder = at.path.with_name("elsewhere")
    folder.mkdir()
    async with running(folder) as other:
        for number in range(3):
            await other.upsert(email=f"other{number}@example.com")
            await _checkpoint(other)
        return other.path.read_bytes()


async def half_copied(at: Running) -> bytes:
    """The moment in which `cp` has just emptied the file."""
    return b""


async def no_database(at: Running) -> bytes:
    """Something else."""
    return b"spreadsheet" * 4096


async def _outdated(at: Running, copy: Path) -> bytes:
    for number in range(4):
        await at.upsert(email=f"later{number}@example.com")
        await _checkpoint(at)
    await at.upsert(email="last@example.com")
    return copy.read_bytes()  # noqa: ASYNC240


async def _checkpoint(at: Running, mode: str = "TRUNCATE") -> None:
    """By a program that knows nothing of ours."""
    with closing(apsw.Connection(str(at.path))) as stranger:
        ((was_busy, *_),) = stranger.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        assert not was_busy


OTHER_CONTENTS = (
    old_backup,
    new_backup,
    old_copy_by_sqlite,
    vacuumed,
    old_file,
    other_database,
    half_copied,
    no_database,
)


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


@pytest.mark.parametrize("content", OTHER_CONTENTS)
async def test_nothing_is_acknowledged_once_the_file_is_overwritten(
    content: Callable[[Running], Awaitable[bytes]], tmp_path: Path
) -> None:
    """By another process neither, and the log of the former file is not laid over the new one at the next start."""
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        overwriting = await content(at)
        other = await Store.open(f"sqlite:///{at.path}")
        overwrite(at.path, overwriting)
        for _ in range(2):
            for store in (at.store, other):
                with pytest.raises(ReplacedError, match="overwritten"):
                    await store.ledger.submit(1, upsert(email="b@example.com"))
        await asyncio.sleep(0.3)
        for view in (at.store.snapshot, at.store.shared_snapshot, other.snapshot):
            with pytest.raises(ReplacedError):
                async with view():
                    pass
        await other.close()
        path = at.path
    assert path.read_bytes() == overwriting, "what was restored was written to"
    with pytest.raises(UnavailableError, match="belongs to the database that was there before"):
        await Store.open(f"sqlite:///{path}")
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()  # noqa: ASYNC240
    if overwriting[:6] == b"SQLite":
        await (await Store.open(f"sqlite:///{path}")).close()


@pytest.mark.parametrize("content", OTHER_CONTENTS)
async def test_a_file_that_is_overwritten_while_nobody_asks_is_noticed(
    content: Callable[[Running], Awaitable[bytes]], tmp_path: Path
) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        overwriting = await content(at)
        async with at.store.snapshot():
            pass
        overwrite(at.path, overwriting)
        with pytest.raises(ReplacedError, match="overwritten"):
            at.store.engine.check_files()


@on_sqlite()
async def test_a_file_that_is_written_with_what_it_had_goes_on(at: Running) -> None:
    await at.upsert(email="a@example.com")
    overwrite(at.path, at.path.read_bytes())
    at.path.touch()
    await at.upsert(email="b@example.com")
    at.store.engine.check_files()


@pytest.mark.parametrize("checkpointed", ["nothing", "header", "all but the header", "everything"])
async def test_a_process_that_is_killed_in_a_checkpoint_can_start_again(checkpointed: str, tmp_path: Path) -> None:
    killed = tmp_path / "killed.db"
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        await _checkpoint(at)
        await at.upsert(email="b@example.com")
        before = at.path.read_bytes()
        for suffix in ("-wal", ".lock"):
            shutil.copy(f"{at.path}{suffix}", f"{killed}{suffix}")
        await _checkpoint(at)
        after = at.path.read_bytes()
    page = 4096
    killed.write_bytes(
        {
            "nothing": before,
            "header": after[:page] + before[page:],
            "all but the header": before[:page] + after[page:],
            "everything": after,
        }[checkpointed]
    )
    for _ in range(2):
        store = await Store.open(f"sqlite:///{killed}")
        await store.ledger.submit(1, upsert(email="c@example.com"))
        await store.close()
    assert {each.email for each in stored_customers(killed).values()} >= {"a@example.com", "b@example.com"}


@pytest.mark.parametrize("content", [old_backup, old_file, new_backup, other_database])
async def test_a_log_that_a_kill_left_is_not_laid_over_a_restored_file(
    content: Callable[[Running], Awaitable[bytes]], tmp_path: Path
) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        restored = await content(at)
        killed = tmp_path / "killed.db"
        for suffix in ("-wal", ".lock"):
            shutil.copy(f"{at.path}{suffix}", f"{killed}{suffix}")
    killed.write_bytes(restored)
    with pytest.raises(UnavailableError, match="belongs to the database that was there before"):
        await Store.open(f"sqlite:///{killed}")
    assert killed.read_bytes() == restored


@on_sqlite()
async def test_a_file_that_goes_during_a_commit_is_not_waited_for(at: Running) -> None:
    engine = at.store.engine
    assert isinstance(engine, SqliteEngine)

    def unlink() -> bool:
        at.path.unlink()
        return False

    engine.writer.set_commit_hook(unlink)
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


async def test_the_log_of_a_database_that_was_replaced_is_not_laid_over_the_new_one(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        path = at.path
        replace(path)
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
    monkeypatch.setattr("regulars.store.checkpoints.PAGES", 20)

    async with running(tmp_path) as at:
        other = await Store.open(f"sqlite:///{at.path}")
        engines = [store.engine for store in (at.store, other)]
        try:
            for number in range(60):
                store = (at.store, other)[number % 3 == 0]
                await store.ledger.submit(1, upsert(email=f"{number}@example.com"))
                if number % 7 == 0:
                    await _checkpoint(at, "TRUNCATE" if number % 2 else "PASSIVE")
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
        overwrite(path, path.read_bytes())
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
