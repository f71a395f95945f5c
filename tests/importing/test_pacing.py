"""The pace of an import."""

import asyncio
from typing import Any, cast

import pytest

from regulars.importing.pacing import FIRST_CHUNK, HOLD_BESIDE_OTHERS, LARGEST_CHUNK, LONGEST_HOLD, SMALLEST_CHUNK, Pace

SECONDS_A_LINE = 0.0001


class FakeEngine:
    """A database in which a line takes a fixed time."""

    last_wait = 0.0
    last_hold = 0.0


class Sleeps:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found = Sleeps()
    monkeypatch.setattr(asyncio, "sleep", found.sleep)
    return found.seconds


async def held(
    pace: Pace, engine: FakeEngine, batches: int, *, a_line: float = SECONDS_A_LINE, wait: float = 0
) -> float:
    """How long the lock is held by the last of so many batches."""
    for _ in range(batches):
        engine.last_hold, engine.last_wait = pace.chunk_size * a_line, wait
        await pace.make_room()
    return pace.chunk_size * a_line


async def test_the_first_batch_is_small_and_the_next_ones_grow_up_to_the_longest_hold(sleeps: list[float]) -> None:
    engine = FakeEngine()
    pace = Pace(cast(Any, engine))
    assert pace.chunk_size == FIRST_CHUNK
    assert LONGEST_HOLD / 2 <= await held(pace, engine, 40) <= LONGEST_HOLD
    assert await held(pace, engine, 40, a_line=0.00001) == LARGEST_CHUNK * 0.00001
    assert await held(pace, engine, 1, a_line=0.001) <= LONGEST_HOLD
    await held(pace, engine, 1, a_line=1)
    assert pace.chunk_size == SMALLEST_CHUNK
    assert all(sleeps)


async def test_beside_other_writers_batches_are_shorter_and_the_import_takes_half_of_the_time(
    sleeps: list[float],
) -> None:
    engine = FakeEngine()
    pace = Pace(cast(Any, engine))
    await held(pace, engine, 40)
    del sleeps[:]
    assert await held(pace, engine, 10, wait=0.01) <= HOLD_BESIDE_OTHERS
    assert sleeps[-1] == engine.last_hold
    assert await held(pace, engine, 10) <= HOLD_BESIDE_OTHERS
    assert await held(pace, engine, 60) > HOLD_BESIDE_OTHERS
