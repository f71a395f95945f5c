"""Work that must not be abandoned ends before its cancelled caller goes on."""

import asyncio

import pytest

from regulars.cancellation import ended, finished


def test_a_caller_that_is_cancelled_twice_waits_for_the_end() -> None:
    async def work() -> None:
        running: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        caller = asyncio.create_task(finished(running))
        for _ in range(2):
            await asyncio.sleep(0)
            caller.cancel()
            await asyncio.sleep(0)
            assert not caller.done()
        running.set_result(1)
        with pytest.raises(asyncio.CancelledError):
            await caller

    asyncio.run(work())


def test_the_result_or_the_error_of_the_work_is_the_caller_s() -> None:
    async def work() -> None:
        running: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running.set_result(1)
        assert await finished(running) == 1
        await ended(running)
        failing: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        failing.set_exception(ValueError("failed"))
        with pytest.raises(ValueError, match="failed"):
            await finished(failing)

    asyncio.run(work())
