"""A server of the benchmark: a child process on a database of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def running(database: str, *, workers: int = 1) -> Iterator[str]:
    """The URL of a server, with the echo, that runs until the block ends."""
    with process(database, workers=workers) as (url, _):
        yield url


@contextlib.contextmanager
def process(database: str, *, workers: int = 1) -> Iterator[tuple[str, int]]:
    """The same, with the number of its process, which is the parent of its workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.serve"]
    root = Path(__file__).parent.parent
    paths = os.pathsep.join((str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")))
    given = {"REGULARS_DATABASE": database, "REGULARS_PORT": str(port), "REGULARS_WORKERS": str(workers)}
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(command, env={**os.environ, **given, "PYTHONPATH": paths}, stderr=quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, child)
        yield url, child.pid
    finally:
        child.terminate()
        child.wait(20)


def _wait(url: str, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the server did not get ready")
