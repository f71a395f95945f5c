"""Requests with `Upgrade` are the same requests without it, however their bytes are cut."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httptools
import pytest

from regulars.server.parsing import ParsingProtocol
from tests.wire.cases import FRAMINGS, UPGRADES
from tests.wire.raw import framed, head

Request = tuple[str, bytes, list[tuple[bytes, bytes]], bytes]
SMUGGLED = head("DELETE", "/x", "Authorization: Bearer x")


class Recorder(ParsingProtocol):
    """Notes what it reads."""

    def __init__(self) -> None:
        self.read: list[Request] = []
        self.parser = self._new_parser()
        self.server = self.client = self.scheme = None
        self.asgi_version, self.root_path, self.app_state = "3.0", "", {}
        self.config = cast(Any, SimpleNamespace())

    def on_body(self, body: bytes) -> None:
        method, url, headers, before = self.read[-1]
        self.read[-1] = (method, url, headers, before + body)


def read(pieces: Iterator[bytes], monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """The requests in the bytes, each with its whole body, and headers other than `Upgrade`."""
    base = ParsingProtocol.__mro__[1]
    recorder = Recorder()

    def begin(self: Recorder) -> None:
        headers = [header for header in self.headers if header[0] != b"upgrade"]
        self.read.append((self.parser.get_method().decode(), self.url, headers, b""))

    monkeypatch.setattr(base, "on_headers_complete", begin)
    monkeypatch.setattr(base, "on_message_complete", lambda self: None)
    for piece in pieces:
        recorder.feed(piece)
    return recorder.read


def wholes(lines: tuple[str, ...]) -> Iterator[bytes]:
    for framing in FRAMINGS:
        for method in ("GET", "POST", "DELETE"):
            first, body = framed(framing, method, "/a", SMUGGLED, *lines)
            yield (first + body) * 2 + head("GET", "/b")


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_every_cut_gives_the_requests_that_were_sent(upgrade: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = UPGRADES[upgrade]
    plain = tuple(line for line in lines if not line.lower().startswith("upgrade:"))
    for whole, without in zip(wholes(lines), wholes(plain), strict=True):
        expected = read(iter([without]), monkeypatch)
        assert [request[0:2] for request in expected][-1] == ("GET", b"/b")
        assert len(expected) == 3
        for at in range(len(whole) + 1):
            assert read(iter([whole[:at], whole[at:]]), monkeypatch) == expected, at
        assert read((whole[at : at + 1] for at in range(len(whole))), monkeypatch) == expected


def test_connect_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(httptools.HttpParserError):
        read(iter([head("CONNECT", "x:80") + SMUGGLED]), monkeypatch)
