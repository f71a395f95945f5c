"""The ledger: serialises all writes of a site and commits them in batches.

Callers put commands on a bounded queue. When the write lock is acquired, the waiting commands go into one transaction,
and each is answered once that is on disk. An acknowledged write survives a kill and a power loss.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from regulars.domain.changes import Head
from regulars.domain.commands import Command
from regulars.domain.faults import UnknownSiteError, refuse
from regulars.domain.limits import DEFAULT, Limits
from regulars.domain.moments import now_ms
from regulars.domain.origin import JOB, Origin
from regulars.domain.outcome import Outcome
from regulars.logs import unavailable
from regulars.store import control
from regulars.store.batch import Rehearsed, commit_batch, has_happened, rehearse_batch
from regulars.store.engine import (
    Engine,
    OutcomeUnknownError,
    RejectedError,
    ReplacedError,
    TransientError,
    UnavailableError,
)

LARGEST_BATCH: Final = 1_000
"""Commands per transaction in a server: bulk calls share an fsync, and the event loop is blocked for about 20 ms.

With a quarter of this size, bulk calls write a quarter fewer customers per second.
"""

_WEIGHT_OF_COMMAND: Final = 4
"""Weight limit of a batch per command allowed in it, so that a few large commands already fill a batch."""

SETTLE_SECONDS: Final = 15
"""How long to ask the store whether a commit succeeded after its reply was lost; its callers wait meanwhile."""

_SETTLE_PAUSE: Final = 0.1
_log = structlog.get_logger("regulars.ledger")


class QueueFullError(Exception):
    """The queue is full and nothing was accepted. The caller may retry in a second."""


class CommandFailedError(Exception):
    """A command hit an unexpected error and was rolled back on its own; the cause is chained and logged."""


class _Submission:
    """The commands of one caller, answered together with an outcome or an error for each."""

    __slots__ = ("answer", "missing", "results")

    def __init__(self, size: int, answer: asyncio.Future[list[Outcome | Exception]]) -> None:
        self.results: list[Outcome | Exception] = [_UNANSWERED] * size
        self.missing = size
        self.answer = answer

    def settle(self, place: int, result: Outcome | Exception) -> None:
        self.results[place] = result
        self.missing -= 1
        if not self.missing and not self.answer.done():
            self.answer.set_result(self.results)


_UNANSWERED: Final = CommandFailedError("not answered")


_FAILED: Final = Outcome(refusal=refuse("internal", "", "Internal server error for this item; see the server log."))
_NOT_DONE: Final = Outcome(
    refusal=refuse("unavailable", "", "The database became unavailable before this item was processed. Send it again.")
)


class _Waiting:
    """A queued command and where to deliver its result."""

    __slots__ = ("command", "origin", "place", "site", "submission")

    def __init__(self, site: int, command: Command, submission: _Submission, place: int, origin: Origin) -> None:
        self.site = site
        self.origin = origin
        self.command = command
        self.submission = submission
        self.place = place

    def settle(self, result: Outcome | Exception) -> None:
        self.submission.settle(self.place, result)


class Ledger:
    """Accepts commands for any site of one engine. clock: returns the time in ms. has_outbox: see `commit_batch`."""

    def __init__(
        self,
        engine: Engine,
        *,
        capacity: int = 10_000,
        largest_batch: int = LARGEST_BATCH,
        limits: Limits = DEFAULT,
        clock: Callable[[], int] | None = None,
        has_outbox: bool = True,
    ) -> None:
        self._engine = engine
        self._capacity = capacity
        self._largest_batch = largest_batch
        self._limits = limits
        self.has_outbox = has_outbox
        self._clock = clock or now_ms
        self._secret: bytes | None = None
        self._waiting = 0
        self._queues: dict[int, _CommitQueue] = {}
        self._closing = False
        self.commits = 0
        self.commands = 0
        self.on_batch: Callable[[int, float], None] | None = None
        """Called after each commit with its number of commands and its duration in seconds."""

    @property
    def waiting(self) -> int:
        """Number of commands accepted but not yet answered."""
        return self._waiting

    async def submit(self, site: int, command: Command, origin: Origin = JOB) -> Outcome:
        """Execute one command and return its outcome once that is durable.

        Raises QueueFullError, UnavailableError, UnknownSiteError or CommandFailedError. The command is executed even
        if the caller is cancelled.
        """
        (result,) = await self._put(site, (command,), origin)
        if isinstance(result, Exception):
            raise result
        return result

    async def submit_all(self, site: int, commands: Sequence[Command], origin: Origin = JOB) -> list[Outcome]:
        """Execute commands in order, as `submit` does, in shared transactions. Either all are accepted or none.

        origin: where all of them come from.

        A command that hits an unexpected error is refused as `internal`, and one that the database was not available
        for as `unavailable`, because the others' outcomes are durable and must be reported. If every command failed,
        the error is raised.
        """
        if not commands:
            return []
        results = await self._put(site, commands, origin)
        failed = [result for result in results if isinstance(result, Exception)]
        for failure in failed:
            if len(failed) == len(results) or isinstance(failure, (OutcomeUnknownError, UnknownSiteError)):
                raise failure
        return [_told(result) if isinstance(result, Exception) else result for result in results]

    async def rehearse(self, site: int, commands: Sequence[Command]) -> Rehearsed:
        """What commands would come to now, each after those before it. Nothing is written.

        Raises UnavailableError or UnknownSiteError.
        """
        async with self._engine.transaction() as connection:
            if self._secret is None:
                self._secret = await control.secret(connection)
            rehearsed = await rehearse_batch(
                connection, site, commands, now=self._clock(), limits=self._limits, secret=self._secret
            )
            connection.discard()
        return rehearsed

    async def close(self) -> None:
        """Stop accepting commands and finish those that are waiting."""
        self._closing = True
        for queue in self._queues.values():
            await queue.finish()

    def _put(self, site: int, commands: Sequence[Command], origin: Origin) -> asyncio.Future[list[Outcome | Exception]]:
        """Queue commands; the future completes when all are done. Cancelling it does not cancel the commands."""
        if self._closing:
            raise UnavailableError("the server is stopping")
        if self._waiting + len(commands) > self._capacity:
            raise QueueFullError
        submission = _Submission(len(commands), asyncio.get_running_loop().create_future())
        waiting = [_Waiting(site, command, submission, place, origin) for place, command in enumerate(commands)]
        self._waiting += len(waiting)
        # SQLite has one writer, so one queue serves all sites; on other engines the sites commit in parallel.
        number = 0 if self._engine.one_writer else site
        queue = self._queues.get(number)
        if queue is None:
            queue = self._queues[number] = _CommitQueue(self, self._largest_batch)
        queue.put(waiting)
        return submission.answer

    async def run(self, batch: Callable[[], list[_Waiting]]) -> None:
        """Execute one batch, formed once the write lock is held, and answer all its callers."""
        taken: list[_Waiting] = []
        try:
            await self._commit(batch, taken)
        except RejectedError as error:
            taken = taken or batch()
            unavailable.warning("retrying the commands of a batch one by one", commands=len(taken), reason=str(error))
            for item in taken:
                await self._run_alone(item)
        except UnavailableError as error:
            taken = taken or batch()  # the lock could not be acquired: fail the commands waiting for it
            _fail(taken, error)
        except Exception:
            taken = taken or batch()
            if len(taken) > 1:
                _log.warning("a batch failed; retrying its commands one by one", commands=len(taken), exc_info=True)
            for item in taken:
                await self._run_alone(item)
        finally:
            self._waiting -= len(taken)

    async def _run_alone(self, item: _Waiting) -> None:
        try:
            await self._commit(lambda: [item], [])
        except (UnavailableError, UnknownSiteError) as error:
            _fail([item], error)
        except Exception as error:
            _log.exception("a command failed", command=type(item.command).__name__, site=item.site)
            failure = CommandFailedError(type(item.command).__name__)
            failure.__cause__ = error
            _fail([item], failure)

    async def _commit(self, batch: Callable[[], list[_Waiting]], taken: list[_Waiting]) -> None:
        """Run a batch's transaction and answer its callers.

        `taken` is filled as soon as the batch is formed, even if the batch then fails. A batch that fails with a
        transient error is retried once.
        """
        started = time.perf_counter()
        try:
            outcomes = await self._transact(batch, taken)
        except TransientError as error:
            unavailable.warning("retrying a batch", reason=str(error))
            outcomes = await self._transact(batch, taken)
        self.commits += 1
        self.commands += len(taken)
        if self.on_batch is not None:
            self.on_batch(len(taken), time.perf_counter() - started)
        for items, reached in outcomes:
            for item, outcome in zip(items, reached, strict=True):
                item.settle(outcome)

    async def _transact(
        self, batch: Callable[[], list[_Waiting]], taken: list[_Waiting]
    ) -> list[tuple[list[_Waiting], list[Outcome]]]:
        """Returns the batch's commands, grouped by site, with their outcomes, once those are durable."""
        outcomes: list[tuple[list[_Waiting], list[Outcome]]] = []
        heads: dict[int, Head] = {}
        currencies: dict[int, str] = {}
        try:
            async with self._engine.transaction() as connection:
                taken.extend(() if taken else batch())
                if self._secret is None:
                    self._secret = await control.secret(connection)
                for site, items in _by_site(taken).items():
                    reached, head, currency = await commit_batch(
                        connection,
                        site,
                        [item.command for item in items],
                        now=self._clock(),
                        limits=self._limits,
                        has_outbox=self.has_outbox,
                        secret=self._secret,
                        origins=[item.origin for item in items],
                    )
                    outcomes.append((items, reached))
                    if head is not None:
                        heads[site] = head
                    if currency is not None:
                        currencies[site] = currency
                if not heads:
                    connection.discard()
        except OutcomeUnknownError as error:
            if isinstance(error, ReplacedError):
                raise  # the replaced file cannot be asked
            if not await self._happened(heads, error):
                raise TransientError(f"{error}: it did not") from error
        for site, currency in currencies.items():
            _log.info("the first amount with a currency set that of the site", site=site, currency=currency)
        return outcomes

    async def _happened(self, heads: Mapping[int, Head], doubt: OutcomeUnknownError) -> bool:
        """Whether a transaction whose reply was lost was committed, that is whether the store has its heads' tokens.

        Raises `doubt` if the store stays unavailable for SETTLE_SECONDS.
        """
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                async with self._engine.transaction() as connection:
                    happened = all([await has_happened(connection, site, head) for site, head in heads.items()])
                    if not happened:
                        connection.discard()
                # This transaction locked the heads, so its own commit makes the answer as durable, even on a standby.
                return happened
            except UnavailableError:
                if time.monotonic() > until:
                    raise doubt from None
            await asyncio.sleep(_SETTLE_PAUSE)


class _CommitQueue:
    """One sequence of commits: a queue, and a task that runs while the queue is not empty."""

    def __init__(self, ledger: Ledger, largest_batch: int) -> None:
        self._ledger = ledger
        self._largest_batch = largest_batch
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, items: list[_Waiting]) -> None:
        self._queue.extend(items)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def finish(self) -> None:
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        while self._queue:
            await self._ledger.run(self._take)

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        weight = 0
        while self._queue and len(taken) < self._largest_batch:
            weight += self._queue[0].command.weight()
            is_full = weight > self._largest_batch * _WEIGHT_OF_COMMAND
            if taken and (is_full or self._queue[0].origin.import_run != taken[0].origin.import_run):
                break
            taken.append(self._queue.popleft())
        return taken


def _told(failure: Exception) -> Outcome:
    """The outcome to report for a failed command among several."""
    return _NOT_DONE if isinstance(failure, UnavailableError) else _FAILED


def _by_site(items: list[_Waiting]) -> dict[int, list[_Waiting]]:
    if len({item.site for item in items}) == 1:
        return {items[0].site: items}
    found: dict[int, list[_Waiting]] = {}
    for item in items:
        found.setdefault(item.site, []).append(item)
    return found


def _fail(items: list[_Waiting], error: Exception) -> None:
    for item in items:
        item.settle(error)
