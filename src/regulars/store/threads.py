"""Threads for blocking calls: a worker for a writer's short waits, and a separate thread for each long read."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from regulars.cancellation import finished

_Result = TypeVar("_Result")


async def off_loop(call: Callable[..., _Result], *arguments: Any) -> _Result:
    """Run a call on a thread. A cancelled caller waits for it to end: a connection must not be used by two threads."""
    return await finished(asyncio.ensure_future(asyncio.to_thread(call, *arguments)))


class Worker:
    """One thread for blocking calls. A cancelled caller waits for its call to end, as the thread holds a lock."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], None], asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, call: Callable[[], None]) -> None:
        """Run a call on the thread and wait for it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sqlite", daemon=True)
            self._thread.start()
        done = asyncio.get_running_loop().create_future()
        self._calls.put((call, done))
        await finished(done)

    def stop(self) -> None:
        """Stop the thread after the pending calls."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            call, done = item
            try:
                call()
            except BaseException as error:
                done.get_loop().call_soon_threadsafe(_settle, done, error)
            else:
                done.get_loop().call_soon_threadsafe(_settle, done, None)


def _settle(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
