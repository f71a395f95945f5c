"""The outbox: what a site's tables say follows from it, whatever happened; and a reader never misses anything."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.domain.changes import Head
from regulars.domain.commands import DeleteCustomer, DeleteObject, Relate, UpsertGroup
from regulars.domain.identity import Who
from regulars.domain.outbox import (
    BEGINNING,
    PART_SIZE,
    WHOLE,
    ActivityRecorded,
    ConsentChanged,
    Cursor,
    CustomerCreated,
    CustomerDeleted,
    CustomerUpdated,
    Happening,
    MailStatus,
    TieAdded,
    TieEnded,
    TiesCleared,
)
from regulars.domain.relations import BY_NAME
from regulars.store import control
from regulars.store.outbox import (
    CursorAheadError,
    CursorError,
    CursorExpiredError,
    Item,
    NoSuchSiteError,
    newest_cursor,
    oldest_cursor,
    problems,
    read_outbox,
)
from regulars.store.pruning import prune_outbox

from ..audience_world import World, world
from ..databases import ENGINES, TIES, only_on_postgresql, query
from ..effort import examples
from ..test_audience_end_to_end import deeds, together
from .running import NOW, Running, activity, running, upsert, with_store

ANNA = Who(email_key="anna@example.com")
TAG = BY_NAME["tag.has"].code
SUBSCRIBED = BY_NAME["subscribed"].code


async def all_items(at: Running | World, after: Cursor = BEGINNING, *, limit: int = 1_000, site: int = 1) -> list[Item]:
    """Everything after a cursor, read in slices."""
    found: list[Item] = []
    more = True
    while more:
        async with at.store.snapshot() as connection:
            items, after, more = await read_outbox(connection, site, after, limit)
        assert len(items) <= limit
        assert items or not more
        found += items
    return found


async def told(at: Running, after: Cursor) -> list[Happening]:
    return [item.happening for item in await all_items(at, after)]


async def now(at: Running, site: int = 1) -> Cursor:
    async with at.store.snapshot() as connection:
        return await newest_cursor(connection, site)


async def wrong(at: Running) -> list[str]:
    head = await now(at)
    async with at.store.snapshot() as connection:
        return [each async for each in problems(connection, 1, Head(head.change, head.token))]


# -- what is told ---------------------------------------------------------------------------------------------


@with_store()
async def test_what_happens_to_a_customer_is_told(at: Running) -> None:
    start = await now(at)
    assert start == BEGINNING
    made = await at.upsert(email="anna@example.com", firstname="Anna", groups=["g"])
    assert made.person is not None
    anna = made.person.customer.number
    group = at.rows("SELECT number FROM objects")[0][0]
    after_created = await now(at)
    assert await told(at, start) == [CustomerCreated(anna), TieAdded(anna, 8, group)]
    await at.upsert(email="anna@example.com", firstname="Änne")
    updated, *rest = await told(at, after_created)
    assert isinstance(updated, CustomerUpdated)
    assert (set(updated.fields), rest) == ({"name", "firstname"}, [])
    seen = await now(at)
    await at.upsert(email="anna@example.com", firstname="Änne")
    assert await now(at) == seen
    await at.store.ledger.submit(1, DeleteCustomer(ANNA))
    assert await told(at, seen) == [CustomerDeleted(anna, made.person.customer.uuid)]


@with_store()
async def test_consent_mails_and_events_are_told(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    seen = await now(at)
    await at.record("subscribed", email="anna@example.com")
    found = await told(at, seen)
    assert [each for each in found if not isinstance(each, CustomerUpdated)] == [
        TieAdded(1, SUBSCRIBED),
        ConsentChanged(1, 1, True, True),
        ActivityRecorded(1, 1, "subscribed"),
    ]
    seen = await now(at)
    await at.record("email_opened", email="anna@example.com", log_id="m")
    await at.record("email_delivered", email="anna@example.com", log_id="m")
    mails = [each for each in await told(at, seen) if isinstance(each, MailStatus)]
    assert [(each.log, each.status) for each in mails] == [(1, "opened")]  # delivered is behind it
    seen = await now(at)
    both = [activity(f"email_{event}", email="anna@example.com", log_id="n") for event in ("delivered", "clicked")]
    await at.store.ledger.submit_all(1, both)
    mails = [each for each in await told(at, seen) if isinstance(each, MailStatus)]
    assert [(each.log, each.status) for each in mails] == [(2, "clicked")]
    seen = await now(at)
    await at.record("anna_likes_tea", email="anna@example.com")
    assert ActivityRecorded(1, 6, "") in await told(at, seen)  # a name that a caller made up may say anything
    seen = await now(at)
    await at.record("unsubscribed", email="anna@example.com")
    assert ConsentChanged(1, 2, False, False) in await told(at, seen)


@with_store()
async def test_a_relationship_call_leaves_its_trace_as_the_event_does(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    await at.record("tag_added", email="anna@example.com", tag_id="vip")
    ((tag,),) = at.rows("SELECT number FROM objects WHERE kind = 2")
    seen = await now(at)
    for change in ("remove", "remove", "add"):
        await at.store.ledger.submit(1, Relate(ANNA, "tag.has", (tag,), change))
    assert await told(at, seen) == [
        TieEnded(1, TAG, tag),
        ActivityRecorded(1, 2, "tag_removed"),
        TieAdded(1, TAG, tag),
        ActivityRecorded(1, 3, "tag_added"),
    ]
    assert at.rows("SELECT name, detail FROM activities ORDER BY number") == [
        ("tag_added", '{"tag_id":"vip"}'),
        ("tag_removed", '{"tag_id":"vip"}'),
        ("tag_added", '{"tag_id":"vip"}'),
    ]
    seen = await now(at)
    await at.store.ledger.submit(1, DeleteObject("tag", tag))
    assert await told(at, seen) == [TiesCleared(TAG, tag)]


@with_store()
async def test_what_came_to_nothing_did_not_happen(at: Running) -> None:
    await at.upsert(email="anna@example.com", firstname="Anna", groups=["g"])
    seen = await now(at)
    back = (upsert(email="anna@example.com", firstname="B"), upsert(email="anna@example.com", firstname="Anna"))
    await at.store.ledger.submit(1, UpsertGroup(back))
    assert await now(at) == seen
    await at.store.ledger.submit_all(
        1, [upsert(email="bo@example.com"), DeleteCustomer(Who(email_key="bo@example.com"))]
    )
    assert await told(at, seen) == []


# -- a random history -----------------------------------------------------------------------------------------


class Replay:
    """What somebody knows of a site who has read nothing but its outbox."""

    def __init__(self) -> None:
        self.customers: set[int] = set()
        self.ties: set[tuple[int, int, int]] = set()
        self.consents: set[tuple[int, int]] = set()
        self.consenting: dict[int, bool] = {}
        self.mails: dict[int, int] = {}
        self.activities: set[int] = set()

    def take(self, happening: Happening) -> None:
        match happening:
            case CustomerCreated(customer=number):
                assert number not in self.customers
                self.customers.add(number)
            case CustomerUpdated(customer=number):
                assert number in self.customers
            case CustomerDeleted(customer=number):
                self.customers.remove(number)
                self.ties = {tie for tie in self.ties if tie[0] != number}
                self.consents = {each for each in self.consents if each[0] != number}
                self.consenting.pop(number, None)
            case TieAdded(customer=number, code=code, object=item):
                assert (number, code, item) not in self.ties
                self.ties.add((number, code, item))
            case TieEnded(customer=number, code=code, object=item):
                self.ties.remove((number, code, item))
            case TiesCleared(code=code, object=item):
                self.ties = {tie for tie in self.ties if tie[1:] != (code, item)}
            case ConsentChanged(customer=number, number=evidence, holds=holds):
                self.consents.add((number, evidence))
                self.consenting[number] = holds
            case MailStatus(log=log, code=code):
                assert self.mails.get(log) != code
                self.mails[log] = code
            case ActivityRecorded(number=number):
                self.activities.add(number)

    def compare(self, made: World) -> None:
        """What the tables say is the same."""

        def rows(text: str) -> set[tuple[Any, ...]]:
            return {tuple(row) for row in query(made.path, text, made.site)}

        assert {(number,) for number in self.customers} == rows("SELECT number FROM customers WHERE site_id = ?")
        assert self.ties == rows(f"SELECT customer, relation, object FROM {TIES} WHERE holds = 1 AND site_id = ?")
        assert self.consents == rows("SELECT customer, number FROM consents WHERE site_id = ?")
        assert {*self.mails.items()} == rows("SELECT number, status FROM logs WHERE site_id = ?")
        assert rows("SELECT number FROM activities WHERE site_id = ?") <= {(number,) for number in self.activities}
        subscribed = {tie[0] for tie in self.ties if tie[1] == SUBSCRIBED}
        assert {number for number, holds in self.consenting.items() if holds} <= subscribed


async def replayed(happening: list[Any], limit: int, engine: str) -> None:
    async with world(engine=engine) as made:
        for event in happening:
            if isinstance(event, tuple):
                await made.together(*event[1])
            else:
                await made.attempt(*event)
            made.now += 1
        items = await all_items(made, limit=limit, site=made.site)
        assert all(one[:2] < two[:2] for one, two in pairwise(items))
        replay = Replay()
        for item in items:
            replay.take(item.happening)
        replay.compare(made)


_given = given(st.lists(st.one_of(deeds, deeds, together), min_size=1, max_size=20), st.sampled_from([1, 3, 1_000]))
_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(_unhurried, max_examples=examples(10, 200))
@_given
async def test_the_tables_follow_from_the_outbox(happening: list[Any], limit: int) -> None:
    await replayed(happening, limit, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=examples(2, 20))
@_given
async def test_the_tables_follow_from_the_outbox_on_postgresql(happening: list[Any], limit: int) -> None:
    await replayed(happening, limit, "postgresql")


# -- reading --------------------------------------------------------------------------------------------------


@with_store(largest_batch=2_000, capacity=10_000)
async def test_a_large_commit_is_read_in_slices_from_anywhere(at: Running) -> None:
    count = 3 * PART_SIZE + 7
    await at.store.ledger.submit_all(1, [upsert(email=f"u{n}@example.com") for n in range(count)])
    await at.upsert(email="last@example.com")
    everything = await all_items(at)
    assert [item.happening.customer for item in everything] == list(range(1, count + 2))  # type: ignore[union-attr]
    assert await all_items(at, limit=PART_SIZE - 1) == everything
    token = at.rows("SELECT token FROM changes WHERE number = 1")[0][0]
    for position in (0, PART_SIZE - 2, PART_SIZE - 1, PART_SIZE, count - 2, count - 1):
        async with at.store.snapshot() as connection:
            items, cursor, _ = await read_outbox(connection, 1, Cursor(1, position, token), 2)
        assert items == everything[position + 1 : position + 3]
        assert await all_items(at, cursor) == everything[position + 3 :]


@with_store()
async def test_a_reader_who_is_up_to_date_gets_nothing_and_stays(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    seen = await now(at)
    async with at.store.snapshot() as connection:
        assert await read_outbox(connection, 1, seen) == ([], seen, False)
        with pytest.raises(NoSuchSiteError):
            await read_outbox(connection, 7, BEGINNING)


@with_store(sites=2)
async def test_sites_have_outboxes_of_their_own(at: Running) -> None:
    await at.upsert(site=2, email="anna@example.com")
    assert await all_items(at, site=1) == []
    assert [item.happening for item in await all_items(at, site=2)] == [CustomerCreated(1)]


async def refused(at: Running, cursor: Cursor) -> CursorError:
    with pytest.raises(CursorError) as error:
        await all_items(at, cursor)
    assert error.value.head == await now(at)
    return error.value


@with_store()
async def test_what_was_pruned_is_not_passed_over(at: Running) -> None:
    cursors = [await now(at)]
    for n in range(6):
        await at.upsert(email=f"u{n}@example.com")
        cursors.append(await now(at))
    ((moment,),) = at.rows("SELECT at FROM outbox WHERE number = 4")
    assert await prune_outbox(at.store.engine, 1, before=moment) == 3
    for cursor in cursors[:3]:
        assert isinstance(await refused(at, cursor), CursorExpiredError)
    assert len(await told(at, cursors[3])) == 3  # the first of those that are kept follows it
    async with at.store.snapshot() as connection:
        assert await oldest_cursor(connection, 1) == cursors[3]
    await prune_outbox(at.store.engine, 1, before=NOW * 2)
    assert at.rows("SELECT number FROM outbox") == [(6,)]
    assert await told(at, cursors[6]) == []
    assert isinstance(await refused(at, cursors[4]), CursorExpiredError)
    assert await wrong(at) == []


@with_store()
async def test_a_cursor_of_another_history_is_refused(at: Running) -> None:
    for n in range(3):
        await at.upsert(email=f"u{n}@example.com")
    head = await now(at)
    for cursor in (
        Cursor(head.change, WHOLE, head.token + 1),
        Cursor(head.change + 1, 0, head.token),
        Cursor(2, WHOLE, head.token),
        Cursor(2, 0, head.token),
    ):
        assert isinstance(await refused(at, cursor), CursorAheadError)


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_outbox_that_was_off_has_a_gap(tmp_path: Any, engine: str) -> None:
    async with running(tmp_path, engine=engine, has_outbox=False) as at:
        await at.upsert(email="u1@example.com")
        off = await now(at)
        assert at.rows("SELECT * FROM outbox") == []
        assert isinstance(await refused(at, BEGINNING), CursorExpiredError)
        at.store.ledger.has_outbox = True  # the server was started anew
        await at.upsert(email="u2@example.com")
        assert await told(at, off) == [CustomerCreated(2)]
        assert isinstance(await refused(at, BEGINNING), CursorExpiredError)
        assert await wrong(at) == []


@with_store()
async def test_the_check_finds_what_is_wrong(at: Running) -> None:
    for n in range(4):
        await at.upsert(email=f"u{n}@example.com")
    assert await wrong(at) == []

    async def damage(text: str) -> list[str]:
        async with at.store.engine.transaction() as connection:
            await connection.script(text)
        return await wrong(at)

    assert await damage("UPDATE outbox SET previous = 5 WHERE number = 3") == [
        "outbox of change 3: it does not follow that of change 2: the tokens differ"
    ]
    found = await damage("UPDATE outbox SET token = 5 WHERE number = 2")
    assert "outbox of change 2: its token differs from that of the change" in found
    found = await damage("UPDATE outbox SET position = 1 WHERE number = 1")
    assert "outbox of change 1: gap before position 1" in found
    found = await damage("UPDATE outbox SET last = 0 WHERE number = 4")
    assert "outbox of change 4: it is incomplete" in found
    found = await damage("UPDATE outbox SET number = 9, last = 1 WHERE number = 4")
    assert "outbox of change 9: it is ahead of the head, 4" in found
    found = await damage("UPDATE outbox SET size = 7 WHERE number = 3")
    assert "outbox of change 3: it states 7 entries, but has another number" in found


@with_store()
async def test_the_store_has_an_epoch(at: Running) -> None:
    async with at.store.snapshot() as connection:
        epoch = await control.epoch(connection)
    assert len(bytes.fromhex(epoch)) == 16
