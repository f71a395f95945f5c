"""The job that does one thing to many customers: in short transactions, and so that it can be undone."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from regulars.audience.matching_numbers import unpacked
from regulars.cancellation import finished
from regulars.domain.bulk_actions import BulkAction, commands_of
from regulars.domain.commands import Command
from regulars.domain.imports import ImportRecord, State
from regulars.domain.origin import Actor
from regulars.domain.outcome import Outcome
from regulars.importing.pacing import Pace
from regulars.importing.recording import Recording, origin_of_job
from regulars.jobs.kind import FinalError, Work
from regulars.jobs.reporting import reporting
from regulars.store.engine import UnavailableError
from regulars.store.imports import changed_customers_of, imports_of_origin
from regulars.store.job_reads import input_of
from regulars.store.store import Store

BULK_ACTION: Final = "bulk_action"
BULK_ATTEMPTS: Final = 5
MOST_REASONS: Final = 20


class BulkArguments(Struct, frozen=True, kw_only=True):
    """The arguments of the job; its input is the set of customers. actor: who asked for it.

    question: the canonical text of the question whose customers they are; None if they were named.
    """

    action: BulkAction
    actor: Actor
    customers: int
    question: str | None = None


class BulkSummary(Struct, kw_only=True):
    """The result, counted in customers. failed: those who were deleted meanwhile, or cannot have it. reasons: why."""

    customers: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    reasons: dict[str, int] = {}


async def run_bulk_action(work: Work) -> dict[str, Any]:
    """Do it to each customer. A run after a failure leaves out those whom an earlier one has changed."""
    store, site, job = work.context.store, work.job.site, work.job
    assert site is not None
    given = msgspec.convert(job.arguments, BulkArguments)
    async with store.snapshot() as connection:
        data = await input_of(connection, job.id)
        earlier = await imports_of_origin(connection, site, origin_of_job(job.id))
        done = await changed_customers_of(connection, site, earlier[0].number) if earlier else set[int]()
    if data is None:
        raise FinalError("the customers of this bulk action are not there")
    numbers = [number for number in unpacked(data).tolist() if number not in done]
    recording = await _recording(store, site, job.id, given, earlier)
    running = _BulkRun(store, site, recording, commands_of(given.action, store.limits))
    running.summary.customers = running.summary.updated = len(done)
    await reporting(work, running.run(numbers), lambda: (running.summary.customers, given.customers))
    await work.tell(running.summary.customers, given.customers)
    return cast(dict[str, Any], msgspec.to_builtins(running.summary))


async def _recording(
    store: Store, site: int, job: int, given: BulkArguments, earlier: Sequence[ImportRecord]
) -> Recording:
    if earlier:
        return Recording(store, site, earlier[0], actor=given.actor)
    name = given.action.title
    begun = await Recording.begin(store, site, kind=BULK_ACTION, file=name, origin=origin_of_job(job))
    return Recording(store, site, begun.record, actor=given.actor)


class _BulkRun:
    """One run over customers. `summary` is accurate after each transaction."""

    def __init__(self, store: Store, site: int, recording: Recording, command: Callable[[int], Command]) -> None:
        self.summary = BulkSummary()
        self._store = store
        self._site = site
        self._recording = recording
        self._command = command
        self._pace = Pace(store.engine)

    async def run(self, numbers: Sequence[int]) -> None:
        """Go through the customers, a chunk in each transaction; others write in between."""
        state: State = "stopped"
        try:
            place = 0
            while place < len(numbers):
                chunk = numbers[place : place + self._pace.chunk_size]
                await self._chunk(chunk)
                place += len(chunk)
            state = "done"
        finally:
            with suppress(UnavailableError):
                await finished(asyncio.ensure_future(self._recording.end(state, self.summary)))

    async def _chunk(self, numbers: Sequence[int]) -> None:
        commands = [self._command(number) for number in numbers]
        writing = asyncio.ensure_future(self._store.ledger.submit_all(self._site, commands, self._recording.origin))
        try:
            await finished(writing)
        finally:  # what is submitted is done also if the job is cancelled meanwhile
            if writing.done() and writing.exception() is None:
                self._count(writing.result())
        await self._recording.progress(self.summary)
        await self._pace.make_room()

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        summary = self.summary
        for outcome in outcomes:
            if outcome.refusal is not None and outcome.refusal.code == "unavailable":
                raise UnavailableError(outcome.refusal.sentence)
            summary.customers += 1
            if outcome.refusal is not None:
                summary.failed += 1
                reason = outcome.refusal.sentence
                if reason in summary.reasons or len(summary.reasons) < MOST_REASONS:
                    summary.reasons[reason] = summary.reasons.get(reason, 0) + 1
            elif outcome.verdict == "updated":
                summary.updated += 1
            else:
                summary.unchanged += 1
