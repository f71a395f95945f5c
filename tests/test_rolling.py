"""Servers behind a proxy are restarted one after the other, and no request fails."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .databases import ENGINES, empty_database
from .effort import slow
from .running_server import Caller, Server, make_database


class Proxy:
    """Passes each connection on to a server that takes it, in turn; it retries nothing."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self._turn = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = self._live()
        ways = [
            threading.Thread(target=_pass_on, args=way, daemon=True) for way in ((client, server), (server, client))
        ]
        for way in ways:
            way.start()
        for way in ways:
            way.join()
        client.close()
        server.close()

    def _live(self) -> socket.socket:
        while True:
            self._turn += 1
            try:
                return socket.create_connection(("127.0.0.1", self.ports[self._turn % len(self.ports)]), timeout=120)
            except ConnectionRefusedError:
                time.sleep(0.001)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        target.close()


@pytest.fixture(params=[engine for engine in ENGINES if engine == "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with empty_database(tmp_path, request.param) as path:
        yield path


@pytest.mark.parametrize(("workers", "restarts"), [(1, (0, 1)), slow(1, (0, 1, 0)), slow(2, (0, 1, 0))])
def test_a_rolling_restart_fails_no_request(database: Path, workers: int, restarts: tuple[int, ...]) -> None:
    key = make_database(database)
    servers = [Server(database, workers=workers) for _ in range(2)]
    failures: list[object] = []
    written: list[str] = []
    going = True
    with closing(Proxy([server.port for server in servers])) as proxy:

        def call(name: str, kept: bool) -> None:
            caller = Caller(proxy.port, key)
            n = 0
            while going:
                n += 1
                email = f"{name}{n}@example.com"
                try:
                    reply = caller.call("POST", "customers", {"email": email})
                    if reply.status != 200:
                        failures.append((email, reply))
                    read = caller.call("GET", f"customers/{email}")
                    if read.status != 200 or json.loads(read.body)["customer"]["email"] != email:
                        failures.append((email, read))
                    written.append(email)
                    if not kept:
                        caller.close()
                except OSError as error:
                    failures.append((email, repr(error)))
                    caller.close()
            caller.close()

        callers = [threading.Thread(target=call, args=(name, name < "c")) for name in "abcd"]
        for caller in callers:
            caller.start()
        for number in restarts:
            time.sleep(0.5)
            before = len(written)
            assert servers[number].stop() in (0, -15)
            servers[number] = Server(database, workers=workers)
            proxy.ports = [server.port for server in servers]
            assert len(written) > before, "nobody was served meanwhile"
        time.sleep(0.5)
        going = False
        for caller in callers:
            caller.join(30)
    for server in servers:
        server.stop()
    assert failures == []
    assert len(written) > 100
