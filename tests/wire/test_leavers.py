"""Callers who leave in the middle of everything delay nobody."""

import random
import threading
import time

import pytest

from ..effort import slow
from .conftest import Wire
from .raw import head

CALLERS = 20
LONGEST = 3.0
"""Seconds that no answer may take where the machine does nothing else; what is to be seen here took five."""


@pytest.mark.parametrize("seconds", [1.0, slow(4.0)])
def test_who_leaves_delays_nobody(wire: Wire, seconds: float) -> None:
    """Half of the callers leave after they have asked, often by a reset, in the turn in which others are answered."""
    problems: list[str] = []
    request = head("GET", "/v1/customers", wire.authorization)

    def leave(seed: int, until: float) -> None:
        chosen = random.Random(seed)
        while time.monotonic() < until:
            with wire.connect() as connection:
                connection.send(request * chosen.randint(1, 4))
                if chosen.random() < 0.5:
                    time.sleep(chosen.random() / 500)

    def stay(until: float, slowest: list[float]) -> None:
        longest = 0.0
        with wire.connect() as connection:
            while time.monotonic() < until:
                asked = time.monotonic()
                connection.send(request)
                answer = connection.answer()
                longest = max(longest, time.monotonic() - asked)
                if answer is None or answer.status not in (200, 503):
                    problems.append(str(answer))
                    return
        slowest.append(longest)

    def slowest_answer(seconds: float, leavers: int) -> float:
        until, slowest = time.monotonic() + seconds, [0.0]
        threads = [threading.Thread(target=leave, args=(n, until)) for n in range(leavers)]
        threads += [threading.Thread(target=stay, args=(until, slowest)) for _ in range(CALLERS - leavers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return max(slowest)

    alone = slowest_answer(seconds / 4, 0)  # how busy the machine is
    with_leavers = slowest_answer(seconds, CALLERS // 2)
    assert problems == []
    assert with_leavers < max(LONGEST, 10 * alone)
    assert "Traceback" not in wire.server.log
