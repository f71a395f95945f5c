"""The job that cleans the files after erasures: the database's own, index snapshots, and files on the server.

Rows are gone with the commit of the erasure. What they left in files is overwritten or deleted here, for all erasures
until now together. A run that is interrupted is done again from the start: each step finds what is left.
"""

import asyncio
from functools import partial
from typing import Any, Final

from msgspec import Struct

from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.domain.commands import Rebuild
from regulars.domain.moments import SECOND
from regulars.jobs.exports import EXPORT
from regulars.jobs.file_imports import IMPORT_FILE
from regulars.jobs.kind import Context, Work
from regulars.store import control
from regulars.store.erasing import mark_cleaned, pending_erasures
from regulars.store.imports import forget_examples
from regulars.store.job_forgetting import forget_jobs, replace_results
from regulars.store.job_reads import jobs_of_kind
from regulars.store.jobs import ENDED
from regulars.store.schema import SITE_TABLES
from regulars.store.threads import off_loop
from regulars.stored_files import StoredFiles

_WAIT: Final = 30.0
"""Seconds until it is tried again while an import or export of before the erasure is under way."""

_POLL: Final = 0.5
_POLLS: Final = 1_200
"""Seconds between looks at a snapshot that is being written, and how many there are."""

_STEPS: Final = 4
_TABLES: Final = (*(table.name for table in SITE_TABLES), "jobs")
_KINDS: Final = (EXPORT, IMPORT_FILE)
_RECEIVED: Final = 3_600 * SECOND
"""After so long (ms) an uploaded file that no job has is one that was never received whole."""


class _Erased(Struct, frozen=True):
    """The erasures of a site whose files are to be cleaned."""

    site: int
    keys: list[tuple[int, int]]

    @property
    def until(self) -> int:
        """The moment of the newest one (ms)."""
        return max(at for at, _ in self.keys)


async def clean_files(work: Work) -> dict[str, Any]:
    """Clean the files of all erasures of which that is not done."""
    context = work.context
    erased = await _erased(context)
    if not erased:
        return {"erasures": 0}
    files, under_way = 0, 0
    for each in erased:
        removed, busy = await _clean_stored_files(context, each)
        files, under_way = files + removed, under_way + busy
    await work.tell(1, _STEPS)
    if under_way:
        return {"erasures": 0, "waits_for_jobs": under_way}
    folder, snapshots = context.settings.snapshots, dict[int, int]()
    directory = None if folder is None else SnapshotDirectory(folder)
    if directory is not None:
        for each in erased:
            if (number := await _renew_index(directory, context, each.site)) is not None:
                snapshots[each.site] = number
    await work.tell(2, _STEPS)
    engine, full = context.store.engine, context.settings.vacuum_full == "on"
    await engine.vacuum(_TABLES, full=full)
    await work.tell(3, _STEPS)
    if directory is not None:
        for site, number in snapshots.items():
            await _discard_old(directory, site, number)
    done = {
        "engine": engine.dialect,
        "rewritten": full or engine.one_writer,
        "stored_files": files,
        "index_snapshots": len(snapshots),
    }
    for each in erased:
        await mark_cleaned(engine, each.site, each.keys, done, now=context.clock())
    await work.tell(_STEPS, _STEPS)
    return {"erasures": sum(len(each.keys) for each in erased), **done}


def again(result: dict[str, Any]) -> float | None:
    """Seconds until the next run: soon if the last one had to wait for other jobs."""
    return _WAIT if result.get("waits_for_jobs") else None


async def _erased(context: Context) -> list[_Erased]:
    async with context.store.snapshot() as connection:
        sites = await control.list_sites(connection)
        found = [_Erased(site.id, await pending_erasures(connection, site.id)) for site in sites]
    return [each for each in found if each.keys]


async def _clean_stored_files(context: Context, erased: _Erased) -> tuple[int, int]:
    """Delete the exports, uploads and refused lines of before the erasures, which may have the person.

    Returns how many files were deleted, and how many jobs still write or read one.
    """
    async with context.store.snapshot() as connection:
        found = [job for kind in _KINDS for job in await jobs_of_kind(connection, kind)]
    old = [job for job in found if job.site == erased.site and job.created_at <= erased.until]
    ended = [job for job in old if job.state in ENDED]
    removed = 0
    if context.settings.files is not None:
        stored = StoredFiles(context.settings.files)
        names = [job.arguments["file"] for job in ended if job.kind == IMPORT_FILE]
        removed += await off_loop(partial(stored.delete_of, [job.id for job in ended], names))
        used = {job.arguments["file"] for job in found if job.kind == IMPORT_FILE}
        before = min(erased.until, context.clock() - _RECEIVED) / SECOND
        removed += await off_loop(partial(stored.delete_unused, used, before=before))
    await replace_results(
        context.store.engine,
        {job.id: _without_values(job.result) for job in ended if job.kind == IMPORT_FILE and job.result is not None},
    )
    await forget_examples(context.store.engine, erased.site, until=erased.until)
    # The question of an export may name the person.
    await forget_jobs(context.store.engine, [job.id for job in ended if job.arguments.get("question") is not None])
    return removed, len(old) - len(ended)


def _without_values(result: dict[str, Any]) -> dict[str, Any]:
    """The result of an import, without the values of the file that it quotes."""
    tables = [
        {**table, "columns": [{**column, "values": []} for column in table.get("columns", ())]}
        for table in result.get("tables", ())
    ]
    return {**result, "tables": tables, "summary": {**result.get("summary", {}), "examples": []}}


async def _renew_index(directory: SnapshotDirectory, context: Context, site: int) -> int | None:
    """Let all servers load the index of a site again, and delete its snapshot: it keeps texts of deleted customers.

    Returns the number of the change from which on a snapshot is without them; None if there is no snapshot.
    """
    if not directory.path(site).exists():
        return None
    await context.store.ledger.submit(site, Rebuild())
    async with context.store.changes.snapshot() as snapshot:
        head = await snapshot.head(site)
    directory.discard(site)
    return 0 if head is None else head.number


async def _discard_old(directory: SnapshotDirectory, site: int, number: int) -> None:
    """Delete a snapshot that a server wrote before it noticed that it had to load the index again."""
    for _ in range(_POLLS):
        if not directory.is_being_written(site):
            break
        await asyncio.sleep(_POLL)
    head = directory.head(site)
    if head is not None and head.number < number:
        directory.discard(site)
