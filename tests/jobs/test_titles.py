"""The job that corrects the lists of objects after a rolling upgrade."""

from regulars.audience import Audience
from regulars.domain.commands import DeleteObject, SaveObject
from regulars.jobs.kind import Context
from regulars.jobs.kinds import KINDS
from regulars.jobs.runner import Runner
from regulars.settings import Settings
from regulars.store.object_lists import wrong_counts, wrong_titles

from ..store.running import Running, with_store


async def wrong(at: Running) -> list[str]:
    async with at.store.snapshot() as connection:
        titles = [each async for each in wrong_titles(connection, 1)]
        return titles + await wrong_counts(connection, 1)


@with_store()
async def test_what_an_older_server_left_is_corrected_once(at: Running) -> None:
    for key in "abc":
        await at.store.ledger.submit(1, SaveObject(kind="group", key=key, name=key.upper(), description=None))
    await at.store.ledger.submit(1, DeleteObject("group", "c"))
    async with at.store.engine.transaction() as connection:  # as servers do that know no titles
        await connection.script("DELETE FROM object_titles WHERE title_key = 'a'")
        await connection.script("UPDATE object_titles SET title_key = 'z' WHERE title_key = 'b'")
        await connection.script("UPDATE object_counts SET count = 5")
    assert len(await wrong(at)) == 3
    head = at.head()
    kinds = [kind for kind in KINDS if kind.name == "titles"]
    runner = Runner(
        Context(at.store, Settings(), lambda: 2_000_000_000_000, lambda _: None, Audience(at.store.changes)), kinds
    )
    await runner.ensure_recurring()
    assert await runner.run_one()
    assert await wrong(at) == []
    assert at.head() == head
    assert at.rows("SELECT result FROM jobs WHERE kind = 'titles' AND result IS NOT NULL") == [('{"titles":2}',)]
