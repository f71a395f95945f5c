"""The counters of requests: no second has more than the rate, none less where there were as many, and none is lost."""

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.rate_counters import FILE_VARIABLE, SLICES, RateCounters, shared_file

SECOND = 1_000_000_000
SLICE = SECOND // SLICES


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters(clock: Clock) -> Iterator[RateCounters]:
    made = RateCounters(clock=clock)
    yield made
    made.close()


def test_a_key_gets_its_whole_rate_and_no_more(counters: RateCounters, clock: Clock) -> None:
    for _ in range(3):
        assert [counters.admit(1, 5).remaining for _ in range(5)] == [4, 3, 2, 1, 0]
        refused = counters.admit(1, 5)
        assert (refused.is_admitted, refused.remaining, refused.seconds) == (False, 0, 1.0)
        clock.now += SECOND


def test_what_is_refused_counts_nothing(counters: RateCounters, clock: Clock) -> None:
    assert counters.admit(1, 1).is_admitted
    for _ in range(100):
        assert not counters.admit(1, 1).is_admitted
    clock.now += SECOND
    assert counters.admit(1, 1).is_admitted


def test_keys_do_not_share(counters: RateCounters) -> None:
    assert counters.admit(1, 1).is_admitted
    assert counters.admit(2, 1).is_admitted


def test_a_caller_is_told_when_there_is_room(counters: RateCounters, clock: Clock) -> None:
    counters.admit(1, 2)
    clock.now += SECOND // 2
    counters.admit(1, 2)
    refused = counters.admit(1, 2)
    assert 0 < refused.seconds <= 0.5 + 1 / SLICES
    clock.now += int(refused.seconds * SECOND)
    assert counters.admit(1, 2).is_admitted


def test_parts_of_a_batch_count_one_each(counters: RateCounters, clock: Clock) -> None:
    counters.admit(1, 10)
    assert counters.admit(1, 10, 8, counted=1).remaining == 2
    counters.admit(1, 10)
    assert not counters.admit(1, 10, 3, counted=1).is_admitted
    assert counters.admit(1, 10).remaining == 1, "the refused batch has given back its own request"


def test_a_batch_larger_than_the_rate_never_passes(counters: RateCounters, clock: Clock) -> None:
    clock.now += 100 * SECOND
    counters.admit(1, 10)
    assert not counters.admit(1, 10, 11, counted=1).is_admitted
    assert [counters.admit(1, 10).is_admitted for _ in range(11)] == [True] * 10 + [False]


@given(st.lists(st.tuples(st.integers(0, SECOND // 3), st.integers(1, 9)), max_size=200), st.integers(1, 8))
def test_no_second_has_more_than_the_rate(calls: list[tuple[int, int]], rate: int) -> None:
    clock = Clock()
    counters = RateCounters(clock=clock)
    admitted: list[tuple[int, int]] = []
    for pause, cost in calls:
        clock.now += pause
        within = sum(each for at, each in admitted if at > clock.now - SECOND + SLICE)
        before = sum(each for at, each in admitted if at > clock.now - SECOND - SLICE)
        if counters.admit(1, rate, cost).is_admitted:
            assert within + cost <= rate
            admitted.append((clock.now, cost))
        else:
            assert before + cost > rate
    counters.close()


def _standing() -> int:
    return 5 * SECOND


def _count(admitted: "multiprocessing.Queue[int]") -> None:
    counters = RateCounters.open(clock=_standing)
    admitted.put(sum(counters.admit(7, 50_000).is_admitted for _ in range(3_000)))


def test_processes_lose_none_of_each_other_s(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with shared_file():
        path = os.environ[FILE_VARIABLE]
        admitted: multiprocessing.Queue[int] = context.Queue()
        started = [context.Process(target=_count, args=(admitted,)) for _ in range(2)]
        for process in started:
            process.start()
        assert sum(admitted.get(timeout=300) for _ in started) == 6_000
        for process in started:
            process.join()
        counters = RateCounters.open(clock=_standing)
        assert not counters.admit(7, 6_000).is_admitted
        assert counters.admit(7, 6_001).remaining == 0
        counters.close()
    assert not Path(path).exists()
    assert FILE_VARIABLE not in os.environ
