"""The job queue: background work stored in the database and leased to one process at a time.

A lease is a random token with an expiry time. Only the holder of the token may report progress and finish the job; once
the lease has expired, another process may take it. A job is therefore run again if its process dies, and a process that
was too slow gets an error.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct
from sqlalchemy import and_, bindparam, case, delete, func, insert, literal_column, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.store.engine import Connection, Engine, Row
from regulars.store.schema import jobs
from regulars.store.statement import Statement, id_is

State = Literal["waiting", "running", "done", "failed", "cancelled"]
STATES: Final[tuple[State, ...]] = get_args(State)
ENDED: Final = ("done", "failed", "cancelled")

_CANDIDATES: Final = 50
"""Due jobs considered per lease, as other processes may take the first ones."""


class Job(Struct, frozen=True):
    """One job; the fields are the columns, in order. Times in ms.

    recurring: equals `kind` for the single job of a recurring kind, else None. attempt: how often it was started.
    done, total: progress, in units that depend on the kind. lease: the token of the process that runs it.
    """

    id: int
    kind: str
    recurring: str | None
    site: int | None
    state: State
    arguments: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    done: int
    total: int | None
    attempt: int
    attempts: int
    due_at: int
    lease: str | None
    leased_until: int | None
    is_cancelled: bool
    created_at: int
    started_at: int | None
    finished_at: int | None


class LeaseLostError(Exception):
    """This process no longer holds the job: its lease expired and another took it, or the job was deleted."""


class JobError(Exception):
    """The job does not exist or its state does not allow the operation; the message says which."""


def job_of_row(row: Row) -> Job:
    """A job from a row of JOB_COLUMNS."""
    values = dict(zip(Job.__struct_fields__, row, strict=True))
    values["arguments"] = msgspec.json.decode(values["arguments"])
    values["result"] = None if values["result"] is None else msgspec.json.decode(values["result"])
    values["is_cancelled"] = bool(values["is_cancelled"])
    return Job(**values)


JOB_COLUMNS: Final = [jobs.c[name] for name in Job.__struct_fields__]
_MINE = and_(id_is(jobs.c.id, "job"), jobs.c.lease == bindparam("mine"))
_IS_DUE = or_(
    and_(jobs.c.state == literal_column("'waiting'"), jobs.c.due_at <= bindparam("now")),
    and_(jobs.c.state == literal_column("'running'"), jobs.c.leased_until < bindparam("now")),
)
_NEW = Statement(
    "new_job",
    insert(jobs)
    .values(
        **{
            name: bindparam(name) for name in ("kind", "site", "arguments", "attempts", "due_at", "created_at", "input")
        },
        recurring=null(),
        state=literal_column("'waiting'"),
        done=literal_column("0"),
        attempt=literal_column("0"),
        is_cancelled=literal_column("0"),
    )
    .returning(jobs.c.id),
)
_NEW_RECURRING = Statement(
    "new_recurring_job",
    upsert(jobs)
    .values(
        **{name: bindparam(name) for name in ("kind", "recurring", "attempts", "due_at", "created_at")},
        arguments=literal_column("'{}'"),
        state=literal_column("'waiting'"),
        done=literal_column("0"),
        attempt=literal_column("0"),
        is_cancelled=literal_column("0"),
    )
    .on_conflict_do_nothing(index_elements=["recurring"]),
)
_HASTEN = Statement(
    "hasten_recurring_job",
    update(jobs)
    .where(
        jobs.c.recurring == bindparam("name"),
        or_(jobs.c.due_at > bindparam("now"), jobs.c.state == literal_column("'running'")),
    )
    .values(
        due_at=case(
            (jobs.c.state == literal_column("'running'"), jobs.c.started_at + 1),
            else_=bindparam("now", type_=jobs.c.due_at.type),
        )
    ),
)
_DUE = Statement(
    "due_jobs",
    select(jobs.c.id, jobs.c.kind).where(_IS_DUE).order_by(jobs.c.due_at, jobs.c.id).limit(bindparam("most")),
)
_LEASE = Statement(
    "lease_job",
    update(jobs)
    .where(id_is(jobs.c.id, "job"), _IS_DUE)
    .values(
        state=literal_column("'running'"),
        attempt=jobs.c.attempt + 1,
        lease=bindparam("new_lease"),
        leased_until=bindparam("until"),
        started_at=bindparam("started"),
        done=literal_column("0"),
        total=null(),
    )
    .returning(*JOB_COLUMNS),
)
_REPORT = Statement(
    "report_job",
    update(jobs)
    .where(_MINE)
    .values(
        leased_until=bindparam("until"),
        done=func.coalesce(bindparam("new_done"), jobs.c.done),
        total=func.coalesce(bindparam("new_total"), jobs.c.total),
    )
    .returning(jobs.c.is_cancelled),
)
_END = Statement(
    "end_job",
    update(jobs)
    .where(_MINE)
    .values(
        **{
            name: bindparam(f"new_{name}")
            for name in ("state", "result", "error", "attempt", "finished_at", "is_cancelled")
        },
        # A run may not have seen what made the job due meanwhile.
        due_at=case(
            (and_(jobs.c.recurring.is_not(None), jobs.c.due_at > jobs.c.started_at), jobs.c.due_at),
            else_=bindparam("new_due_at", type_=jobs.c.due_at.type),
        ),
        lease=null(),
        leased_until=null(),
    )
    .returning(jobs.c.id),
)
_ONE = Statement("job", select(*JOB_COLUMNS).where(id_is(jobs.c.id, "job")))
_RETRY = Statement(
    "retry_job",
    update(jobs)
    .where(
        id_is(jobs.c.id, "job"),
        or_(jobs.c.state.in_([literal_column(f"'{state}'") for state in ("failed", "cancelled", "waiting")])),
    )
    .values(
        state=literal_column("'waiting'"),
        attempt=literal_column("0"),
        error=null(),
        is_cancelled=literal_column("0"),
        due_at=bindparam("now"),
        finished_at=null(),
    )
    .returning(jobs.c.id),
)
_CANCEL_WAITING = Statement(
    "cancel_waiting_job",
    update(jobs)
    .where(id_is(jobs.c.id, "job"), jobs.c.state == literal_column("'waiting'"), jobs.c.recurring.is_(null()))
    .values(state=literal_column("'cancelled'"), finished_at=bindparam("now"))
    .returning(jobs.c.id),
)
_CANCEL_RUNNING = Statement(
    "cancel_running_job",
    update(jobs)
    .where(id_is(jobs.c.id, "job"), jobs.c.state == literal_column("'running'"))
    .values(is_cancelled=literal_column("1"))
    .returning(jobs.c.id),
)
_PRUNE = Statement(
    "prune_jobs",
    delete(jobs)
    .where(
        jobs.c.finished_at < bindparam("before"),
        jobs.c.state.in_([literal_column(f"'{state}'") for state in ENDED]),
    )
    .returning(jobs.c.id),
)


async def enqueue(
    engine: Engine,
    kind: str,
    *,
    now: int,
    attempts: int,
    site: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    due_at: int | None = None,
    job_input: bytes | None = None,
) -> int:
    """Enqueue a job durably and return its id. due_at: earliest start (ms); None for now. job_input: see `input_of`."""
    async with engine.transaction() as connection:
        return await enqueue_within(
            connection,
            kind,
            now=now,
            attempts=attempts,
            site=site,
            arguments=arguments,
            due_at=due_at,
            job_input=job_input,
        )


async def enqueue_within(
    connection: Connection,
    kind: str,
    *,
    now: int,
    attempts: int,
    site: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    due_at: int | None = None,
    job_input: bytes | None = None,
) -> int:
    """Enqueue a job as part of a transaction, as `enqueue` does."""
    values = {
        "kind": kind,
        "site": site,
        "arguments": msgspec.json.encode(arguments or {}).decode(),
        "attempts": attempts,
        "due_at": now if due_at is None else due_at,
        "created_at": now,
        "input": job_input,
    }
    row = await connection.one(_NEW, values)
    assert row is not None
    return int(row[0])


async def ensure_recurring(engine: Engine, kinds: Mapping[str, int], *, now: int) -> None:
    """Create the job of each recurring kind unless it exists. kinds: number of attempts by kind."""
    async with engine.transaction() as connection:
        for kind, attempts in kinds.items():
            values = {"kind": kind, "recurring": kind, "attempts": attempts, "due_at": now, "created_at": now}
            await connection.all(_NEW_RECURRING, values)


async def hasten_within(connection: Connection, kind: str, *, now: int) -> None:
    """Make the job of a recurring kind due, as part of a transaction. One that is running runs again after that."""
    await connection.all(_HASTEN, {"name": kind, "now": now})


async def lease(engine: Engine, kinds: Iterable[str], *, now: int, seconds: float) -> Job | None:
    """Lease the longest-due job of these kinds for `seconds`; None if none is due.

    The lease is exclusive. A job whose process died has used up an attempt without finishing it.
    """
    async with engine.snapshot() as reading:
        due = await reading.all(_DUE, {"now": now, "most": _CANDIDATES})
    known = set(kinds)
    for number, kind in due:
        if kind not in known:
            continue
        async with engine.transaction() as connection:
            row = await connection.one(
                _LEASE,
                {
                    "job": number,
                    "now": now,
                    "new_lease": secrets.token_hex(16),
                    "until": now + round(seconds * 1000),
                    "started": now,
                },
            )
            if row is None:
                connection.discard()
        if row is not None:
            return job_of_row(row)
    return None


async def report(
    engine: Engine, job: Job, *, now: int, seconds: float, done: int | None = None, total: int | None = None
) -> bool:
    """Extend the lease and record progress; returns whether cancellation was requested.

    Raises LeaseLostError.
    """
    values = {
        "job": job.id,
        "mine": job.lease,
        "until": now + round(seconds * 1000),
        "new_done": done,
        "new_total": total,
    }
    async with engine.transaction() as connection:
        row = await connection.one(_REPORT, values)
    if row is None:
        raise LeaseLostError(job.id)
    return bool(row[0])


async def end(
    engine: Engine,
    job: Job,
    state: State,
    *,
    now: int,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
    due_at: int | None = None,
    attempt: int | None = None,
) -> None:
    """End the lease and set the job's new state, with its result or an error message.

    due_at: next start (ms) of a job that waits again. attempt: resets the attempt count. Raises LeaseLostError.
    """
    values = {
        "job": job.id,
        "mine": job.lease,
        "new_state": state,
        "new_result": None if result is None else msgspec.json.encode(result).decode(),
        "new_error": error,
        "new_due_at": job.due_at if due_at is None else due_at,
        "new_attempt": job.attempt if attempt is None else attempt,
        "new_finished_at": None if state == "running" else now,
        "new_is_cancelled": 0,
    }
    async with engine.transaction() as connection:
        if await connection.one(_END, values) is None:
            raise LeaseLostError(job.id)


async def job_of(connection: Connection, number: int) -> Job | None:
    """The job with this id."""
    row = await connection.one(_ONE, {"job": number})
    return None if row is None else job_of_row(row)


async def retry(engine: Engine, number: int, *, now: int) -> None:
    """Run a failed, cancelled or waiting job now, with its full number of attempts. Raises JobError."""
    async with engine.transaction() as connection:
        if await connection.one(_RETRY, {"job": number, "now": now}) is not None:
            return
        found = await job_of(connection, number)
    raise JobError(
        f"job {number} does not exist" if found is None else f"job {number} is {found.state}, so it cannot be retried"
    )


async def cancel(engine: Engine, number: int, *, now: int) -> None:
    """Cancel a waiting job, or ask a running one to stop. Raises JobError."""
    async with engine.transaction() as connection:
        for statement, values in (
            (_CANCEL_WAITING, {"job": number, "now": now}),
            (_CANCEL_RUNNING, {"job": number}),
        ):
            if await connection.one(statement, values) is not None:
                return
        found = await job_of(connection, number)
    if found is None:
        raise JobError(f"job {number} does not exist")
    recurs = found.recurring is not None and found.state == "waiting"
    raise JobError(
        f"job {number} " + ("is recurring and cannot be cancelled" if recurs else f"is already {found.state}")
    )


async def prune_jobs(engine: Engine, *, before: int) -> int:
    """Delete jobs that ended before a given time (ms); returns how many."""
    async with engine.transaction() as connection:
        rows = await connection.all(_PRUNE, {"before": before})
        if not rows:
            connection.discard()
    return len(rows)
