"""Jobs: each is done once, whoever runs it, whatever dies on the way."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from regulars.audience import Audience
from regulars.jobs.kind import Context, FinalError, Handler, Kind, Work
from regulars.jobs.kinds import KINDS
from regulars.jobs.runner import Runner, pause_after
from regulars.settings import Settings
from regulars.store import jobs
from regulars.store.engine import UnavailableError
from regulars.store.job_reads import count_jobs
from regulars.store.jobs import Job, JobError, LeaseLostError
from regulars.store.store import Store

from ..databases import url_of
from ..store.running import Running, on_sqlite, upsert, with_store


class Clock:
    """A clock that is moved by hand (ms)."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


def kind_of(handler: Handler, **more: Any) -> Kind:
    return Kind(name="test", meaning="a test", handler=handler, **more)


def runner(at: Running | Store, clock: Clock, *kinds: Kind, **more: Any) -> Runner:
    store = at.store if isinstance(at, Running) else at
    return Runner(Context(store, Settings(), clock, lambda site: None, Audience(store.changes)), kinds, **more)


async def put(at: Running, clock: Clock, attempts: int = 3, **more: Any) -> int:
    return await jobs.enqueue(at.store.engine, "test", now=clock(), attempts=attempts, **more)


async def found(at: Running, number: int = 1) -> Job:
    async with at.store.snapshot() as connection:
        job = await jobs.job_of(connection, number)
    assert job is not None
    return job


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what it waits for happens anywhere
        await asyncio.sleep(0.01)


async def nothing(work: Work) -> None:
    """Do nothing."""


@with_store()
async def test_a_job_is_done_with_its_progress_and_its_result(at: Running) -> None:
    clock = Clock()

    async def count(work: Work) -> dict[str, Any]:
        for done in range(3):
            await work.tell(done, 3)
        middle = await found(at)
        assert (middle.state, middle.done, middle.total) == ("running", 2, 3)
        return {"counted": 3, "for": work.job.arguments["name"], "site": work.job.site}

    number = await put(at, clock, site=1, arguments={"name": "Änne"})
    assert await runner(at, clock, kind_of(count)).run_one()
    job = await found(at, number)
    assert (job.state, job.result, job.error) == ("done", {"counted": 3, "for": "Änne", "site": 1}, None)
    assert not await runner(at, clock, kind_of(count)).run_one()
    async with at.store.snapshot() as connection:
        assert (await count_jobs(connection))["done"] == 1


@with_store()
async def test_what_fails_is_tried_again_later_and_then_no_more(at: Running) -> None:
    clock = Clock()

    async def fail(work: Work) -> None:
        raise UnavailableError("the other side is away")

    await put(at, clock, attempts=2)
    runs = runner(at, clock, kind_of(fail))
    assert await runs.run_one()
    job = await found(at)
    assert (job.state, job.attempt, job.error) == ("waiting", 1, "the other side is away")
    assert not await runs.run_one()  # not yet
    clock.pass_(10)
    assert await runs.run_one()
    assert ((await found(at)).state, (await found(at)).attempt) == ("failed", 2)
    clock.pass_(100_000)
    assert not await runs.run_one()
    await jobs.retry(at.store.engine, 1, now=clock())
    assert await runner(at, clock, kind_of(nothing)).run_one()
    assert ((await found(at)).state, (await found(at)).error) == ("done", None)


def test_pauses_grow_and_are_bounded() -> None:
    for attempt, seconds in ((1, 5), (2, 20), (3, 80), (50, 3_600)):
        assert 0.8 * seconds <= pause_after(attempt) <= 1.2 * seconds


@with_store()
async def test_a_final_error_is_not_tried_again(at: Running) -> None:
    clock = Clock()

    async def refuse(work: Work) -> None:
        raise FinalError("the file is not a CSV file")

    await put(at, clock)
    await runner(at, clock, kind_of(refuse)).run_one()
    assert ((await found(at)).state, (await found(at)).error) == ("failed", "the file is not a CSV file")


@with_store()
async def test_a_handler_that_takes_too_long_is_stopped(at: Running) -> None:
    clock = Clock()

    async def hang(work: Work) -> None:
        await asyncio.sleep(60)

    await put(at, clock, attempts=1)
    await runner(at, clock, kind_of(hang, timeout=0.05)).run_one()
    assert ((await found(at)).state, (await found(at)).error) == ("failed", "it took longer than 0 seconds")


@with_store()
async def test_two_processes_run_each_job_once(at: Running) -> None:
    clock = Clock()
    ran: list[int] = []

    async def note(work: Work) -> None:
        ran.append(work.job.id)
        await asyncio.sleep(0)

    numbers = [await put(at, clock) for _ in range(12)]
    other = await Store.open(url_of(at.path))
    try:
        runners = [runner(store, clock, kind_of(note)) for store in (at.store, other, at.store)]

        async def work_off(each: Runner) -> None:
            while await each.run_one():
                pass

        await asyncio.gather(*map(work_off, runners))
    finally:
        await other.close()
    assert sorted(ran) == numbers
    assert {(await found(at, number)).state for number in numbers} == {"done"}


@with_store()
async def test_a_lease_that_expired_is_taken_over_and_its_holder_is_told(at: Running) -> None:
    clock = Clock()
    number = await put(at, clock)
    engine = at.store.engine
    first = await jobs.lease(engine, ["test"], now=clock(), seconds=60)
    assert first is not None
    assert await jobs.lease(engine, ["test"], now=clock(), seconds=60) is None
    clock.pass_(61)
    second = await jobs.lease(engine, ["test"], now=clock(), seconds=60)
    assert second is not None
    assert (second.id, second.attempt) == (number, 2)
    with pytest.raises(LeaseLostError):
        await jobs.report(engine, first, now=clock(), seconds=60, done=5)
    with pytest.raises(LeaseLostError):
        await jobs.end(engine, first, "done", now=clock())
    assert (await found(at)).state == "running"
    await jobs.end(engine, second, "done", now=clock())


@with_store()
async def test_a_job_whose_processes_all_died_has_failed(at: Running) -> None:
    clock = Clock()
    await put(at, clock, attempts=2)
    for _ in range(2):
        assert await jobs.lease(at.store.engine, ["test"], now=clock(), seconds=60) is not None
        clock.pass_(61)
    assert await runner(at, clock, kind_of(nothing)).run_one()
    job = await found(at)
    assert (job.state, job.error) == ("failed", "every process that ran it stopped before it was done")


@with_store()
async def test_a_long_job_keeps_its_lease(at: Running) -> None:
    clock = Clock()
    go_on = asyncio.Event()

    async def wait(work: Work) -> None:
        await go_on.wait()

    await put(at, clock)
    running = asyncio.create_task(runner(at, clock, kind_of(wait), lease_seconds=0.03).run_one())
    started = clock()
    await until(lambda: at.rows("SELECT state FROM jobs") == [("running",)])
    clock.pass_(1_000)
    await until(lambda: at.rows("SELECT leased_until FROM jobs")[0][0] > started + 1_000_000)
    go_on.set()
    await running
    assert ((await found(at)).state, (await found(at)).attempt) == ("done", 1)


@with_store()
async def test_a_server_that_stops_gives_its_job_back(at: Running) -> None:
    clock = Clock()

    async def hang(work: Work) -> None:
        await asyncio.sleep(60)

    await put(at, clock)
    running = asyncio.create_task(runner(at, clock, kind_of(hang)).run())
    await until(lambda: at.rows("SELECT state FROM jobs") == [("running",)])
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    job = await found(at)
    assert (job.state, job.attempt) == ("waiting", 0)
    assert await runner(at, clock, kind_of(nothing)).run_one()


@with_store()
async def test_a_job_is_cancelled_while_it_waits_or_runs(at: Running) -> None:
    clock = Clock()
    await put(at, clock)
    await jobs.cancel(at.store.engine, 1, now=clock())
    assert (await found(at, 1)).state == "cancelled"

    async def cancelled(work: Work) -> None:
        await work.tell(1, None)
        await jobs.cancel(at.store.engine, 2, now=clock())
        await work.tell(2, None)
        raise AssertionError("it was to stop")

    await put(at, clock)
    await runner(at, clock, kind_of(cancelled)).run_one()
    job = await found(at, 2)
    assert (job.state, job.done) == ("cancelled", 2)
    for number, sentence in ((2, "job 2 is already cancelled"), (9, "job 9 does not exist")):
        with pytest.raises(JobError, match=sentence):
            await jobs.cancel(at.store.engine, number, now=clock())
    with pytest.raises(JobError, match="job 9 does not exist"):
        await jobs.retry(at.store.engine, 9, now=clock())


@with_store()
async def test_a_recurring_job_is_there_once_and_comes_again(at: Running) -> None:
    clock = Clock()
    ran: list[int] = []

    async def note(work: Work) -> dict[str, Any]:
        ran.append(work.job.id)
        if len(ran) == 2:
            raise ValueError("by chance")
        return {"runs": len(ran)}

    recurring = kind_of(note, every=60, attempts=1)
    engine = at.store.engine
    await asyncio.gather(*(jobs.ensure_recurring(engine, {"test": 1}, now=clock()) for _ in range(3)))
    runs = runner(at, clock, recurring)
    assert await runs.run_one()
    assert not await runs.run_one()
    assert ((await found(at)).state, (await found(at)).result) == ("waiting", {"runs": 1})
    clock.pass_(61)
    assert await runs.run_one()
    assert ((await found(at)).state, (await found(at)).error) == (
        "waiting",
        "unexpected error: ValueError('by chance')",
    )
    assert not await runs.run_one()
    with pytest.raises(JobError, match="is recurring"):
        await jobs.cancel(engine, 1, now=clock())
    clock.pass_(61)
    assert await runs.run_one()
    assert ((await found(at)).error, (await found(at)).result, len(ran)) == (None, {"runs": 3}, 3)
    assert at.rows("SELECT count(*) FROM jobs") == [(1,)]


@with_store()
async def test_a_database_that_is_away_is_waited_for(at: Running) -> None:
    clock = Clock()
    real = at.store.engine.snapshot
    failures = 3

    def snapshot() -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise UnavailableError("the database is away")
        return real()

    at.store.engine.snapshot = snapshot  # type: ignore[method-assign, unused-ignore]
    await put(at, clock)
    running = asyncio.create_task(runner(at, clock, kind_of(nothing), poll_seconds=0.01).run())
    await until(lambda: at.rows("SELECT state FROM jobs") == [("done",)])
    assert failures == 0
    running.cancel()


@with_store()
async def test_a_runner_that_is_woken_looks_at_the_queue_at_once(at: Running) -> None:
    clock = Clock()
    waiting = runner(at, clock, kind_of(nothing), poll_seconds=3_600)
    running = asyncio.create_task(waiting.run())
    for _ in range(2):
        await put(at, clock)
        waiting.wake()
        await until(lambda: {state for (state,) in at.rows("SELECT state FROM jobs")} == {"done"})
    running.cancel()


@with_store()
async def test_an_end_that_the_database_does_not_take_is_told_again(at: Running) -> None:
    clock = Clock()
    real = at.store.engine.transaction
    failures = 0

    def transaction() -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise UnavailableError("the database is away")
        return real()

    async def then_away(work: Work) -> dict[str, Any]:
        nonlocal failures
        failures = 3
        return {"ran": work.job.attempt}

    await put(at, clock)
    at.store.engine.transaction = transaction  # type: ignore[method-assign, unused-ignore]
    await runner(at, clock, kind_of(then_away), poll_seconds=0.01).run_one()
    assert ((await found(at)).state, (await found(at)).result) == ("done", {"ran": 1})


@with_store()
async def test_pruning_is_a_job(at: Running) -> None:
    for number in range(3):
        await at.upsert(email=f"u{number}@example.com")
    await at.record("visit", cookie="somebody")
    clock = Clock()
    clock.now = 2 * 1_800_000_000_000
    await put(at, clock)
    await runner(at, clock, kind_of(nothing)).run_one()
    clock.pass_(31 * 86_400)
    await jobs.enqueue(at.store.engine, "prune", now=clock(), attempts=1)
    await runner(at, clock, *KINDS).run_one()
    assert (await found(at, 2)).result == {
        "changes": 3,
        "outbox": 3,
        "anonymous_events": 1,
        "audience_points": 0,
        "import_changes": 0,
        "audit_events": 0,
        "merges": 0,
        "jobs": 1,
        "files": 0,
    }
    assert [at.rows(f"SELECT number FROM {table}") for table in ("changes", "outbox")] == [[(4,)], [(4,)]]


_KILLED = """
    import asyncio, sys, time
    from regulars.audience import Audience
    from regulars.jobs.kind import Context, Kind
    from regulars.jobs.runner import Runner
    from regulars.settings import Settings
    from regulars.store.store import Store

    async def handler(work):
        print("running", flush=True)
        time.sleep(60)

    async def main():
        store = await Store.open(sys.argv[1])
        context = Context(store, Settings(), lambda: 1_000_000, lambda site: None, Audience(store.changes))
        await Runner(context, [Kind(name="test", meaning="", handler=handler)]).run()

    asyncio.run(main())
"""


@with_store()
async def test_a_killed_process_leaves_its_job_to_another(at: Running) -> None:
    clock = Clock()
    await put(at, clock)
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", textwrap.dedent(_KILLED), url_of(at.path)], stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        assert await asyncio.to_thread(killed.stdout.readline) == "running\n"
        os.kill(killed.pid, signal.SIGKILL)
    runs = runner(at, clock, kind_of(nothing))
    assert not await runs.run_one()  # it may be alive still
    clock.pass_(61)
    assert await runs.run_one()
    assert ((await found(at)).state, (await found(at)).attempt) == ("done", 2)


@on_sqlite()
async def test_a_job_does_not_wait_for_the_writes_of_others(at: Running) -> None:
    clock = Clock()
    await put(at, clock)
    await asyncio.gather(
        runner(at, clock, kind_of(nothing)).run_one(),
        *(at.store.ledger.submit(1, upsert(email=f"u{n}@example.com")) for n in range(20)),
    )
    assert (await found(at)).state == "done"


def test_every_kind_has_a_row() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(kind.meaning and kind.attempts > 0 for kind in KINDS)


@with_store()
async def test_a_recurring_job_that_becomes_due_while_it_runs_runs_again(at: Running) -> None:
    clock, runs = Clock(), 0

    async def handler(work: Work) -> None:
        nonlocal runs
        runs += 1
        clock.pass_(1)
        if runs == 1:
            async with at.store.engine.transaction() as connection:
                await jobs.hasten_within(connection, "test", now=clock())
        clock.pass_(1)

    running = runner(at, clock, Kind(name="test", meaning="", handler=handler, every=3_600))
    await running.ensure_recurring()
    clock.pass_(1)
    assert [await running.run_one() for _ in range(3)] == [True, True, False]
    clock.pass_(3_600)
    assert await running.run_one()
    assert runs == 3
