"""Deletes what ended jobs keep of persons: arguments, and values that results quote."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, update

from regulars.store.engine import Engine
from regulars.store.schema import jobs
from regulars.store.statement import Statement, id_is

_FORGET = Statement("forget_job", delete(jobs).where(id_is(jobs.c.id, "job")))
_REPLACE_RESULT = Statement(
    "replace_job_result",
    update(jobs).where(id_is(jobs.c.id, "job")).values(result=bindparam("new_result")),
)


async def forget_jobs(engine: Engine, numbers: Sequence[int]) -> None:
    """Delete jobs that have ended, with their arguments and results."""
    if numbers:
        async with engine.transaction() as connection:
            await connection.many(_FORGET, [(number,) for number in numbers])


async def replace_results(engine: Engine, results: Mapping[int, Mapping[str, Any]]) -> None:
    """Replace the results of jobs that have ended, by number."""
    if results:
        rows = [(msgspec.json.encode(result).decode(), number) for number, result in results.items()]
        async with engine.transaction() as connection:
            await connection.many(_REPLACE_RESULT, rows)
