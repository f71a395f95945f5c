"""One thread for what would hold up the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from regulars.cancellation import ended

_T = TypeVar("_T")


class WorkerThread:
    """A pool of one thread, whose work takes turns in the order of submission."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="audience")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run it in the thread. Cancelled, work that waits is dropped; of work that runs, the end is awaited.

        So whoever holds a lock around this holds it until the thread has let go of what it works on.
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
        """Drop what waits, and wait for what runs."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)


def is_cancelling() -> bool:
    """Whether the running task itself is being cancelled, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
