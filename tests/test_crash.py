"""Power off at any moment: what was answered is there, what was not is there wholly or not at all.

Five times, or fifty, a server under writes of several connections gets SIGKILL after a random moment. A kill ends the
process as a power cut does, but for what the operating system had already been given; that the commit reaches the disk
(`synchronous=FULL`) is for the tests of the store.
"""

import copy
import http.client
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from .contents import inconsistencies
from .effort import slow
from .running_server import Caller, KillableServer, database_url, make_database, run_command

WRITERS = 6
SHARED = "everybody@example.com"
State = dict[str, Any] | None
"""What a writer knows of a customer: figures by name, None for one that does not exist."""


class Writer:
    """One connection's writes to customers of its own, and what must be true of them.

    `known` is what was acknowledged; `pending` what the request under way makes of it, when no reply came.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.random = random.Random(seed)
        self.known: dict[str, State] = {}
        self.pending: dict[str, State] = {}
        self.serial = 0
        self.shared_acknowledged = self.shared_pending = 0
        self.acknowledged = 0

    def write(self, port: int, key: str) -> None:
        """Write until the server is gone."""
        caller = Caller(port, key)
        try:
            while True:
                method, path, body = self._next()
                reply = caller.call(method, path, body)
                assert reply.status == 200, reply
                self._acknowledge()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            caller.close()

    def check(self, caller: Caller) -> None:
        """Every customer is as acknowledged, or as the one request without a reply makes it; then that is known."""
        settled: dict[str, State] = {email: self._stored(caller, email) for email in self.known.keys() | self.pending}
        unchanged = all(settled[email] == self.known.get(email) for email in self.pending)
        for email, state in settled.items():
            expected = self.known.get(email) if unchanged else self.pending.get(email, self.known.get(email))
            assert state == expected, f"{email}: stored {state}, expected {expected}"
        if not unchanged:
            self.shared_acknowledged += self.shared_pending
        self.known = settled
        self.pending, self.shared_pending = {}, 0

    def _stored(self, caller: Caller, email: str) -> State:
        reply = caller.call("GET", f"customers/{email}")
        if reply.status == 404:
            return None
        customer = reply.json()["customer"]
        attributes = customer["data"]
        assert attributes.get("n") == attributes.get("echo"), f"half of a write: {attributes}"
        return {
            "n": attributes.get("n", 0),
            "visits": customer["lifetime_visits"],
            "orders": customer["lifetime_orders"],
            "revenue": customer["lifetime_revenue"],
            "groups": len(customer["groups"]),
        }

    def _acknowledge(self) -> None:
        self.known.update(self.pending)
        self.shared_acknowledged += self.shared_pending
        self.pending, self.shared_pending = {}, 0
        self.acknowledged += 1

    def _next(self) -> tuple[str, str, Any]:
        """The next request, with what it makes of the customers written down as pending."""
        self.serial += 1
        email = self._email()
        match self.random.randrange(8):
            case 0 | 1 | 2:
                return "POST", "customers", self._upsert(email)
            case 3:
                emails = {self._email() for _ in range(5)}
                return "POST", "customers/bulk", {"customers": [self._upsert(email) for email in sorted(emails)]}
            case 4:
                self._changed(email, visits=1)
                return "POST", "event", {"event": "view", "email": email}
            case 5:
                order = {"order_id": f"{self.name}-{self.serial}", "revenue": 2}
                self._changed(email, orders=1, revenue=2)
                return "POST", "event", {"event": "purchase", "email": email, **order}
            case 6:
                self.shared_pending = 3
                self._changed(email, visits=1)
                events = [{"event": "view", "email": who} for who in (SHARED, email, SHARED, SHARED)]
                return "POST", "bulkevents", {"events": events}
            case _:
                self.pending[email] = None
                return "DELETE", f"customers/{email}", None

    def _email(self) -> str:
        return f"{self.name}-{self.random.randrange(12)}@example.com"

    def _upsert(self, email: str) -> dict[str, Any]:
        state = self._changed(email)
        state["n"] = self.serial
        if self.serial % 2 == 0:
            state["groups"] = 1
        groups = ["grp_even"] if self.serial % 2 == 0 else []
        return {"email": email, "data": {"n": self.serial, "echo": self.serial}, "groups": groups}

    def _changed(self, email: str, **more: int) -> dict[str, Any]:
        state = copy.copy(self.known.get(email)) or dict.fromkeys(("n", "visits", "orders", "revenue", "groups"), 0)
        for figure, by in more.items():
            state[figure] += by
        self.pending[email] = state
        return state


@pytest.fixture
def key_and_path(tmp_path: Path) -> tuple[str, Path]:
    path = tmp_path / "regulars.db"
    return make_database(path), path


def check_all(writers: list[Writer], port: int, key: str) -> None:
    caller = Caller(port, key)
    for writer in writers:
        writer.check(caller)
    reply = caller.call("GET", f"customers/{SHARED}")
    visits = reply.json()["customer"]["lifetime_visits"] if reply.status == 200 else 0
    assert visits == sum(writer.shared_acknowledged for writer in writers)
    caller.close()


def run(writers: list[Writer], ports: list[int], key: str) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=writer.write, args=(ports[place % len(ports)], key))
        for place, writer in enumerate(writers)
    ]
    for thread in threads:
        thread.start()
    return threads


def acknowledged(writers: list[Writer]) -> int:
    return sum(writer.acknowledged for writer in writers)


def wait_for(writers: list[Writer], writes: int) -> None:
    """Until so many writes are acknowledged."""
    end = time.monotonic() + 30
    while acknowledged(writers) < writes:
        assert time.monotonic() < end, "the writers are not answered"
        time.sleep(0.001)


@pytest.mark.parametrize("rounds", [5, slow(50)])
def test_kills_lose_nothing_that_was_answered(key_and_path: tuple[str, Path], rounds: int) -> None:
    key, path = key_and_path
    chance = random.Random(20_261_122)
    writers = [Writer(f"w{place}", seed=place) for place in range(WRITERS)]
    for _ in range(rounds):
        server = KillableServer(path)
        check_all(writers, server.port, key)
        wanted = acknowledged(writers) + chance.randrange(1, 120)
        threads = run(writers, [server.port], key)
        wait_for(writers, wanted)
        time.sleep(chance.uniform(0, 0.005))
        server.kill()
        for thread in threads:
            thread.join()
        assert inconsistencies(path) == []
    server = KillableServer(path)
    check_all(writers, server.port, key)
    server.kill()
    checked = run_command(["check", "--database", database_url(path)], path.parent)
    assert checked.code == 0, checked.out + checked.err


def test_a_killed_process_does_not_hold_up_the_other_on_its_file(key_and_path: tuple[str, Path]) -> None:
    key, path = key_and_path
    chance = random.Random(7)
    survivor = KillableServer(path)
    staying = [Writer(f"s{place}", seed=100 + place) for place in range(2)]
    leaving = [Writer(f"l{place}", seed=200 + place) for place in range(2)]
    threads = run(staying, [survivor.port], key)
    for _ in range(5):
        victim = KillableServer(path)
        dying = run(leaving, [victim.port], key)
        time.sleep(chance.uniform(0.02, 0.2))
        victim.kill()
        for thread in dying:
            thread.join()
        wait_for(staying, acknowledged(staying) + 1)  # the lock does not die with its holder
        caller = Caller(survivor.port, key)
        for writer in leaving:
            writer.check(caller)
        caller.close()
    survivor.kill()
    for thread in threads:
        thread.join()
    last = KillableServer(path)
    caller = Caller(last.port, key)
    for writer in staying + leaving:
        writer.check(caller)
    caller.close()
    last.kill()
    assert inconsistencies(path) == []
