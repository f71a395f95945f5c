"""Jobs that calls begin."""

from typing import Any

from regulars.http.call import Call
from regulars.store import jobs


async def enqueue(
    call: Call, kind: str, *, attempts: int, site: int | None, arguments: Any, job_input: bytes | None = None
) -> int:
    """Enqueue a job and begin it at once, if this process is free; returns its number."""
    services = call.services
    number = await jobs.enqueue(
        services.store.engine,
        kind,
        now=services.clock(),
        attempts=attempts,
        site=site,
        arguments=arguments,
        job_input=job_input,
    )
    services.wake_jobs()
    return number
