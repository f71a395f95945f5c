"""The ties of a deleted object: gone for every reader at once, removed from the tables some at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.audience import Audience
from regulars.checking import check_site
from regulars.domain.commands import Command, DeleteCustomer, DeleteObject
from regulars.domain.identity import Who
from regulars.domain.relations import BY_CODE, KIND_CODES
from regulars.jobs.kind import Context
from regulars.jobs.kinds import KINDS
from regulars.jobs.runner import Runner
from regulars.settings import Settings
from regulars.store import deleted_ties, reads
from regulars.store.deleted_ties import REMOVE_DELETED_TIES, Place, remove_some
from regulars.store.query import read
from regulars.store.store import Store

from ..contents import inconsistencies
from ..databases import ENGINES, TIES, query
from ..effort import examples
from .running import Running, activity, running, stored_customers, upsert, with_store

PEOPLE = 12


def tag(*numbers: int, event: str = "tag_added", to: int = 1) -> list[Command]:
    """The commands that tag these customers, or untag them. A tag that does not exist is created."""
    return [activity(event, email=f"p{number}@example.com", tag_id=to) for number in numbers]


async def fill(at: Running) -> None:
    """Customers who all have tag 1 and belong to group "g"; the odd ones have tag 2."""
    everybody = range(1, PEOPLE + 1)
    people: list[Command] = [upsert(email=f"p{each}@example.com", groups=["g"]) for each in everybody]
    outcomes = await at.store.ledger.submit_all(1, [*people, *tag(*everybody), *tag(*everybody[::2], to=2)])
    assert all(outcome.refusal is None for outcome in outcomes)


async def remove_all(store: Store, site: int = 1) -> int:
    """Remove the deleted ties as the job does; returns how many."""
    removed, place = 0, Place()
    while True:
        ties, following = await remove_some(store.engine, site, place)
        removed += ties
        if following is None:
            return removed
        place = following


def rows_of(path: Path, relation: int, item: int) -> list[int]:
    """The customers whose ties to an object are stored, deleted or not."""
    found = query(path, "SELECT customer FROM relations WHERE relation = ? AND object = ? ORDER BY 1", relation, item)
    return [customer for (customer,) in found]


def unfenced(at: Running) -> list[str]:
    """Where an older server could take the ties of before a deletion for those of an object; and needless fences."""
    (head, fence, fenced_head), *_ = at.rows("SELECT head, fence, fenced_head FROM site_heads")
    former = {
        (KIND_CODES[str(BY_CODE[relation].kind)], item)
        for relation, item in at.rows(
            "SELECT DISTINCT t.relation, t.object FROM relations t JOIN deleted_ties d ON d.site_id = t.site_id AND "
            "d.relation = t.relation AND d.object = t.object AND d.change > t.written"
        )
    }
    objects = {
        (kind, number): rest for kind, number, *rest in at.rows("SELECT kind, number, deleted_at, fence FROM objects")
    }
    found = [] if fenced_head == head else ["the head is not marked as written by this version"]
    for each in former:
        deleted_at, own = objects[each]
        if deleted_at is None and not fence:
            found.append(f"{each} was created again, and the site is open to older servers")
        if deleted_at is not None and not own:
            found.append(f"{each} can be created again by older servers")
    if not at.rows("SELECT * FROM deleted_ties") and (fence or any(own for _, own in objects.values())):
        found.append("there is a fence and no deleted tie")
    return found


async def sound(at: Running) -> None:
    """The tables agree with the change log, and the index with both; older servers are kept from ties that are not."""
    assert inconsistencies(at.path) == []
    assert unfenced(at) == []
    assert (await check_site(at.store, 1)).problems == []


async def tags_of(store: Store, number: int) -> dict[Any, list[int]]:
    """The tags of a customer, as includes and relationships read them."""
    async with store.snapshot() as connection:
        found: dict[Any, list[int]] = await read(connection, reads.held_ties(1, [number], ["tag.has"]))
        return found


@with_store()
async def test_a_deletion_touches_none_of_the_ties_and_hides_all(at: Running) -> None:
    await fill(at)
    before = stored_customers(at.path)
    assert (await at.store.ledger.submit(1, DeleteObject("tag", 1))).verdict == "deleted"
    assert rows_of(at.path, 16, 1) == list(range(1, PEOPLE + 1))
    assert query(at.path, f"SELECT customer FROM {TIES} WHERE relation = 16 AND object = 1") == []
    assert await tags_of(at.store, 1) == {(1, "tag.has"): [2]}
    assert await tags_of(at.store, 2) == {}
    async with at.store.snapshot() as connection:
        full = await read(connection, reads.customers_by_number(1, [1]))
        lines = await read(connection, reads.lines_by_number(1, [1]))
    after = stored_customers(at.path)
    assert full[0].changed_at == lines[0].changed_at == after[1].changed_at
    assert all(after[number].changed_at > before[number].changed_at for number in before)  # type: ignore[operator]
    await sound(at)
    assert await remove_all(at.store) == PEOPLE
    assert rows_of(at.path, 16, 1) == []
    assert at.rows("SELECT * FROM deleted_ties") == []
    assert stored_customers(at.path) == after
    await sound(at)


@with_store()
async def test_a_tag_that_is_created_again_has_none_of_its_former_ties(at: Running) -> None:
    await fill(at)
    submit = at.store.ledger.submit_all
    await submit(1, [DeleteObject("tag", 1), *tag(3)])
    await submit(1, tag(5))
    await submit(1, tag(5, event="tag_removed"))
    await submit(1, [activity("tag_added", email="p7@example.com", tag_id=1, timestamp=5)])
    assert await tags_of(at.store, 3) == {(3, "tag.has"): [1, 2]}
    await sound(at)
    await submit(1, [DeleteObject("tag", 1)])
    await submit(1, tag(9))
    await sound(at)
    assert await remove_all(at.store) == PEOPLE - 1
    assert rows_of(at.path, 16, 1) == [9]
    await sound(at)


@with_store()
async def test_a_deleted_group_is_in_no_picture(at: Running) -> None:
    await fill(at)
    await at.store.ledger.submit(1, DeleteObject("group", "g"))
    async with at.store.snapshot() as connection:
        person = await reads.find_person(connection, 1, Who(number=4))
    assert person is not None
    assert person.tied_to("group.member") == []
    outcome = await at.upsert(email="p4@example.com", groups=["g"])
    assert outcome.person is not None
    assert [key for _, key in outcome.person.tied_to("group.member")] == ["g"]
    assert await remove_all(at.store) == PEOPLE - 1
    await sound(at)


@with_store()
async def test_no_transaction_removes_more_than_a_slice(at: Running) -> None:
    await fill(at)
    await at.store.ledger.submit_all(1, [DeleteObject("tag", 1), DeleteObject("tag", 2)])
    usual, deleted_ties.SLICE = deleted_ties.SLICE, 5  # type: ignore[misc]
    try:
        place: Place | None = Place()
        while place is not None:
            stored = at.rows("SELECT count(*) FROM relations")[0][0]
            removed, place = await remove_some(at.store.engine, 1, place)
            assert removed <= 5
            assert at.rows("SELECT count(*) FROM relations")[0][0] == stored - removed
            await sound(at)
    finally:
        deleted_ties.SLICE = usual  # type: ignore[misc]
    assert rows_of(at.path, 16, 1) == rows_of(at.path, 16, 2) == []


@with_store()
async def test_no_transaction_forgets_more_deletions_than_a_slice(at: Running) -> None:
    await at.store.ledger.submit_all(1, [command for number in range(1, 13) for command in tag(1, to=number)])
    await at.store.ledger.submit_all(1, [DeleteObject("tag", number) for number in range(1, 13)])
    usual, deleted_ties.SLICE = deleted_ties.SLICE, 5  # type: ignore[misc]
    try:
        place: Place | None = Place()
        while place is not None:
            stored = at.rows("SELECT count(*) FROM deleted_ties")[0][0]
            _, place = await remove_some(at.store.engine, 1, place)
            assert at.rows("SELECT count(*) FROM deleted_ties")[0][0] >= stored - 5
            await sound(at)
    finally:
        deleted_ties.SLICE = usual  # type: ignore[misc]
    assert at.rows("SELECT * FROM deleted_ties") == []


@with_store()
async def test_the_job_is_due_as_soon_as_an_object_is_deleted(at: Running) -> None:
    await fill(at)
    now = 1_900_000_000_000
    kinds = [kind for kind in KINDS if kind.name == REMOVE_DELETED_TIES]
    runner = Runner(Context(at.store, Settings(), lambda: now, lambda _: None, Audience(at.store.changes)), kinds)
    await runner.ensure_recurring()
    assert await runner.run_one()
    assert not await runner.run_one()
    await at.store.ledger.submit(1, DeleteObject("tag", 1))
    assert await runner.run_one()
    assert rows_of(at.path, 16, 1) == []
    assert at.rows("SELECT result FROM jobs WHERE result IS NOT NULL") == [(f'{{"ties":{PEOPLE}}}',)]


@asynccontextmanager
async def small(folder: Path, engine: str) -> AsyncIterator[Running]:
    async with running(folder, engine=engine) as at:
        yield at


_number = st.integers(1, 4)
_who = st.integers(1, 3)
_deeds = st.one_of(
    st.builds(lambda who, to: tag(who, to=to), _who, _number),
    st.builds(lambda who, to: tag(who, to=to, event="tag_removed"), _who, _number),
    st.builds(lambda to: [DeleteObject("tag", to)], _number),
    st.builds(lambda to, who: [DeleteObject("tag", to), *tag(who, to=to)], _number, _who),
    st.builds(lambda who: [upsert(email=f"p{who}@example.com", name="New")], _who),
    st.builds(
        lambda who, to: [activity("tag_removed", email=f"p{who}@example.com", tag_id=to, timestamp=5)], _who, _number
    ),
    st.builds(lambda who: [DeleteCustomer(Who(email_key=f"p{who}@example.com"))], _who),
)


@pytest.mark.parametrize("engine", ENGINES)
@given(history=st.lists(st.one_of(_deeds, st.none()), max_size=25))
@settings(max_examples=examples(8, 200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_index_log_and_tables_agree_whenever_a_slice_is_removed(
    tmp_path_factory: pytest.TempPathFactory, engine: str, history: list[list[Command] | None]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deleted_ties, "SLICE", 2)
        async with small(tmp_path_factory.mktemp("history"), engine) as at:
            people: list[Command] = [upsert(email=f"p{who}@example.com") for who in range(1, 4)]
            await at.store.ledger.submit_all(1, [*people, *tag(1, 2, 3), *tag(1, 2, 3, to=2)])
            place = Place()
            for commands in history:
                if commands is None:
                    _, following = await remove_some(at.store.engine, 1, place)
                    place = following or Place()
                else:
                    await at.store.ledger.submit_all(1, commands)
            await sound(at)
            await remove_all(at.store)
            await sound(at)
            assert at.rows("SELECT count(*) FROM relations")[0][0] == at.rows(f"SELECT count(*) FROM {TIES}")[0][0]
