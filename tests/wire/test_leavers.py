"""Callers who leave in the middle of everything delay nobody."""

import random
import threading
import time

from .conftest import Wire
from .raw import head

CALLERS, SECONDS = 20, 4.0
LONGEST = 3.0
"""Seconds that no answer may take, on a busy machine; what is to be seen here took five."""


def test_who_leaves_delays_nobody(wire: Wire) -> None:
    """Half of the callers leave after they have asked, often by a reset, in the turn in which others are answered."""
    slowest: list[float] = []
    problems: list[str] = []
    until = time.monotonic() + SECONDS
    request = head("GET", "/v1/customers", wire.authorization)

    def leave(seed: int) -> None:
        chosen = random.Random(seed)
        while time.monotonic() < until:
            with wire.connect() as connection:
                connection.send(request * chosen.randint(1, 4))
                if chosen.random() < 0.5:
                    time.sleep(chosen.random() / 500)

    def stay() -> None:
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

    threads = [threading.Thread(target=leave, args=(n,)) for n in range(CALLERS // 2)]
    threads += [threading.Thread(target=stay) for _ in range(CALLERS // 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert max(slowest) < LONGEST
    assert "Traceback" not in wire.server.log
