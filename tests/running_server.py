"""The real server in a process of its own, for what cannot be seen in process: sockets, several processes, kills."""

import http.client
import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, Self

from regulars.settings import Settings
from regulars.store import control
from regulars.store.store import Store

from .coroutines import run
from .databases import url_of, write_empty_file

_OF_TESTS = ("REGULARS_CALLS", "REGULARS_CHECK_REPLIES", "REGULARS_EXAMPLES", "REGULARS_TEST_")
_PATIENCE = 300
"""Seconds that anything may take here, on a busy machine."""


def database_url(path: Path) -> str:
    return url_of(path)


def make_database(path: Path) -> str:
    """A new database with an account, a site and a key; the key."""

    if path.suffix == ".db" and not path.exists():
        write_empty_file(path)

    async def make() -> str:
        store = await Store.open(database_url(path))
        now = time.time_ns() // 1_000_000
        account = await control.create_account(store.engine, "acme", now=now)
        site = await control.create_site(store.engine, account, "main", now=now)
        _, secret = await control.create_key(store.engine, site, now=now)
        await store.close()
        return secret

    return run(make())


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One kept connection to a server, for one thread."""

    def __init__(self, port: int, key: str | None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request to /api/v1, or to the path itself where it begins with a slash."""
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        url = path if path.startswith("/") else f"/api/v1/{path}"
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        self._connection.request(method, url, raw, {**self._headers, **named})
        response = self._connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())

    def close(self) -> None:
        self._connection.close()


class Running:
    """What every running server has: its port, and ways to call it."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def caller(self, key: str | None = None) -> Iterator[Caller]:
        caller = Caller(self.port, key)
        try:
            yield caller
        finally:
            caller.close()

    def exchange(self, request: bytes) -> bytes:
        """Send raw bytes, and read what comes until the server closes the connection or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as sock:
            sock.sendall(request)
            sock.settimeout(0.5)
            found = b""
            try:
                while part := sock.recv(65536):
                    found += part
            except (TimeoutError, ConnectionError):
                pass
            return found

    def exchange_all(self, request: bytes) -> bytes:
        """Send raw bytes, and read what comes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as sock:
            sock.sendall(request)
            found = b""
            while part := sock.recv(65536):
                found += part
            return found


class _Program:
    """A command as a person starts it: a new interpreter, which takes a second to import it all."""

    def __init__(self, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
        with log.open("wb") as stream:
            command = [sys.executable, "-m", "regulars", *arguments]
            self._process = subprocess.Popen(command, stderr=stream, stdout=stream, env=environment)
        self.pid = self._process.pid

    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, when it has ended."""
        return self._process.wait(_PATIENCE)


class _Fork:
    """The same command, started in milliseconds: forked from a process that has imported it all."""

    def __init__(
        self,
        arguments: list[str],
        log: Path,
        environment: dict[str, str],
        descriptors: int | None = None,
        errors: Path | None = None,
    ) -> None:
        log.touch()
        given = (arguments, log, errors or log, environment, Path.cwd(), descriptors)
        self._process = _FORKS.Process(target=_run_command, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def exit_status(self) -> int | None:
        return self._process.exitcode

    def signal(self, number: int) -> None:
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def wait(self) -> int:
        self._process.join(_PATIENCE)
        assert self._process.exitcode is not None, "it does not end"
        return self._process.exitcode


class Finished(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def own_environment() -> dict[str, str]:
    """The environment without what is said to the tests, of which a server would warn as unknown settings."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_OF_TESTS)}


def run_command(arguments: list[str], folder: Path) -> Finished:
    """Run a command in a forked process until it ends; what it prints is kept in the folder."""
    number = time.monotonic_ns()
    out, err = (folder / f"{number}.{name}" for name in ("out", "err"))
    code = _Fork(arguments, out, own_environment(), errors=err).wait()
    return Finished(code, out.read_text(), err.read_text())


class Server(Running):
    """`regulars serve` as a person starts it, in `workers` processes: `with Server(path) as server`.

    fresh: a new interpreter, which imports everything itself, as it is for several workers. descriptors: the largest
    number of open files, of one worker.
    """

    def __init__(
        self, path: Path, *, workers: int = 1, descriptors: int | None = None, fresh: bool = False, **environment: str
    ) -> None:
        arguments = ["serve", "--port", "0", "--workers", str(workers), "--database", database_url(path)]
        self._log = path.with_name(f"{path.name}.{time.monotonic_ns()}.log")
        environment = {**own_environment(), **environment}
        self._process: _Program | _Fork
        if fresh or workers > 1:
            assert descriptors is None
            self._process = _Program(arguments, self._log, environment)
        else:
            self._process = _Fork(arguments, self._log, environment, descriptors)
        try:
            self.port = self._wait_for(self._port)
        except AssertionError:
            self._process.signal(signal.SIGKILL)
            self._process.wait()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """End it as an operator does; its exit code."""
        self._process.signal(signal.SIGTERM)
        try:
            return self._process.wait()
        finally:
            self._process.signal(signal.SIGKILL)

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    def _port(self) -> int | None:
        _, found, rest = self.log.partition("listening on http://127.0.0.1:")
        digits, end, _ = rest.partition("\n")
        return int(digits) if found and end else None

    def _wait_for(self, look: Callable[[], int | None]) -> int:
        until = time.monotonic() + _PATIENCE
        while (found := look()) is None:
            assert self._process.exit_status() is None, f"the server ended:\n{self.log}"
            assert time.monotonic() < until, f"the server did not start:\n{self.log}"
            time.sleep(0.02)
        return found


class KillableServer(Running):
    """The same server, started in milliseconds: forked from a process that has imported it all, to be killed often."""

    def __init__(self, path: Path) -> None:
        ours, theirs = _FORKS.Pipe()
        self._process = _FORKS.Process(target=_serve, args=(database_url(path), theirs))
        self._process.start()
        theirs.close()
        assert ours.poll(_PATIENCE), "the server did not start"
        self.port = int(ours.recv().rpartition(":")[2])
        ours.close()

    def kill(self) -> None:
        """SIGKILL: no handler of the process sees it coming."""
        self._process.kill()
        self._process.join(_PATIENCE)
        self._process.close()


_FORKS = multiprocessing.get_context("forkserver")
_PRELOADED = (
    "regulars.app regulars.cli.main regulars.cli.serving regulars.cli.imports typer._adapters"
    " uvicorn.protocols.http.httptools_impl uvloop phonenumbers langcodes email_validator"
)
_FORKS.set_forkserver_preload(_PRELOADED.split())


def _run_command(
    arguments: list[str], log: Path, errors: Path, environment: dict[str, str], folder: Path, descriptors: int | None
) -> None:
    """Be the process that a command runs in: its own output, environment, folder and limit."""
    if descriptors is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for path, descriptor in ((log, 1), (errors, 2)):
        with path.open("ab") as stream:
            os.dup2(stream.fileno(), descriptor)
    from regulars.cli.main import main

    main(arguments)


def _serve(url: str, ready: "Connection[str, str]") -> None:
    from regulars.cli.serving import run_server

    run_server(Settings(database=url, port=0, log_level="error", access_log="off"), on_listening=ready.send)
