"""The times of the events of a name, as columns are built of them, whether an index lists the name or not."""

from collections import Counter

import pytest

from regulars.store import following

from .running import Running, with_store


@with_store()
async def test_every_event_is_told_once(at: Running) -> None:
    for number in range(7):  # all of the same time
        await at.record("purchase", email=f"user{number % 3}@example.com", order_id=f"o{number}", revenue=1)
        await at.record("visit", email=f"user{number % 2}@example.com")
    rows = at.rows("SELECT name, customer, at FROM activities")
    newest = at.rows("SELECT max(number) FROM activities")[0][0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "CHUNK", 3)
        patch.setattr(following, "EVENT_CHUNK", 3)
        async with at.store.changes.snapshot() as snapshot:
            for name in ("purchase", "visit", "refund"):
                found = [pair async for pairs in snapshot.times_named(1, name, newest) for pair in pairs]
                assert Counter(found) == Counter((customer, when) for each, customer, when in rows if each == name)
            assert len([pair async for pairs in snapshot.times_named(1, "purchase", 1) for pair in pairs]) == 1
