"""`regulars restore` and `regulars erasures`: restore a backup, in which nobody comes back who was erased after it."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from regulars import files
from regulars.audience import Audience
from regulars.cli.options import NEAREST, AsJson, Database
from regulars.cli.output import FailedError, show
from regulars.cli.session import opened, snapshot_folder
from regulars.domain.moments import iso, now_ms
from regulars.jobs import erased_files
from regulars.jobs.kind import Context
from regulars.settings import Settings
from regulars.store.erasure_lists import ErasureList, ListError, apply_list, list_erasures, read_list
from regulars.store.sqlite import SCHEME
from regulars.store.sqlite_replacing import replace_database
from regulars.store.store import files_of, is_initialised

erasures = typer.Typer(
    help="Export the list of erasures, apply it to a restored database, and clean files after erasures."
)
_IS_LIST: Final = b'{"regulars_erasures":'


@erasures.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write or overwrite.")],
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Write the list of all erasures: keyed hashes, without names. Keep the newest one beside the backups.

    \b
    Example:
      regulars erasures export /backups/erasures.json
    """
    found = asyncio.run(_list_of(database))
    try:
        with files.rewrite(file, lambda line: line.startswith(_IS_LIST)) as stream:
            stream.write(msgspec.json.encode(found))
    except FileExistsError:
        raise FailedError(f"{file} already exists and is no list of erasures; choose another name") from None
    except OSError as error:
        raise FailedError(f"{file} cannot be written: {error.strerror}") from error
    show({"file": str(file), "identifiers": len(found.tombstones), "erasures": len(found.records)}, as_json=as_json)


@erasures.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A list that `regulars erasures export` wrote.")],
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Erase everybody on a list of erasures, such as after pg_restore. A repeat changes nothing.

    \b
    Example:
      regulars erasures apply /backups/erasures.json
    """
    show(asyncio.run(_apply(database, [_read(file)])), as_json=as_json)


@erasures.command()
def clean(
    now: Annotated[bool, typer.Option("--now", help="Do not wait for the maintenance hour.")] = False,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Clean the files after erasures, as servers do by themselves.

    A large database is rewritten in the maintenance hour, as nobody can write to it meanwhile. With --now it is
    rewritten at once: about 15 seconds for each GB of SQLite.

    \b
    Example:
      regulars erasures clean --now
    """

    async def work() -> dict[str, Any]:
        settings = msgspec.structs.replace(Settings.from_environment(), database=database)
        if now:
            settings = msgspec.structs.replace(settings, vacuum_at_once=sys.maxsize)
        async with opened(database) as store:
            context = Context(store, settings, now_ms, lambda _: None, Audience(store.changes))
            return await erased_files.clean(context, _tell)

    done = asyncio.run(work())
    if done.get("waits_for_jobs"):
        raise FailedError("an import or export of before an erasure is under way: run this again when it has ended")
    if "waits" in done:
        pending, due_at = done["pending"], iso(done["due_at"])
        done = {"erasures": 0, "pending": pending, "due_at": due_at}
    show({name: value for name, value in done.items() if name != "rewritten_at"}, as_json=as_json)


async def _tell(done: int, total: int | None) -> None:
    """Nobody waits for the progress."""


def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that `regulars backup` wrote.")],
    lists: Annotated[
        list[Path] | None,
        typer.Option("--erasures", metavar="FILE", help="Apply this list of erasures, too. Can be repeated."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Put a backup in the place of an SQLite database, and erase again who was erased after it was made.

    The erasures are read from the database that is replaced, and from lists. Stop all servers first. The database that
    was there stays beside it as FILE.replaced-TIME: delete that when you no longer need it.

    \b
    Example:
      regulars restore /backups/regulars-2026-11-22.db --erasures /backups/erasures.json
    """
    if not database.startswith(SCHEME):
        raise FailedError("a PostgreSQL database is restored with pg_restore, and then `regulars erasures apply`")
    path = files_of(database)[0]
    if not backup.is_file():
        raise FailedError(f"{backup} does not exist")
    known = [_read(file) for file in lists or ()]
    if path.exists():
        if path.samefile(backup):
            raise FailedError(f"{backup} is the database itself")
        if not yes and not typer.confirm(f"Replace {path} by {backup}?", err=True):
            raise FailedError("nothing was restored")
        known.append(asyncio.run(_list_of(database)))
    elif not known:
        raise FailedError(
            f"there is no database at {path} to read the erasures from: give the newest list with --erasures"
        )
    partial, file = files.create_beside(path)
    try:
        with file, backup.open("rb") as source:
            shutil.copyfileobj(source, file)
        done = asyncio.run(_apply(f"{SCHEME}{partial}", known, vacuum=True))
        replaced = replace_database(path, partial)
    finally:
        for each in files_of(f"{SCHEME}{partial}"):
            each.unlink(missing_ok=True)
    folder = snapshot_folder(database)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    show({"restored": str(backup), "replaced": None if replaced is None else str(replaced), **done}, as_json=as_json)


def _read(file: Path) -> ErasureList:
    try:
        return read_list(file.read_bytes())
    except OSError as error:
        raise FailedError(f"{file} cannot be read: {error.strerror}") from error
    except ListError as error:
        raise FailedError(f"{file}: {error}") from error


async def _list_of(database: str) -> ErasureList:
    async with opened(database) as store, store.snapshot() as connection:
        return await list_erasures(connection)


async def _apply(database: str, lists: list[ErasureList], *, vacuum: bool = False) -> dict[str, Any]:
    """Apply lists of erasures, and rewrite the file then. Raises FailedError."""
    done = {"customers": 0, "identifiers": 0}
    if not await is_initialised(database):
        raise FailedError("the file is no database of regulars")
    async with opened(database) as store:
        for each in lists:
            try:
                applied = await apply_list(store, each)
            except ListError as error:
                raise FailedError(f"the list of erasures cannot be applied: {error}") from error
            done = {name: done[name] + applied[name] for name in done}
        if vacuum:
            await store.engine.vacuum(())
    return {"erased_customers": done["customers"], "erased_identifiers": done["identifiers"]}
