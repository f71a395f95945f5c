"""The stall watch: the largest lag of the event loop, how many stalls there were, and one line about them."""

import asyncio
import contextlib
import time

from structlog.testing import capture_logs

from regulars.stalls import RECENT_SECONDS, STALL_SECONDS, StallWatch


def test_lags_are_measured_counted_and_told_once_in_a_while() -> None:
    now = 100.0
    watch = StallWatch(lambda: now)
    with capture_logs() as lines:
        for lag in (0.01, STALL_SECONDS, 0.3, 2.0, 0.4):
            watch.note(lag)
        assert (watch.max_lag, watch.stalls) == (2.0, 3)
        assert [(line["seconds"], line["stalls"]) for line in lines] == [(0.3, 1)]
        now += 10
        watch.note(0.5)
    assert [(line["seconds"], line["stalls"]) for line in lines] == [(0.3, 1), (0.5, 3)]


def test_the_largest_lag_is_that_of_the_last_minute() -> None:
    now = 0.0
    watch, noted = StallWatch(lambda: now), []
    for lag in (0.2, 0.1, 0.0, 0.15, 0.05, 0.05, *[0.01] * 10):
        watch.note(lag)
        noted.append((now, lag))
        now += RECENT_SECONDS / 4
        assert watch.max_lag == max(lag for at, lag in noted if at > now - RECENT_SECONDS)
    now += RECENT_SECONDS
    assert watch.max_lag == 0.0


async def test_a_loop_that_is_held_is_noticed() -> None:
    watch = StallWatch()
    task = asyncio.create_task(watch.watch())
    await asyncio.sleep(0)
    time.sleep(0.4)  # noqa: ASYNC251 - this is the stall
    await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert watch.stalls == 1
    assert watch.max_lag > STALL_SECONDS
