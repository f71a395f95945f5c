"""Reports the progress of a job while its long work runs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from regulars.jobs.kind import Work

_Result = TypeVar("_Result")

_REPORT_EVERY: Final = 1.0
"""Seconds between reports of progress."""


async def reporting(
    work: Work, call: Coroutine[Any, Any, _Result], progress: Callable[[], tuple[int, int | None]]
) -> _Result:
    """Await a call and report its progress every second. If the job has to stop, the call is cancelled."""
    running = asyncio.create_task(call)
    try:
        while not (await asyncio.wait([running], timeout=_REPORT_EVERY))[0]:
            await work.tell(*progress())
        return await running
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait([running])
