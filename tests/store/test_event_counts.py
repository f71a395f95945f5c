"""Counts of listed events are those of a count anew, whatever happened since they were kept."""

import random

import pytest

from regulars.domain.commands import DeleteCustomer, MergeCustomers, UndoMerge
from regulars.domain.identity import Who
from regulars.store import event_counts
from regulars.store.sale_statements import KINDS
from regulars.store.sales import EventSelection, count_events

from .running import Running, with_store

PEOPLE = [f"p{i}@counts.example" for i in range(4)]


async def counts(at: Running) -> tuple[list[int], list[int], list[int]]:
    """The kept counts, those of counts anew, and those of counts event by event, in the same snapshot."""
    async with at.store.snapshot() as connection:
        selections = [EventSelection(1, kind) for kind in KINDS]
        kept = [await at.store.event_counts.of(connection, each) for each in selections]
        one_by_one = [EventSelection(1, kind, since=0) for kind in KINDS]
        return (
            kept,
            [await count_events(connection, each) for each in selections],
            [await count_events(connection, each) for each in one_by_one],
        )


@with_store()
async def test_kept_counts_are_exact(at: Running) -> None:
    chance, merges = random.Random(4), 0
    for _ in range(60):
        email = chance.choice(PEOPLE)
        match chance.randrange(8):
            case 0:
                await at.store.ledger.submit(1, DeleteCustomer(Who(email_key=email)))
            case 1:
                other = chance.choice([each for each in PEOPLE if each != email])
                found = await at.store.ledger.submit(1, MergeCustomers(Who(email_key=email), (Who(email_key=other),)))
                merges = max([merges, *(each.number for each in found.merges)])
            case 2 if merges:
                await at.store.ledger.submit(1, UndoMerge(merges))
            case 3:
                await at.record("form_submitted", email=email, form_id="f")
            case 4:
                await at.record("refund", email=email, order_id=f"o{chance.randrange(4)}", revenue=1)
            case _:
                order = chance.choice([None, *(f"o{each}" for each in range(4))])
                await at.record("purchase", email=email, order_id=order, revenue=chance.randrange(9))
        kept, anew, one_by_one = await counts(at)
        assert kept == anew == one_by_one


@with_store()
async def test_what_was_only_added_is_not_counted_anew(at: Running) -> None:
    await at.record("purchase", email=PEOPLE[0], order_id="a", revenue=1)
    async with at.store.snapshot() as old:
        first = await at.store.event_counts.of(old, EventSelection(1, "purchases"))
        assert first == 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(event_counts, "count_events", None)
            for order in ("a", "b", None):
                await at.record("purchase", email=PEOPLE[0], order_id=order, revenue=2, event_uuid=f"u{order}")
            async with at.store.snapshot() as connection:
                assert await at.store.event_counts.of(connection, EventSelection(1, "purchases")) == first + 2
            # One who reads an older snapshot sees what was there then.
            assert await at.store.event_counts.of(old, EventSelection(1, "purchases")) == first
    assert await _of_nobody(at) == 0


async def _of_nobody(at: Running) -> int:
    async with at.store.snapshot() as connection:
        return await at.store.event_counts.of(connection, EventSelection(99, "purchases"))
