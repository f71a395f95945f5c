"""The commands that are processes of their own: servers, and imports that are interrupted."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, contents, damage, start, write_lines


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port, with its URL; killed if it is not gone at the end."""
    process = start(*arguments, "--port", "0")
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("listening on "):
                yield process, line.removeprefix("listening on ").strip()
                break
        else:
            raise AssertionError("the server did not start")
    finally:
        process.kill()
        process.communicate()


def get(url: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=120) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_serve_answers_while_others_import_and_drains_on_sigterm(run: Run, database: dict[str, Any]) -> None:
    with running("serve") as (process, url):
        assert get(f"{url}/healthz")[0] == 200
        assert run("import", "customers", write_lines("p.ndjson", [{"email": "a@example.com"}])).code == 0
        status, body = get(f"{url}/api/v1/customers/a@example.com", Authorization=f"Bearer {database['key']}")
        assert (status, json.loads(body)["customer"]["email"]) == (200, "a@example.com")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in (0, -signal.SIGTERM)


def test_a_server_whose_file_is_damaged_is_unavailable(run: Run, database: dict[str, Any]) -> None:
    run("import", "customers", write_lines("p.ndjson", [{"email": "a@example.com"}]))
    damage("customers")
    authorized = {"Authorization": f"Bearer {database['key']}"}
    with running("serve") as (_, url):
        assert get(f"{url}/healthz")[0] == 200
        for path in ("api/v1/customers/a@example.com", "v1/customers"):
            status, body = get(f"{url}/{path}", **authorized)
            assert status == 503, body
            assert b'"unavailable"' in body


def test_several_workers_share_the_port(database: dict[str, Any]) -> None:
    with running("serve", "--workers", "2") as (process, url):
        assert get(f"{url}/healthz")[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)


def test_ctrl_c_ends_a_server_quietly(database: dict[str, Any]) -> None:
    with running("serve") as (process, url):
        assert get(f"{url}/healthz")[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_port_that_is_taken(run: Run, database: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failed = run("serve", "--port", str(taken.getsockname()[1]))
    assert failed.code == 1
    assert failed.err.startswith("regulars: cannot listen on 127.0.0.1 port")


def test_a_port_that_is_taken_is_told_before_anything_is_imported(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failed = run("demo", "--port", str(taken.getsockname()[1]), "--customers", "10")
    assert failed.code == 1
    assert failed.err.startswith("regulars: cannot listen on 127.0.0.1 port")
    assert list(Path().glob("regulars-demo*")) == []


def test_a_wrong_setting(run: Run, database: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_BODY_LIMIT", "much")
    wrong = run("serve")
    assert (wrong.code, wrong.err.startswith("regulars: REGULARS_BODY_LIMIT must be a whole number")) == (2, True)


def test_ctrl_c_stops_an_import_cleanly(run: Run, database: dict[str, Any]) -> None:
    people = [{"email": f"p{n}@example.com", "data": {"n": n}} for n in range(60_000)]
    file = write_lines("p.ndjson", people)
    process = start("import", "customers", file)
    deadline = time.monotonic() + 20
    while _count() == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert (out, err) == (
        "",
        "stopped; imported lines stay. Run the same command again to continue\n",
    )
    stored = _count()
    assert 0 < stored < 60_000
    assert run("check").code == 0


def _count() -> int:
    return int(contents("(SELECT count(*) FROM customers)", "1")[0][0])


def test_the_demo_serves_and_goes_on_when_run_again(run: Run) -> None:
    keys = set()
    for expected in ("lines of activity imported", "using "):
        process = start("demo", "--customers", "60", "--port", "0", env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            requests = [
                line.strip() for line in iter(process.stdout.readline, "Press Ctrl-C to stop.\n") if "curl" in line
            ]
            assert len(requests) == 3
            key = requests[0].split()[2].rstrip(":")
            keys.add(key)
            url = requests[0].split("'")[1]
            status, body = get(url, Authorization=f"Bearer {key}")
            assert status == 200
            assert json.loads(body)["customer"]["firstname"]
            asked = f"{url.partition('/api/')[0]}/v1/audiences"
            audiences = json.loads(get(asked, Authorization=f"Bearer {key}")[1])["data"]
            totals = {each["attributes"]["kind"]: each["attributes"]["total"] for each in audiences}
            assert totals["list"] == 60
            (watched,) = (each["id"] for each in audiences if each["attributes"]["watched"])
            history = json.loads(get(f"{asked}/{watched}/history", Authorization=f"Bearer {key}")[1])["data"]
            points = history["attributes"]["points"][:60]  # the server may have added one
            for earlier, later in pairwise(points):
                assert later["matched"] - earlier["matched"] == later["entered"] - later["left"]
            assert sum(each["entered"] for each in points) > 0
            assert min(each["entered"] for each in points) >= 0
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=120)
        assert expected in err
        assert process.returncode == 130
    assert len(keys) == 1
    assert run("--database", "sqlite:///regulars-demo.db", "check").code == 0


def test_the_demo_leaves_other_databases_alone(run: Run, database: dict[str, Any]) -> None:
    refused = run("demo", "--database", "sqlite:///regulars.db")
    assert refused.code == 1
    assert "is not a demo database" in refused.err


def workers_of(process: subprocess.Popen[str]) -> set[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return {int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_worker_that_cannot_start_for_a_while_is_tried_again(run: Run, database: dict[str, Any]) -> None:
    with running("serve", "--workers", "2") as (process, url):
        until(lambda: len(workers_of(process)) == 2)
        assert get(f"{url}/healthz")[0] == 200
        time.sleep(2)  # the first process looks after the others twice a second
        before = workers_of(process)
        Path("regulars.db").rename("away.db")
        Path("regulars.db").mkdir()
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(workers_of(process) - before) == 1)
        first = workers_of(process) - before
        until(lambda: bool(workers_of(process) - before - first))  # it could not start, and another one takes its place
        Path("regulars.db").rmdir()
        Path("away.db").rename("regulars.db")
        started = get(f"{url}/healthz")[0]
        assert started == 200
        assert process.poll() is None
        until(lambda: len(workers_of(process)) == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
