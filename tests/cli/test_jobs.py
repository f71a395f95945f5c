"""`regulars jobs`: what is on the queue, and what a person does about it."""

from typing import Any

import pytest

from regulars.store import jobs
from regulars.store.jobs import State
from regulars.store.store import Store

from .. import coroutines
from .conftest import Run

NOW = 1_800_000_000_000


def fill(*states: State) -> None:
    async def work() -> None:
        store = await Store.open("sqlite:///regulars.db")
        try:
            for state in states:
                await jobs.enqueue(store.engine, "import", now=NOW, attempts=3, site=1)
                if state != "waiting":
                    job = await jobs.lease(store.engine, ["import"], now=NOW, seconds=60)
                    assert job is not None
                    await jobs.report(store.engine, job, now=NOW, seconds=60, done=1_500, total=2_000)
                    if state != "running":
                        error = "the file is gone" if state == "failed" else None
                        await jobs.end(store.engine, job, state, now=NOW, error=error, result={"lines": 7})
        finally:
            await store.close()

    coroutines.run(work())


@pytest.mark.usefixtures("database")
def test_jobs_are_shown_newest_first(run: Run) -> None:
    told = run("jobs")
    assert (told.code, told.out, told.err) == (0, "", "there are no jobs yet; the server creates them when it starts\n")
    assert run("jobs", "--json").json == []
    fill("done", "failed", "running")
    found: list[dict[str, Any]] = run("jobs", "--json").json
    assert [(each["id"], each["state"]) for each in found] == [(3, "running"), (2, "failed"), (1, "done")]
    assert found[1] | {"error": "the file is gone", "done": 1_500, "total": 2_000, "result": {"lines": 7}} == found[1]
    shown = run("jobs").out
    assert "1,500 of 2,000" in shown
    assert "the file is gone" in shown


@pytest.mark.usefixtures("database")
def test_a_failed_job_is_retried_and_a_waiting_one_cancelled(run: Run) -> None:
    fill("failed")
    assert run("jobs", "retry", "1", "--json").json == {"job": 1, "state": "waiting"}
    assert run("jobs", "cancel", "1").code == 0
    assert run("jobs", "--json").json[0]["state"] == "cancelled"
    for command, sentence in (
        ("cancel 1", "job 1 is already cancelled"),
        ("cancel 9", "job 9 does not exist"),
        ("retry 9", "job 9 does not exist"),
    ):
        told = run("jobs", *command.split())
        assert (told.code, told.err) == (1, f"regulars: {sentence}\n")


@pytest.mark.usefixtures("database")
def test_a_job_that_runs_is_not_retried(run: Run) -> None:
    fill("running")
    told = run("jobs", "retry", "1")
    assert (told.code, told.err) == (1, "regulars: job 1 is running, so it cannot be retried\n")
    assert run("jobs", "cancel", "1", "--json").json == {"job": 1, "cancelled": True}
