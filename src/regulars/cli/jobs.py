"""`regulars jobs`: shows, retries and cancels background jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from regulars.cli.options import LARGEST_NUMBER, NEAREST, AsJson, Database
from regulars.cli.output import FailedError, show, show_table
from regulars.cli.session import opened
from regulars.domain.moments import iso, iso_or_none, now_ms
from regulars.store import jobs as queue
from regulars.store.engine import Engine
from regulars.store.job_reads import list_jobs

JobNumber = Annotated[
    int,
    typer.Argument(metavar="ID", help="The number of the job, as shown by `regulars jobs`.", min=1, max=LARGEST_NUMBER),
]

jobs = typer.Typer(help="Show background jobs, newest first, and retry or cancel one.", no_args_is_help=False)


@jobs.callback(invoke_without_command=True)
def _list(context: typer.Context, as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    if context.invoked_subcommand is not None:
        return

    async def work() -> list[queue.Job]:
        async with opened(database) as store, store.snapshot() as connection:
            return await list_jobs(connection)

    found = asyncio.run(work())
    rows = [_details(job) if as_json else _row(job) for job in found]
    show_table(rows, as_json=as_json, empty="there are no jobs yet; the server creates them when it starts")


def _details(job: queue.Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "site": job.site,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "attempt": job.attempt,
        "attempts": job.attempts,
        "due_at": iso(job.due_at),
        "created_at": iso(job.created_at),
        "started_at": iso_or_none(job.started_at),
        "finished_at": iso_or_none(job.finished_at),
        "result": job.result,
        "error": job.error,
    }


def _row(job: queue.Job) -> dict[str, Any]:
    total = "" if job.total is None else f" of {job.total:,}"
    return {
        "id": job.id,
        "kind": job.kind,
        "site": job.site,
        "state": job.state,
        "progress": f"{job.done:,}{total}",
        "attempt": f"{job.attempt} of {job.attempts}",
        "due_at": iso(job.due_at) if job.state == "waiting" else None,
        "error": job.error,
    }


@jobs.command("retry")
def retry(number: JobNumber, as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """Run a failed, cancelled or waiting job now, with all its attempts."""
    _change(database, lambda engine: queue.retry(engine, number, now=now_ms()))
    show({"job": number, "state": "waiting"}, as_json=as_json)


@jobs.command("cancel")
def cancel(number: JobNumber, as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """Cancel a waiting job, or ask a running one to stop. Completed work stays."""
    _change(database, lambda engine: queue.cancel(engine, number, now=now_ms()))
    show({"job": number, "cancelled": True}, as_json=as_json)


def _change(database: str, change: Callable[[Engine], Awaitable[None]]) -> None:
    async def work() -> None:
        async with opened(database) as store:
            try:
                await change(store.engine)
            except queue.JobError as error:
                raise FailedError(str(error)) from None

    asyncio.run(work())
