"""HTTP/1.1 as bytes on a socket: what no client library sends, in the pieces that the test wants, and every answer."""

import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Self

import msgspec

PATIENCE = 60.0
"""Seconds that an answer may take here, on a busy machine."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class RawConnection:
    """A connection of one's own: `send` as it is, `answers` as they come."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()
        self.socket.close()

    def send(self, *parts: bytes, pause: float = 0.0) -> None:
        """Send the parts one after the other, each as a packet of its own as far as the system allows."""
        for part in parts:
            self.socket.sendall(part)
            if pause:
                time.sleep(pause)

    def end(self) -> None:
        """Send no more; what comes can still be read."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Answer | None:
        """The next answer; None where the server has closed the connection."""
        line = self._stream.readline()
        if not line:
            return None
        status = int(line.split()[1])
        headers = {}
        while (line := self._stream.readline().strip()) != b"":
            name, _, text = line.decode("latin-1").partition(":")
            headers[name.lower()] = text.strip()
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, b"".join(self._chunks()))
        return Answer(status, headers, self._stream.read(int(headers.get("content-length", 0))))

    def answers(self, number: int) -> list[Answer | None]:
        return [self.answer() for _ in range(number)]

    def rest(self) -> list[Answer]:
        """Every answer until the server closes the connection."""
        found = []
        while (answer := self.answer()) is not None:
            found.append(answer)
        return found

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._stream.readline(), 16):
            yield self._stream.read(size)
            self._stream.readline()
        self._stream.readline()


def head(method: str, path: str, *lines: str, host: str | None = "x", version: str = "1.1") -> bytes:
    """The line and headers of a request, with the empty line."""
    hosts = () if host is None else (f"Host: {host}",)
    return "\r\n".join((f"{method} {path} HTTP/{version}", *hosts, *lines, "", "")).encode("latin-1")


def chunked(body: bytes, size: int = 7, trailers: Iterable[str] = ()) -> bytes:
    """A body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    listed = "".join(f"{trailer}\r\n" for trailer in trailers).encode()
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + listed + b"\r\n"


def framed(framing: str, method: str, path: str, body: bytes, *lines: str) -> tuple[bytes, bytes]:
    """Head and body of a request whose body is framed by "length" or "chunks", or that has none ("none")."""
    match framing:
        case "length":
            return head(method, path, *lines, f"Content-Length: {len(body)}"), body
        case "chunks":
            return head(method, path, *lines, "Transfer-Encoding: chunked"), chunked(body)
        case _:
            return head(method, path, *lines), b""
