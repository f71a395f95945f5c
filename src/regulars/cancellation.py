"""Cancellation: work that must not be abandoned is waited for, even if its caller is cancelled."""

import asyncio
from typing import Any, TypeVar

_Result = TypeVar("_Result")


async def ended(running: asyncio.Future[Any]) -> None:
    """Wait until the work has ended, however often the caller is cancelled. Swallows the cancellation."""
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            continue


async def finished(running: asyncio.Future[_Result]) -> _Result:
    """The result of the work. A cancelled caller also waits for its end and then raises CancelledError."""
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await ended(running)
        raise
