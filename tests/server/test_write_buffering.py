"""Answers that leave together, in the order in which they were written, also when the connection is closed."""

import asyncio
from typing import cast

from regulars.server.write_buffering import BufferedTransport


class Recorded:
    """A transport that notes what it is told."""

    def __init__(self, log: list[tuple[str, bytes]], name: str) -> None:
        self.log = log
        self.name = name
        self.closing = False

    def write(self, data: bytes) -> None:
        self.log.append((self.name, data))

    def close(self) -> None:
        self.log.append((self.name, b"(closed)"))
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str) -> str:
        return f"{self.name}'s {name}"


def buffered(log: list[tuple[str, bytes]], name: str) -> BufferedTransport:
    return BufferedTransport(cast(asyncio.Transport, Recorded(log, name)), asyncio.get_running_loop())


async def test_what_is_written_in_one_turn_goes_out_at_its_end_as_one_piece() -> None:
    log: list[tuple[str, bytes]] = []
    one, other = buffered(log, "one"), buffered(log, "other")
    one.write(b"head ")
    other.write(b"first")
    one.write(b"body")
    assert log == []
    await asyncio.sleep(0)
    assert log == [("one", b"head body"), ("other", b"first")]
    other.write(b"second")
    await asyncio.sleep(0)
    assert log[2:] == [("other", b"second")]


async def test_closing_sends_what_is_kept_first() -> None:
    log: list[tuple[str, bytes]] = []
    one = buffered(log, "one")
    one.write(b"last words")
    one.close()
    assert log == [("one", b"last words"), ("one", b"(closed)")]
    assert one.is_closing()
    await asyncio.sleep(0)
    assert len(log) == 2


async def test_an_empty_body_adds_nothing_and_the_rest_is_the_transports_own() -> None:
    log: list[tuple[str, bytes]] = []
    one = buffered(log, "one")
    one.write(b"head")
    one.write(b"")
    await asyncio.sleep(0)
    assert log == [("one", b"head")]
    assert one.get_extra_info("peername") == "one's peername"
