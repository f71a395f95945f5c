"""Every kind of SQLSTATE at every statement: no session stays in a transaction, nobody else fails, nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from regulars.domain.identity import Who
from regulars.store import control, ledger, reads
from regulars.store.engine import OutcomeUnknownError, UnavailableError
from regulars.store.postgresql.engine import PostgresqlEngine
from regulars.store.store import Store

from ..effort import IS_THOROUGH
from .chain import assert_replay_gives_the_tables
from .proxy import Fault, Proxy
from .running import Running, activity, on_postgresql, stored_customers, upsert
from .test_faults import through_proxy

CODES: Final = (
    *("08006", "08P01", "0A000", "21000", "22P02", "23505", "25006", "25P02", "26000", "2D000", "34000", "3D000"),
    *("40000", "40001", "40P01", "42501", "42601", "53300", "54000", "55P03", "57014", "57P01", "58030", "P0001"),
    *("HV000", "XX000"),
)
"""One of each class that PostgreSQL may have occasion for, and those that the store knows by themselves."""

FEW: Final = CODES if IS_THOROUGH else CODES[::4]
"""Those that are tried unless there is time."""


async def all_idle(store: Store) -> None:
    """Every connection of the pool is in no transaction."""
    engine = store.engine
    assert isinstance(engine, PostgresqlEngine)
    assert not engine.pool.used
    for session in engine.pool.idle:
        while not session.is_idle:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert session.closed or session.can_be_reused


async def read(store: Store) -> None:
    async with store.snapshot() as connection:
        person = await reads.find_person(connection, 1, Who(email_key="a@example.com"))
        assert person is not None
        await control.list_sites(connection)


async def write(store: Store) -> None:
    await store.ledger.submit(1, activity("visit", email="a@example.com"))


async def write_two(store: Store) -> None:
    await asyncio.gather(write(store), write(store))


async def with_fault(proxy: Proxy, store: Store, fault: Fault, work: Callable[[Store], Awaitable[None]]) -> str:
    """Do the work while a statement fails; what came of it. Then others are served, whatever it was."""
    proxy.fault = fault
    try:
        await work(store)
        found = "done"
    except OutcomeUnknownError:
        found = "unknown"
    except UnavailableError:
        found = "unavailable"
    proxy.fault = None
    await all_idle(store)
    await read(store)
    return found


@pytest.mark.parametrize(("work", "codes"), [(read, FEW[::3]), (write, FEW)])
async def test_an_error_at_any_statement_hurts_nobody_else(
    work: Callable[[Store], Awaitable[None]], codes: tuple[str, ...], tmp_path: Path
) -> None:
    @on_postgresql()
    async def run(at: Running) -> None:
        async with through_proxy(at, connections=2) as (proxy, store):
            await store.ledger.submit(1, upsert(email="a@example.com"))
            visits = 0
            seen: Counter[str] = Counter()
            for code in codes:
                for place in range(100):
                    fault = Fault(code, place)
                    found = await with_fault(proxy, store, fault, work)
                    seen[found] += 1
                    assert found != "unknown"
                    visits += found == "done" and work is write
                    if fault.hit is None:
                        break
                assert place > 2
            assert stored_customers(at.path)[1].lifetime_visits == visits
            assert seen["done"] >= len(codes)
        assert_replay_gives_the_tables(at.path)

    await run(tmp_path, "postgresql")


@pytest.mark.parametrize("code", ["08006", "22000", "25P02", "57P01", "XX000"])
async def test_an_error_that_lasts_is_no_failure_of_the_program(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SETTLE_SECONDS", 0)

    @on_postgresql()
    async def run(at: Running) -> None:
        async with through_proxy(at, connections=2) as (proxy, store):
            await store.ledger.submit(1, upsert(email="a@example.com"))
            for work in (read, write, write_two):
                for place in range(6):
                    fault = Fault(code, place, lasting=True)
                    found = await with_fault(proxy, store, fault, work)
                    assert (found == "done") == (fault.hit is None), fault.hit

    await run(tmp_path, "postgresql")


@on_postgresql(sites=17)
async def test_only_the_sites_of_a_lost_node_fail(at: Running) -> None:
    async with through_proxy(at, connections=2) as (proxy, store):
        for site in (1, 17):
            await store.ledger.submit(site, upsert(email="a@example.com"))
        proxy.fault = Fault("08006", argument=b"17", lasting=True)
        for number in range(5):
            with pytest.raises(UnavailableError):
                await store.ledger.submit(17, upsert(email=f"b{number}@example.com"))
            with suppress(UnavailableError):
                async with store.snapshot() as connection:
                    await reads.find_person(connection, 17, Who(email_key="a@example.com"))
                    pytest.fail("the node is there")
            await store.ledger.submit(1, upsert(email=f"b{number}@example.com"))
            await read(store)
        proxy.fault = None
        await store.ledger.submit(17, upsert(email="c@example.com"))
    assert len(stored_customers(at.path, 17)) == 2
    assert len(stored_customers(at.path, 1)) == 6
