"""The undo of imports and bulk actions: begun once at a time, and shown with what it undoes."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from regulars.domain.moments import iso, iso_or_none
from regulars.domain.origin import Actor
from regulars.http.call import Call
from regulars.http.job_queue import enqueue
from regulars.http.keyring import Caller
from regulars.http.schema import MOMENT, TEXT, WHOLE, Schema, one_of, or_null, record, such_as
from regulars.jobs.import_undo import UNDO_ATTEMPTS, UNDO_IMPORT, UndoArguments
from regulars.store.engine import Connection
from regulars.store.job_reads import list_jobs_of
from regulars.store.jobs import STATES, Job

_MOST_UNDOS: Final = 1_000
UNDER_WAY: Final = ("waiting", "running")


async def begin_undo(call: Call, caller: Caller, job: Job, target: str, *, actor: Actor | None = None) -> None:
    """Enqueue the undo of a job, unless one is under way. target: for the audit trail. actor: see `UndoArguments`."""
    running = await undo_of(call, caller, job)
    if running is not None and running.state in UNDER_WAY:
        return
    await enqueue(
        call,
        UNDO_IMPORT,
        attempts=UNDO_ATTEMPTS,
        site=job.site,
        arguments=msgspec.to_builtins(UndoArguments(job=job.id, actor=actor)),
    )
    await call.record(caller.account, target, "updated")


async def undos(connection: Connection, caller: Caller) -> dict[int, Job]:
    """The newest undo of each job, by the number of that."""
    found = await list_jobs_of(connection, UNDO_IMPORT, caller.account, _MOST_UNDOS)
    return {msgspec.convert(job.arguments, UndoArguments).job: job for job in reversed(found)}


async def undo_of(call: Call, caller: Caller, job: Job) -> Job | None:
    """The newest undo of a job; None if there was none."""
    async with call.services.store.snapshot() as connection:
        return (await undos(connection, caller)).get(job.id)


UNDO: Final[Mapping[str, Callable[[Job], Any]]] = {
    "state": lambda job: job.state,
    "done": lambda job: job.done,
    "total": lambda job: job.total,
    "summary": lambda job: job.result,
    "error": lambda job: job.error,
    "created_at": lambda job: iso(job.created_at),
    "finished_at": lambda job: iso_or_none(job.finished_at),
}
"""What is shown of the newest undo. done, total: customers."""

UNDO_SCHEMA: Final[Schema] = record(
    {
        "state": one_of(STATES),
        "done": such_as(WHOLE, 2),
        "total": such_as(or_null(WHOLE), 2),
        "summary": or_null({"type": "object", "examples": [{"customers": 2, "deleted": 2, "skipped": 0}]}),
        "error": or_null(TEXT),
        **dict.fromkeys(("created_at", "finished_at"), or_null(MOMENT)),
    }
)
