"""Reading the job queue."""

from sqlalchemy import bindparam, func, select

from regulars.store.engine import Connection
from regulars.store.jobs import JOB_COLUMNS, STATES, Job, State, job_of_row
from regulars.store.schema import jobs, sites
from regulars.store.statement import Statement, id_is

_LIST = Statement("list_jobs", select(*JOB_COLUMNS).order_by(jobs.c.id.desc()).limit(bindparam("most")))
_LIST_OF = Statement(
    "list_jobs_of",
    select(*JOB_COLUMNS)
    .where(
        jobs.c.kind == bindparam("name"),
        jobs.c.site.in_(select(sites.c.id).where(sites.c.account_id == bindparam("account"))),
    )
    .order_by(jobs.c.id.desc())
    .limit(bindparam("most")),
)
_OF_KIND = Statement("jobs_of_kind", select(*JOB_COLUMNS).where(jobs.c.kind == bindparam("name")))
_INPUT = Statement("job_input", select(jobs.c.input).where(id_is(jobs.c.id, "job")))
_COUNTS = Statement("count_jobs", select(jobs.c.state, func.count()).group_by(jobs.c.state))


async def list_jobs(connection: Connection, most: int = 100) -> list[Job]:
    """The newest jobs, newest first."""
    return [job_of_row(row) for row in await connection.all(_LIST, {"most": most})]


async def list_jobs_of(connection: Connection, kind: str, account: int, most: int) -> list[Job]:
    """The newest jobs of a kind about sites of an account, newest first."""
    return [job_of_row(row) for row in await connection.all(_LIST_OF, {"name": kind, "account": account, "most": most})]


async def jobs_of_kind(connection: Connection, kind: str) -> list[Job]:
    """All jobs of a kind."""
    return [job_of_row(row) for row in await connection.all(_OF_KIND, {"name": kind})]


async def count_jobs(connection: Connection) -> dict[State, int]:
    """The number of jobs in each state."""
    counted: dict[str, int] = {state: number for state, number in await connection.all(_COUNTS, {})}  # noqa: C416
    return {state: counted.get(state, 0) for state in STATES}


async def input_of(connection: Connection, number: int) -> bytes | None:
    """What a job works on, where that is too large for its arguments."""
    row = await connection.one(_INPUT, {"job": number})
    return None if row is None or row[0] is None else bytes(row[0])
