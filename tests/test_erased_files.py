"""Erased persons and files: after the job of an erasure, no file of the database or the server has the person."""

import asyncio
import gzip
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from regulars.audience.snapshot_directory import SnapshotDirectory

from .databases import ENGINES, url_of
from .http.jsonapi.test_audit_events import administrator
from .http.jsonapi.world import Api, World
from .in_process import InProcess, application

ADDRESS = "wanda.gone@erase.example"
FORMER = "wanda.before@erase.example"
WORDS = ("wanda", "Wanderson", "customer-w-77", "+4915100000077", "secret-street")
FILE = f"""email,firstname,phone_number
{ADDRESS},Wanda,wanda-no-phone
b@erase.example,Bert,5
wanda,Wanderson,7
""".encode()


@pytest.fixture(params=[each for each in ENGINES if each != "citus"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Two accounts on a server with folders for files and snapshots."""
    folders: dict[str, Any] = {
        "vacuum_full": "on",
        "files_folder": str(tmp_path / "files"),
        "snapshot_folder": str(tmp_path / "snapshots"),
    }
    with application(tmp_path, request.param, **folders) as app:
        yield World(app)


def found(
    world: World, folder: Path, sought: Sequence[str] = WORDS, *, with_server: bool = True
) -> dict[str, list[str]]:
    """The files in which one of the words is, whatever its case, with the words.

    with_server: also those of the PostgreSQL server, if there is one.
    """
    folders = [folder]
    if with_server and world.app.path.suffix == ".url":
        with psycopg.connect(url_of(world.app.path), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            ((data, number),) = connection.execute(
                "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
            ).fetchall()
        folders.append(Path(data, "base", str(number)))
    hits = {}
    for path in (each for folder in folders for each in folder.rglob("*") if each.is_file()):
        raw = path.read_bytes()
        raw = (gzip.decompress(raw) if path.suffix == ".gz" else raw).lower()
        if words := [word for word in sought if word.lower().encode() in raw]:
            hits[str(path)] = words
    return hits


def waited(check: Any, app: InProcess) -> Any:
    """What `check` returns, once it is true."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if result := check():
            return result
        app.run(asyncio.sleep(0.1))
    raise AssertionError("it does not happen")


def ended(api: Api, app: InProcess, home: str) -> Any:
    """The attributes of an import or export once it has ended."""

    def look() -> Any:
        attributes = api.document(home)["data"]["attributes"]
        return attributes["state"] not in ("waiting", "running") and attributes

    return waited(look, app)


def path_of(reply: httpx.Response) -> str:
    assert reply.status_code in (201, 202), reply.text
    return reply.headers["location"].removeprefix("http://regulars.example")


def person(world: World) -> str:
    """A customer in every kind of file; its path below /v1."""
    api, app = world.one, world.app
    wanda = {"customer_id": "customer-w-77", "firstname": "Wanda", "lastname": "Wanderson"}
    world.save(api, {**wanda, "email": FORMER, "cookie": "wanda-cookie"})
    for place in range(30):
        body = {"email": f"other{place}@erase.example", "data": {"address": "x" * 200}}
        world.save(api, body)
        mail = {"email": ADDRESS if place % 5 else FORMER, "template_id": "t", "log_id": f"wanda-{place}"}
        world.happens(api, {"event": "email_sent", **mail, "message": "to Wanda"})
        data = {"address": f"secret-street {place}" * (place + 1)}
        world.save(api, {**wanda, "email": ADDRESS, "data": data, "phone_number": WORDS[3]})
    for query in ("kind=customers&dry_run=true", "kind=customers"):
        reply = api.send("POST", f"/v1/imports?{query}", content=FILE, headers={"content-type": "text/csv"})
        ended(api, app, path_of(reply))
    for question in ({}, {"q": f"email = {ADDRESS}"}):
        reply = api.send("POST", "/v1/exports", json=question)
        assert ended(api, app, path_of(reply))["state"] == "done"
    (shown,) = api.document(f"/v1/customers?filter[email_contains]={ADDRESS}")["data"]
    app.run(saved(app, app.site("one", "main")))
    return f"/v1/customers/{shown['id']}"


async def saved(app: InProcess, site: int) -> None:
    """Write the snapshot of a site's index, as servers do of large ones."""
    audience, folder = app.services.audience, app.settings.snapshots
    assert folder is not None
    directory = SnapshotDirectory(folder)
    await audience.maintenance.save(site, audience.loaded[site], directory)


def test_no_file_has_an_erased_person(world: World, tmp_path: Path) -> None:
    app, admin = world.app, administrator(world)
    home = person(world)
    if app.path.suffix == ".url":
        with psycopg.connect(url_of(app.path), autocommit=True) as connection:
            connection.execute("ANALYZE")  # as the server does from time to time; statistics quote values
    before = found(world, tmp_path)
    assert {word for words in before.values() for word in words} == set(WORDS)
    assert any("job-" in name for name in before)
    assert any("upload-" in name for name in before)
    assert any(".snapshot" in name for name in before)
    reply = admin.send("POST", f"{home}/erase", json={"reason": "Article 17 GDPR"})
    certificate = f"/v1/erasures/{reply.json()['data']['attributes']['erasure']}"

    def look() -> Any:
        attributes = admin.document(certificate)["data"]["attributes"]
        return attributes["state"] == "done" and attributes

    waited(look, app)
    assert found(world, tmp_path) == {}
