"""Long work of a job, whose progress is told while it goes on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from regulars.jobs.kind import Work

_Result = TypeVar("_Result")

_TOLD_EVERY: Final = 1.0
"""Seconds between reports of progress."""


async def attended(
    work: Work, call: Coroutine[Any, Any, _Result], progress: Callable[[], tuple[int, int | None]]
) -> _Result:
    """Wait for the end of a call and tell its progress. If the job has to stop, the call is cancelled."""
    running = asyncio.create_task(call)
    try:
        while not (await asyncio.wait([running], timeout=_TOLD_EVERY))[0]:
            await work.tell(*progress())
        return await running
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait([running])
