"""Bodies that are under way take a bounded part of the memory, for all connections together."""

import time
from contextlib import ExitStack
from pathlib import Path

from ..running_server import Server, make_database
from .raw import RawConnection, head

MEGABYTE = 1_000_000
BOUND = 8 * MEGABYTE
UNFINISHED = 200


def resident(process: int) -> int:
    """The memory of a process that is in RAM, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


def test_unfinished_bodies_take_a_bounded_part_of_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with (
        Server(path, REGULARS_BODIES_MEMORY=str(BOUND), REGULARS_BODY_TIMEOUT="2") as server,
        server.caller(key) as caller,
    ):
        authorization = f"Authorization: Bearer {key}"
        assert caller.call("POST", "customers", {"email": "first@example.com"}).status == 200
        before = resident(server.process_id)
        statuses = []
        with ExitStack() as stack:
            held = [stack.enter_context(RawConnection(server.port)) for _ in range(UNFINISHED)]
            for connection in held:
                connection.send(head("POST", "/api/v1/customers", authorization, "Content-Length: 2000000"))
                try:
                    connection.send(b"{" + b" " * 1_900_000)
                except ConnectionError:
                    continue  # it was refused meanwhile
            assert caller.call("POST", "customers", {"email": "small@example.com"}).status == 200
            taken = resident(server.process_id) - before
            for connection in held:
                try:
                    statuses += [answer.status for answer in connection.rest()]
                except ConnectionError:
                    statuses.append(0)  # the answer was lost in the reset: the client was still sending
        assert taken < 3 * BOUND, "a body that was refused is still in memory"
        assert set(statuses) <= {0, 408, 503}
        assert statuses.count(408) >= BOUND // (2 * MEGABYTE) - 1, "those who began in time were waited for"
        body = b'{"email": "large@example.com"}' + b" " * 1_800_000
        until = time.monotonic() + 60
        while caller.call("POST", "customers", body).status != 200:
            assert time.monotonic() < until, "what the bodies took was not given back"


def test_no_memory_for_bodies_still_takes_those_that_come_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "regulars.db"
    key = make_database(path)
    with Server(path, REGULARS_BODIES_MEMORY="0") as server, server.caller(key) as caller:
        assert caller.call("POST", "customers", b'{"email": "small@example.com"}').status == 200
        reply = caller.call("POST", "customers", b'{"email": "large@example.com"}' + b" " * 1_000_000)
        assert (reply.status, reply.json()["code"], reply.headers["connection"]) == (503, "busy", "close")
