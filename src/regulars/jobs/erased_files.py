"""The job that cleans the files after erasures: the database's own, index snapshots, and files on the server.

Rows are gone with the commit of the erasure. What they left in files is overwritten or deleted here, for all erasures
until now together. A run that is interrupted is done again from the start: each step finds what is left. Rewriting a
large database waits for the maintenance hour (`rewriting.py`), the other steps do not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.domain.commands import Rebuild
from regulars.domain.moments import HOUR, SECOND
from regulars.jobs import rewriting
from regulars.jobs.exports import EXPORT
from regulars.jobs.file_imports import IMPORT_FILE
from regulars.jobs.kind import Context, Work
from regulars.jobs.rewriting import memory
from regulars.store import control
from regulars.store.erasing import PendingErasure, mark_erasures, pending_erasures
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
_COUNTS: Final = ("stored_files", "index_snapshots")
_KINDS: Final = (EXPORT, IMPORT_FILE)
_RECEIVED: Final = HOUR
"""After so long (ms) an uploaded file that no job has is one that was never received whole."""


class _Erased(Struct, frozen=True):
    """The erasures of a site of which files are to be cleaned."""

    site: int
    pending: list[PendingErasure]

    @property
    def until(self) -> int:
        """The moment of the newest one (ms)."""
        return max(each.at for each in self.pending)

    @property
    def is_new(self) -> bool:
        """Whether nothing was done yet after one of them."""
        return any(each.cleaned is None for each in self.pending)


async def clean_files(work: Work) -> dict[str, Any]:
    """Clean the files of all erasures of which that is not done."""
    return await clean(work.context, work.tell, work.job.result)


async def clean(
    context: Context, tell: Callable[[int, int | None], Awaitable[None]], last: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Clean the files of all erasures of which that is not done, as far as it may be done now.

    tell: see Work. last: what the last run returned.
    """
    erased = await _erased(context)
    if not erased:
        return {**memory(last), "erasures": 0}
    due_at = await rewriting.due_at(context, last)
    is_due = due_at <= context.clock()
    if is_due or any(each.is_new for each in erased):
        found = await _clean_others(context, [each for each in erased if is_due or each.is_new], tell)
        if isinstance(found, int):
            return {**memory(last), "erasures": 0, "waits_for_jobs": found}
        done, snapshots = found
    else:
        done, snapshots = {}, {}
    engine = context.store.engine
    if is_due:
        done.update(await rewriting.rewrite(context, _TABLES))
    elif not engine.one_writer:
        await engine.vacuum(_TABLES)  # blocks nobody
    await tell(3, _STEPS)
    await _discard_old(context, snapshots)
    for each in erased:
        await mark_erasures(
            engine,
            each.site,
            [(one, _together(one, done, due_at=None if is_due else due_at)) for one in each.pending],
            cleaned_at=context.clock() if is_due else None,
        )
    await tell(_STEPS, _STEPS)
    count = sum(len(each.pending) for each in erased)
    if not is_due:
        return {**memory(last), "erasures": 0, "pending": count, "due_at": due_at, "waits": due_at - context.clock()}
    return {"erasures": count, **done}


def again(result: dict[str, Any]) -> float | None:
    """Seconds until the next run: soon if the last one had to wait for other jobs, else when it may go on."""
    if result.get("waits_for_jobs"):
        return _WAIT
    waits = result.get("waits")
    return None if waits is None else max(waits, 0) / SECOND


def _together(erasure: PendingErasure, done: Mapping[str, Any], *, due_at: int | None) -> dict[str, Any]:
    """What was done after an erasure, by all runs."""
    before = erasure.cleaned or {}
    counts = {name: before.get(name, 0) + done.get(name, 0) for name in _COUNTS}
    shown = {name: value for name, value in done.items() if name != "rewritten_at"}
    return {**shown, **counts, **({} if due_at is None else {"due_at": due_at})}


async def _clean_others(
    context: Context, erased: Sequence[_Erased], tell: Callable[[int, int | None], Awaitable[None]]
) -> tuple[dict[str, Any], dict[int, int]] | int:
    """Clean all but the database: what was done, and by site the change from which on snapshots are clean.

    Or only the number of jobs of before the erasures that are under way.
    """
    files, under_way = 0, 0
    for each in erased:
        removed, busy = await _clean_stored_files(context, each)
        files, under_way = files + removed, under_way + busy
    await tell(1, _STEPS)
    if under_way:
        return under_way
    snapshots = dict[int, int]()
    if context.settings.snapshots is not None:
        directory = SnapshotDirectory(context.settings.snapshots)
        for each in erased:
            if (number := await _renew_index(directory, context, each.site)) is not None:
                snapshots[each.site] = number
    await tell(2, _STEPS)
    return {"stored_files": files, "index_snapshots": len(snapshots)}, snapshots


async def _erased(context: Context) -> list[_Erased]:
    async with context.store.snapshot() as connection:
        sites = await control.list_sites(connection)
        found = [_Erased(site.id, await pending_erasures(connection, site.id)) for site in sites]
    return [each for each in found if each.pending]


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


async def _discard_old(context: Context, snapshots: Mapping[int, int]) -> None:
    """Delete snapshots that a server wrote before it noticed that it had to load the index again."""
    if context.settings.snapshots is None:
        return
    directory = SnapshotDirectory(context.settings.snapshots)
    for site, number in snapshots.items():
        for _ in range(_POLLS):
            if not directory.is_being_written(site):
                break
            await asyncio.sleep(_POLL)
        head = directory.head(site)
        if head is not None and head.number < number:
            directory.discard(site)
