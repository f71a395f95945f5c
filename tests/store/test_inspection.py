"""What `regulars check` reads of the rows: the next numbers of each kind are above those in use."""

from pathlib import Path

from regulars.checking import check_site
from regulars.store.sqlite import SqliteEngine

from .running import running


async def test_a_counter_behind_the_evidence_of_newsletters_is_a_problem(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com", subscription_groups=[{"id": "weekly", "subscribed": True}])
        assert (await check_site(at.store, 1)).problems == []
        assert isinstance(at.store.engine, SqliteEngine)
        at.store.engine.writer.execute("UPDATE site_heads SET next_consent = 1").fetchall()
        problems = (await check_site(at.store, 1)).problems
        assert problems == ["the next newsletter consent would get number 1, but number 1 already exists"]
