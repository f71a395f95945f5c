"""Cancels work for a client that has disconnected, so that others do not wait for it."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final

from starlette.types import Receive

from regulars.http.errors import Problem

PATIENCE: Final = 0.05
"""The delay before watching for a disconnect (seconds): most responses take less, and watching would cost more."""

_DISCONNECT: Final = "http.disconnect"


class CancelOnDisconnect:
    """`async with CancelOnDisconnect(receive):` cancels the block when the client disconnects, and raises Problem.

    For a call whose body has been read or that has none, because it consumes messages of `receive`. Single use.
    """

    def __init__(self, receive: Receive, patience: float = PATIENCE) -> None:
        self._receive = receive
        self._patience = patience
        self._watch: asyncio.Task[None] | None = None
        self._has_left = False

    async def __aenter__(self) -> None:
        """Start watching after a delay."""
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._begin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching. Raises Problem if the client has disconnected."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if not self._has_left:
            return
        if kind is not asyncio.CancelledError:  # the work ended at that very moment; the cancellation is still to come
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        if self._task.uncancel() == 0:
            raise Problem("malformed", "The client disconnected before the response was ready.") from None

    def _begin(self) -> None:
        self._watch = asyncio.create_task(self._until_left())

    async def _until_left(self) -> None:
        # What is left of the body comes first; anything else than a departure after that is not understood.
        if (await self._receive())["type"] != _DISCONNECT and (await self._receive())["type"] != _DISCONNECT:
            return
        self.leave()

    def leave(self) -> None:
        """The client has left: cancel the work."""
        self._has_left = True
        self._task.cancel()
