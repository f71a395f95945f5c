"""Coroutines in code that is not one.

A test that awaits something is an `async def`: anyio's plugin runs it on an asyncio loop of its own, with or without
hypothesis. `run` is for the fixtures and helpers of tests that call a server or the command line and do not wait.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, which runs on a new loop in a thread: the caller may be on a loop itself."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
