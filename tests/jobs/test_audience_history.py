"""The history of audiences: a point a day and version, from the job to the reply."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from regulars.domain.audience_watches import AudiencePoint
from regulars.domain.commands import DeleteAudience, RecordMovements
from regulars.domain.moments import DAY
from regulars.domain.outbox import BEGINNING, AudienceEntered
from regulars.http.jsonapi.audience_history import shown
from regulars.jobs.audience_history import record_history
from regulars.jobs.kind import Context, Kind
from regulars.jobs.runner import Runner
from regulars.settings import Settings
from regulars.store import jobs
from regulars.store.audience_watches import kept_since, members_of, points_of, watches_of
from regulars.store.outbox import read_outbox
from regulars.store.pruning import prune_points

from ..audience_world import World, in_a_world
from ..databases import ENGINES
from ..in_process import application
from ..store.running import upsert
from .test_audience_watcher import watching


async def record(made: World) -> None:
    """Run the job."""
    kind = Kind(name="audience_history", meaning="", handler=record_history, every=300)
    context = Context(made.store, Settings(), lambda: made.now, lambda _: None, made.audiences[0])
    runner = Runner(context, [kind])
    await runner.ensure_recurring()
    async with made.store.engine.transaction() as connection:
        await jobs.hasten_within(connection, kind.name, now=made.now)
    assert await runner.run_one()


async def points(made: World, audience: int) -> list[AudiencePoint]:
    async with made.store.snapshot() as connection:
        return await points_of(connection, made.site, audience)


@in_a_world()
async def test_a_point_for_each_day_and_version(made: World) -> None:
    watched = await watching(made)
    await made.do(upsert(email="a@example.com", unsubscribed=False), upsert(email="b@example.com"))
    number = await watched.save("all", {"field": "email", "set": True})
    other = await watched.save("other", {"is": "subscribed"}, watched=False)
    await watched.look()
    began = made.now
    for moved in (0, 1, DAY, DAY - 2, 3 * DAY):
        made.now += moved
        await record(made)
    assert [(each.at, each.version, each.matched, each.reachable) for each in await points(made, number)] == [
        (began, 1, 2, 1),
        (began + DAY + 1, 1, 2, 1),
        (made.now - 3 * DAY, 1, 2, 1),
        (made.now, 1, 2, 1),
    ]
    made.now += 1
    await made.do(upsert(email="c@example.com"))
    await watched.save("all", {"not": {"field": "email", "set": False}})
    await watched.look()
    await record(made)
    last = (await points(made, number))[-1]
    assert (last.version, last.matched, last.entered_count, last.left_count) == (2, 3, 1, 0)
    assert {each.entered_count for each in await points(made, other)} == {None}
    assert [(each["entered"], each["left"]) for each in shown(await points(made, number))[-2:]] == [(0, 0), (1, 0)]
    assert await prune_points(made.store.engine, made.site, before=made.now) > 0
    assert len(await points(made, number)) == 1
    assert kept_since(made.now) == made.now - 400 * DAY


@in_a_world()
async def test_a_deleted_audience_leaves_nothing(made: World) -> None:
    watched = await watching(made)
    await made.do(upsert(email="a@example.com"))
    number = await watched.save("all", {"field": "email", "set": True})
    await watched.look()
    await record(made)
    await made.do(DeleteAudience("all"))
    assert await points(made, number) == []
    async with made.store.snapshot() as connection:
        assert await members_of(connection, made.site, number) == []
        assert await watches_of(connection, made.site, [number]) == {}
    late = RecordMovements(number, None, 1, None, (), ((0, b"x"),))
    assert (await made.store.ledger.submit(made.site, late)).verdict == "unchanged"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_watches_and_remembers(tmp_path: Any, engine: str) -> None:
    """The jobs of a real application, by the real clock."""
    with application(tmp_path, engine) as app:
        client = app.client()

        def until(found: Callable[[], Any]) -> Any:
            deadline = time.monotonic() + 60
            while not (result := found()):
                assert time.monotonic() < deadline
                app.run(_pause())
            return result

        def history() -> Any:
            return client.get("/v1/audiences/all/history").json()["data"]["attributes"]["points"]

        attributes = {"name": "All", "key": "all", "q": "has email", "watched": True}
        body = {"data": {"type": "audiences", "attributes": attributes}}
        created = client.post("/v1/audiences", body)
        assert created.status_code == 201, created.text
        (point,) = until(history)
        assert (point["version"], point["matched"], point["reachable"]) == (1, 0, 0)

        async def entered() -> list[AudienceEntered]:
            async with app.store.snapshot() as connection:
                site = app.site("acme", "main")
                if not await watches_of(connection, site, [int(created.json()["data"]["id"])]):
                    return []
                items = (await read_outbox(connection, site, BEGINNING)).items
                found = [each.happening for each in items if isinstance(each.happening, AudienceEntered)]
            if not found:
                await app.services.store.ledger.submit(site, upsert(email="a@example.com"))
            return found

        (found,) = until(lambda: app.run(entered()))
        assert (found.customer, found.cause) == (1, "change")
        assert client.get("/v1/audiences/none/history").status_code == 404


async def _pause() -> None:
    await asyncio.sleep(0.1)
