"""Readings on every engine: what they come to, alone and together, and the end of the transaction that they are in."""

import asyncio
from typing import Any, Final

import pytest

from regulars.domain.changes import Head
from regulars.domain.identity import uuid_text
from regulars.store import reads, statements
from regulars.store.query import Query, read, read_all

from .running import Running, on_postgresql, upsert, with_store

COUNT: Final = reads.LARGEST_INLINE + 20
SESSIONS: Final = """
    SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name = 'regulars'
"""


async def people(at: Running) -> None:
    outcomes = await at.store.ledger.submit_all(
        1, [upsert(email=f"user{number}@example.com", groups=["vip"]) for number in range(COUNT)]
    )
    assert all(outcome.refusal is None for outcome in outcomes)


@with_store()
async def test_pages_are_in_the_order_of_their_numbers_long_and_short_ones(at: Running) -> None:
    await people(at)
    async with at.store.snapshot() as connection:
        for count in (3, reads.LARGEST_INLINE, COUNT):
            numbers = [*range(count, 0, -1), 10**6]
            pages: list[Query[Any]] = [
                reads.lines_by_number(1, numbers),
                reads.held_ties(1, numbers, ["group.member"]),
                reads.customers_by_number(1, numbers),
            ]
            assert [page.long for page in pages] == [len(numbers) > reads.LARGEST_INLINE] * 3
            lines, ties, customers = await read_all(connection, pages)
            assert [line.number for line in lines] == [each.number for each in customers] == numbers[:-1]
            assert [line.email for line in lines] == [each.email for each in customers]
            assert {customer for customer, _ in ties} == set(numbers[:-1])
            assert await read(connection, pages[0]) == lines
        assert await read_all(connection, []) == []


@with_store()
async def test_a_look_tells_the_head_and_the_numbers_of_what_is_there(at: Running) -> None:
    outcome = await at.upsert(email="anna@example.com", customer_id="c-1", groups=["vip"])
    assert outcome.person is not None
    uuid = uuid_text(outcome.person.customer.uuid)
    names = {("group", "vip"), ("group", "nobody"), ("tag", "vip"), ("customer_id", "c-1"), ("customer_id", "c-2")}
    names |= {("uuid", uuid), ("uuid", uuid.replace(uuid[0], "0" if uuid[0] != "0" else "1"))}
    async with at.store.changes.snapshot() as snapshot:
        look = await snapshot.look(1, names, [reads.lines_by_number(1, [1])])
        assert look.head == Head(*at.head()) == await snapshot.head(1)
        assert look.numbers.keys() == {("group", "vip"), ("customer_id", "c-1"), ("uuid", uuid)}
        assert look.numbers["customer_id", "c-1"] == look.numbers["uuid", uuid] == 1
        ((line,),) = look.read
        assert line.email == "anna@example.com"
        assert await snapshot.look(9, names) == (None, {}, [])


@with_store()
async def test_the_last_readings_are_of_the_same_moment_as_those_before(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    async with at.store.snapshot() as connection:
        before = await read(connection, reads.lines_by_number(1, [1, 2]))
        await at.upsert(email="berta@example.com")
        (after,) = await read_all(connection, [reads.lines_by_number(1, [1, 2])], last=True)
        assert after == before
    async with at.store.snapshot() as connection:
        (now,) = await read_all(connection, [reads.lines_by_number(1, [1, 2])], last=True)
        assert [line.number for line in now] == [1, 2]


@on_postgresql(connections=1)
async def test_the_last_readings_end_the_transaction(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    page = reads.lines_by_number(1, [1])
    async with at.store.snapshot() as connection:
        await read(connection, page)
        assert at.rows(SESSIONS) == [("idle in transaction",)]
        await read_all(connection, [page], last=True)
        assert at.rows(SESSIONS) == [("idle",)]
        with pytest.raises(RuntimeError, match="last"):
            await read(connection, page)
    await at.record("visit", email="anna@example.com")


@on_postgresql(connections=1)
async def test_a_last_reading_that_fails_leaves_nothing_behind(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    impossible = Query(statements.HEAD, {"site": 2**70}, lambda rows: rows)
    for _ in range(2):
        with pytest.raises(Exception, match="out of range"):
            async with at.store.snapshot() as connection:
                await read_all(connection, [reads.lines_by_number(1, [1]), impossible], last=True)
        async with at.store.snapshot() as connection:
            ((line,),) = await read_all(connection, [reads.lines_by_number(1, [1])], last=True)
            assert line.email == "anna@example.com"
    await at.record("visit", email="anna@example.com")
    assert at.rows(SESSIONS) == [("idle",)]


@on_postgresql(connections=1)
async def test_last_readings_on_a_connection_that_was_lost_are_made_on_another(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    for _ in range(2):
        at.rows(f"SELECT pg_terminate_backend(pid) FROM ({SESSIONS.replace('state', 'pid', 1)}) AS sessions")
        async with at.store.snapshot() as connection:
            ((line,),) = await read_all(connection, [reads.lines_by_number(1, [1])], last=True)
            assert line.email == "anna@example.com"


@on_postgresql(connections=1)
async def test_last_readings_that_are_cancelled_leave_nothing_behind(at: Running) -> None:
    await at.upsert(email="anna@example.com")
    page = reads.lines_by_number(1, [1])
    for turns in range(4):

        async def ask() -> None:
            async with at.store.snapshot() as connection:
                await read_all(connection, [page], last=True)

        task = asyncio.create_task(ask())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with at.store.snapshot() as connection:
            ((line,),) = await read_all(connection, [page], last=True)
            assert line.email == "anna@example.com"


@on_postgresql()
async def test_a_write_transaction_ends_by_its_commit_only(at: Running) -> None:
    with pytest.raises(RuntimeError, match="commit"):
        async with at.store.engine.transaction() as connection:
            await read_all(connection, [reads.lines_by_number(1, [1])], last=True)
