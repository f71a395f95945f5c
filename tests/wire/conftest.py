from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ..running_server import Server, make_database
from .proxies import NAMES, Proxy
from .raw import RawConnection


class Wire(NamedTuple):
    """A server, maybe behind a proxy: where to connect, and the key of a site."""

    server: Server
    port: int
    key: str
    path: Path

    @property
    def authorization(self) -> str:
        return f"Authorization: Bearer {self.key}"

    def connect(self) -> RawConnection:
        return RawConnection(self.port)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    path = tmp_path_factory.mktemp("wire") / "regulars.db"
    key = make_database(path)
    with Server(path) as server:
        yield Wire(server, server.port, key, path)


@pytest.fixture(scope="module", params=NAMES)
def proxied(request: pytest.FixtureRequest, wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with Proxy(request.param, tmp_path_factory.mktemp(request.param), wire.port) as proxy:
        yield wire._replace(port=proxy.port)
