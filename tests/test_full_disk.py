"""A disk that is full, with the database and the log on it: calls are refused, and served again once there is room."""

import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from .running_server import Server, make_database

_PATIENCE = 30.0
_MOUNTED_BYTES = 8 << 20
_READS = ("/livez", "/healthz", "/api/v1/customers/a@example.com")


@contextmanager
def full_file_system(server: Server, folder: Path) -> Iterator[None]:
    """Fill the file system to its last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    yield
    filler.unlink()


@contextmanager
def file_size_limit(server: Server, folder: Path) -> Iterator[None]:
    """No file of the server may be written to, as with an exceeded quota."""
    limits = resource.prlimit(server.process_id, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process_id, resource.RLIMIT_FSIZE, (0, limits[1]))
    yield
    resource.prlimit(server.process_id, resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount") or "mount"
    options = ["-t", "tmpfs", "-o", f"size={_MOUNTED_BYTES}", "tmpfs", str(folder)]
    try:
        subprocess.run([mount, *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run([shutil.which("umount") or "umount", "--lazy", str(folder)], check=True)


def test_a_full_file_system(small_disk: Path) -> None:
    _refuses_and_goes_on(small_disk, full_file_system)


def test_a_file_size_limit(tmp_path: Path) -> None:
    _refuses_and_goes_on(tmp_path, file_size_limit)


def _refuses_and_goes_on(folder: Path, full: Callable[[Server, Path], AbstractContextManager[None]]) -> None:
    path = folder / "regulars.db"
    key = make_database(path)
    with Server(path) as server:

        def status(path: str, method: str = "GET", body: object = None) -> int:
            with server.caller(key) as caller:
                return caller.call(method, path, body).status

        def until(status_of: Callable[[], int], expected: int) -> set[int]:
            seen: set[int] = set()
            end = time.monotonic() + _PATIENCE
            while (found := status_of()) != expected:
                seen.add(found)
                assert time.monotonic() < end, seen
                time.sleep(0.1)
            return seen

        numbers = iter(range(1_000_000))

        def small_write() -> int:
            return status("customers", "POST", {"email": f"{next(numbers)}@example.com"})

        def write() -> int:
            body = {"email": f"{next(numbers)}@example.com", "data": {"notes": "x" * 20_000}}
            return status("customers", "POST", body)

        assert status("customers", "POST", {"email": "a@example.com"}) == 200
        assert status("/readyz") == 200
        with full(server, folder):
            assert until(write, 503) <= {200}
            assert until(lambda: status("/readyz"), 503) <= {200}
            assert [status(each) for each in _READS] == [200] * len(_READS)
            assert {write() for _ in range(3)} == {503}
            assert until(small_write, 503) <= {200}  # at the end of the log there is room for a few
        assert until(lambda: status("/readyz"), 200) <= {503}
        assert write() == 200
        last = next(numbers) - 1
        assert status(f"customers/{last}@example.com") == 200
