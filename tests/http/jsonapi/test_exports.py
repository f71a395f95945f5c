"""Exports as jobs: begun by one call, watched by another, and downloaded."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ...in_process import application
from .world import COUNT, World


@pytest.fixture(scope="module")
def own_world(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with a folder for files, on each engine."""
    folder = tmp_path_factory.mktemp("exports")
    with application(folder, engine, files_folder=str(folder)) as app:
        yield World(app)


def finished(world: World, address: str) -> dict[str, Any]:
    """The export once it has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        data: dict[str, Any] = world.one.document(address)["data"]
        if data["attributes"]["state"] not in ("waiting", "running"):
            return data
        world.app.run(_wait())
    raise AssertionError("the export does not end")


async def _wait() -> None:
    import asyncio

    await asyncio.sleep(0.1)


def test_an_export_is_written_by_a_job_and_downloaded(own_world: World) -> None:
    world = own_world
    begun = world.one.send("POST", "/v1/exports", json={"format": "csv", "q": "has email", "fields": ["email", "uuid"]})
    assert (begun.status_code, begun.json()["data"]["attributes"]["kind"]) == (201, "customers")
    address = begun.headers["location"].removeprefix("http://regulars.example")
    done = finished(world, address)
    assert (done["attributes"]["state"], done["attributes"]["error"]) == ("done", None)
    assert done["attributes"]["rows"] == done["attributes"]["done"] == COUNT
    file = world.one.get(f"{address}/file")
    assert file.headers["content-disposition"] == 'attachment; filename="customers.csv.gz"'
    assert len(file.content) == done["attributes"]["bytes"]
    assert gzip.decompress(file.content).startswith(b"email,uuid\r\n")
    for other in (world.other, world.many):
        assert other.get(address).status_code == other.get(f"{address}/file").status_code == 404
        assert other.send("DELETE", address).status_code == 404
    assert world.one.send("DELETE", address).status_code == 200
    assert world.one.get(f"{address}/file").status_code == 404
    logs = world.one.send("POST", "/v1/exports", json={"kind": "activity"}).json()["data"]["links"]["self"]
    logs = logs.removeprefix("http://regulars.example")
    assert finished(world, logs)["attributes"]["state"] == "done"
    lines = gzip.decompress(world.one.get(f"{logs}/file").content).splitlines()
    assert {json.loads(line)["event"] for line in lines} >= {"purchase"}


def test_what_cannot_be_exported_is_refused_or_fails(own_world: World) -> None:
    world = own_world
    for body in (
        {"kind": "everything"},
        {"format": "xml"},
        {"fields": "email"},
        {"fields": ["nonsense"]},
        {"excel": 1},
        {"for": "nobody"},
        {"for": "brevo"},
        {"q": "("},
        {"more": 1},
        {"site_id": 10**9},
    ):
        assert world.one.send("POST", "/v1/exports", json=body).status_code == 400, body
    begun = world.one.send("POST", "/v1/exports", json={"q": "in audience/unknown"})
    failed = finished(world, begun.headers["location"].removeprefix("http://regulars.example"))
    assert failed["attributes"]["state"] == "failed"
    assert "unknown" in failed["attributes"]["error"]
    assert world.one.get("/v1/exports/1").status_code == 404  # a job of another kind
    assert world.one.get("/v1/exports/x").status_code == 404
