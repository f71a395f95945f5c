"""The runner: leases due jobs from the shared queue, runs them one at a time, and records their results."""

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from regulars.jobs.kind import CancelledJobError, Context, FinalError, Kind, Work
from regulars.logs import unavailable
from regulars.store import jobs
from regulars.store.engine import UnavailableError
from regulars.store.jobs import Job, LeaseLostError

LEASE_SECONDS: Final = 60.0
POLL_SECONDS: Final = 1.0
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 3_600.0
_log = structlog.get_logger("regulars.jobs")


def pause_after(attempt: int) -> float:
    """Seconds to wait before retrying a job that has failed `attempt` times: 5, 20, 80, ... up to an hour, +-20 %."""
    pause: float = min(_FIRST_PAUSE * 4 ** min(attempt - 1, 10), _LONGEST_PAUSE)
    return pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


class Runner:
    """Runs jobs of these kinds, at most one at a time, until its task is cancelled.

    On cancellation, a running job is returned to the queue for immediate retry. If the process is killed, the lease
    expires.
    """

    def __init__(
        self,
        context: Context,
        kinds: Sequence[Kind],
        *,
        lease_seconds: float = LEASE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._context = context
        self._engine = context.store.engine
        self._kinds: Mapping[str, Kind] = {kind.name: kind for kind in kinds}
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Check the queue immediately, as this process has just added a job."""
        self._wake.set()

    async def run(self) -> None:
        """Run jobs until cancelled. While the database is unavailable, keep retrying."""
        is_prepared = False
        while True:
            self._wake.clear()
            try:
                if not is_prepared:
                    await self.ensure_recurring()
                    is_prepared = True
                if await self.run_one():
                    continue
            except UnavailableError as error:
                unavailable.warning("jobs are waiting for the database", reason=str(error))
            except Exception:
                _log.exception("the job queue failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._poll_seconds)

    async def run_one(self) -> bool:
        """Run the longest-due job; False if none is due. Raises UnavailableError."""
        job = await self._lease()
        if job is None:
            return False
        kind = self._kinds[job.kind]
        if job.attempt > job.attempts:
            await self._give_back(kind, job, error="every process that ran it stopped before it was done")
            return True
        working = asyncio.create_task(self._work(kind, job))
        keeping = asyncio.create_task(self._keep(job, working))
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError:
            working.cancel()
            await asyncio.wait([working])
            await self._put_back(job)
            raise
        finally:
            keeping.cancel()
        await self._settle(kind, job, working)
        return True

    async def _lease(self) -> Job | None:
        """Lease the longest-due job. If cancelled after leasing one, returns it to the queue."""
        leasing = asyncio.ensure_future(
            jobs.lease(self._engine, self._kinds, now=self._now(), seconds=self._lease_seconds)
        )
        try:
            return await asyncio.shield(leasing)
        except asyncio.CancelledError:
            await asyncio.wait([leasing])
            if leasing.exception() is None and (job := leasing.result()) is not None:
                await self._put_back(job)
            raise

    async def _put_back(self, job: Job) -> None:
        """Return the job to the queue for immediate retry, as this process is stopping."""
        with contextlib.suppress(UnavailableError, LeaseLostError):
            await jobs.end(self._engine, job, "waiting", now=self._now(), due_at=self._now(), attempt=job.attempt - 1)

    async def ensure_recurring(self) -> None:
        """Store each recurring job that is not in the queue yet."""
        recurring = {kind.name: kind.attempts for kind in self._kinds.values() if kind.every is not None}
        await jobs.ensure_recurring(self._engine, recurring, now=self._now())

    async def _work(self, kind: Kind, job: Job) -> dict[str, Any] | None:
        async def tell(done: int, total: int | None) -> None:
            if await self._report(job, done, total):
                raise CancelledJobError

        async with asyncio.timeout(kind.timeout):
            return await kind.handler(Work(job, self._context, tell))

    async def _report(self, job: Job, done: int | None = None, total: int | None = None) -> bool:
        return await jobs.report(
            self._engine, job, now=self._now(), seconds=self._lease_seconds, done=done, total=total
        )

    async def _keep(self, job: Job, working: asyncio.Task[Any]) -> None:
        """Extend the lease while the job runs; cancel the job if another process has taken it."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                await self._report(job)
            except LeaseLostError:
                working.cancel()
                return
            except UnavailableError as error:
                unavailable.warning("the lease of a job could not be extended", job=job.id, reason=str(error))

    async def _settle(self, kind: Kind, job: Job, working: "asyncio.Task[dict[str, Any] | None]") -> None:
        if working.cancelled() or isinstance(working.exception(), LeaseLostError):
            _log.warning("a job was taken over by another process", job=job.id, kind=job.kind)
            return
        error = working.exception()
        match error:
            case None:
                await self._succeed(kind, job, working.result())
            case CancelledJobError():
                await self._end(job, "cancelled")
            case TimeoutError():
                await self._fail(kind, job, f"it took longer than {kind.timeout:.0f} seconds")
            case FinalError():
                await self._give_back(kind, job, error=str(error))
            case UnavailableError():
                await self._fail(kind, job, str(error))
            case _:
                _log.error("a job failed", job=job.id, kind=job.kind, exc_info=error)
                await self._fail(kind, job, f"unexpected error: {error!r}")

    async def _succeed(self, kind: Kind, job: Job, result: dict[str, Any] | None) -> None:
        if kind.every is None:
            await self._end(job, "done", result=result)
        else:
            pause = None if kind.again is None or result is None else kind.again(result)
            due_at = self._in(kind.every if pause is None else pause)
            await self._end(job, "waiting", result=result, due_at=due_at, attempt=0)

    async def _fail(self, kind: Kind, job: Job, error: str) -> None:
        if job.attempt < job.attempts:
            await self._end(job, "waiting", error=error, due_at=self._in(pause_after(job.attempt)))
        else:
            await self._give_back(kind, job, error=error)

    async def _give_back(self, kind: Kind, job: Job, *, error: str) -> None:
        """Finish a job that has no attempts left. A recurring job keeps the error and waits for its next run."""
        _log.warning("a job has failed", job=job.id, kind=job.kind, reason=error)
        if kind.every is None:
            await self._end(job, "failed", error=error)
        else:
            await self._end(job, "waiting", error=error, due_at=self._in(kind.every), attempt=0)

    async def _end(self, job: Job, state: jobs.State, **values: Any) -> None:
        """Store the outcome of the job, retrying while the database is unavailable until the lease expires."""
        until = asyncio.get_running_loop().time() + self._lease_seconds
        while True:
            try:
                await jobs.end(self._engine, job, state, now=self._now(), **values)
                return
            except LeaseLostError:
                return  # another process has it, or a reply was lost and the outcome is already stored
            except UnavailableError:
                if asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(self._poll_seconds)

    def _in(self, seconds: float) -> int:
        return self._now() + round(seconds * 1000)

    def _now(self) -> int:
        return self._context.clock()
