"""Kills and hostile requests for as long as is wanted: python -m tests.torture --seconds 600 --seed 7.

Each round a server is under writes and attacks at once, and gets SIGKILL after a random moment. What was acknowledged
must be there, nothing may be there by half, and what attackers hide in bodies must never have been carried out.
"""

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from .contents import inconsistencies
from .running_server import Caller, KillableServer, make_database
from .test_crash import WRITERS, Writer, check_all, run
from .wire.cases import DELIVERIES, FRAMINGS, UPGRADES, delivered
from .wire.raw import RawConnection, framed, head

ATTACKERS = 3
VICTIM = "victim@example.com"
LONGEST_ROUND = 0.5
"""Seconds."""


class Report(NamedTuple):
    seed: int
    kills: int
    acknowledged: int
    statuses: Counter[int]

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        return (
            f"seed {self.seed}: {self.kills:,} kills, {self.acknowledged:,} acknowledged writes, 0 lost, 0 by half; "
            f"{self.statuses.total():,} answers to hostile requests ({statuses or 'none'})"
        )


class Attacker:
    """Sends hostile requests on connection after connection until the server is gone."""

    def __init__(self, seed: int, key: str) -> None:
        self._random = random.Random(seed)
        self._authorization = f"Authorization: Bearer {key}"
        self.statuses: Counter[int] = Counter()

    def attack(self, port: int) -> None:
        """Return when the server refuses connections."""
        while True:
            try:
                connection = RawConnection(port)
            except OSError:
                return
            with connection:
                connection.socket.settimeout(0.2)
                try:
                    connection.send(*self._packets())
                    if self._random.random() < 0.3:
                        continue  # leaves at once
                    if self._random.random() < 0.3:
                        connection.end()
                    while (answer := connection.answer()) is not None:
                        self.statuses[answer.status] += 1
                except (OSError, ValueError, IndexError):
                    continue

    def _packets(self) -> list[bytes]:
        chosen = self._random
        smuggled = head("DELETE", f"/api/v1/customers/{VICTIM}", self._authorization)
        method = chosen.choice(("GET", "POST", "DELETE", "PUT"))
        path = chosen.choice(("/api/v1/customers", "/v1/customers", "/healthz", "/api/v1/customers/nobody@example.com"))
        lines = [*chosen.choice([(), *UPGRADES.values()])]
        if chosen.random() < 0.5:
            lines.append(self._authorization)
        first, body = framed(chosen.choice(FRAMINGS), method, path, smuggled, *lines)
        packets = delivered(chosen.choice(DELIVERIES[:2]), first, body, head("GET", "/healthz"))
        if chosen.random() < 0.3:  # some bytes are others
            whole = bytearray(b"".join(packets))
            for _ in range(chosen.randint(1, 4)):
                # Not within what is smuggled: in the line of a request of its own it would be one that is allowed.
                whole[chosen.randrange(len(first))] = chosen.randrange(256)
            return [bytes(whole[: len(first)])]
        return packets


def torture(folder: Path, *, seconds: float, seed: int) -> Report:
    """Kill and attack; raises AssertionError where a promise is broken."""
    chance = random.Random(seed)
    path = folder / "regulars.db"
    key = make_database(path)
    writers = [Writer(f"w{place}", seed=seed * 100 + place) for place in range(WRITERS)]
    attackers = [Attacker(seed * 100 + place, key) for place in range(ATTACKERS)]
    until, kills = time.monotonic() + seconds, 0
    while time.monotonic() < until or not kills:
        server = KillableServer(path)
        _require_victim(server.port, key, is_there=kills > 0)
        check_all(writers, server.port, key)
        threads = run(writers, [server.port], key)
        threads += [threading.Thread(target=attacker.attack, args=(server.port,)) for attacker in attackers]
        for thread in threads[WRITERS:]:
            thread.start()
        time.sleep(chance.uniform(0.005, LONGEST_ROUND))
        server.kill()
        kills += 1
        for thread in threads:
            thread.join()
        assert inconsistencies(path) == []
    server = KillableServer(path)
    _require_victim(server.port, key, is_there=True)
    check_all(writers, server.port, key)
    server.kill()
    statuses = sum((attacker.statuses for attacker in attackers), Counter[int]())
    assert all(status < 500 or status in (503, 505) for status in statuses), statuses
    return Report(seed, kills, sum(writer.acknowledged for writer in writers), statuses)


def _require_victim(port: int, key: str, *, is_there: bool) -> None:
    caller = Caller(port, key)
    if is_there:
        assert caller.call("GET", f"customers/{VICTIM}").status == 200, "what was hidden in a body was carried out"
    else:
        assert caller.call("POST", "customers", {"email": VICTIM}).status == 200
    caller.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.seconds:g} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(torture(Path(folder), seconds=given.seconds, seed=given.seed))


if __name__ == "__main__":
    main()
