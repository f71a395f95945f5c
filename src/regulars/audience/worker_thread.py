"""One thread for work that would block the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from regulars.cancellation import ended

_T = TypeVar("_T")


class WorkerThread:
    """A pool of one thread, which runs work in order of submission."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="audience")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run the work in the thread. On cancellation, waiting work is dropped and running work is awaited.

        A lock held around this call is therefore held until the thread has finished with the data.
        """
        future = self._executor.submit(work)
        waiter = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiter)
        except asyncio.CancelledError:
            if not future.cancel():
                await ended(waiter)
            raise

    async def close(self) -> None:
        """Drop waiting work and wait for running work."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)


def is_cancelling() -> bool:
    """Whether the running task itself is being cancelled, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
