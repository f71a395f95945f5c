"""The import: lines through the domain's rules and the ledger, in large batches that leave room for others.

The write lock is held for at most about LONGEST_HOLD at a time. Where others are writing too, which shows in having to
wait for the lock, the import pauses for as long as it held the lock, so that it takes half of what there is.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, cast

from msgspec import Struct

from regulars.cancellation import finished
from regulars.domain.commands import Command, Reassign, RecordActivity, Upsert, UpsertGroup, is_taken, later_of
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.moments import now_ms
from regulars.domain.outcome import Outcome
from regulars.importing.grouping import group_by_customer
from regulars.importing.lines import Line
from regulars.importing.parsing import LineParser
from regulars.store.engine import UnavailableError
from regulars.store.store import Store

LARGEST_CHUNK: Final = 2_000
"""Lines of one transaction: beyond it the shared costs are negligible. The store must be opened for such batches."""

SMALLEST_CHUNK: Final = 100
LONGEST_HOLD: Final = 0.05
"""Seconds that others may have to wait for the write lock."""

_NOTICED_WAIT: Final = 0.001
_BREATH: Final = 32


class Summary(Struct, kw_only=True):
    """What an import did, in lines that are not blank.

    clamped: moments ahead of the clock, taken as now. kept_back: lines of which something was not done, as the person
    had ended it; each is also counted by what else it did. warnings: fields that were left out or rounded, by field.
    """

    lines: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    clamped: int = 0
    kept_back: int = 0
    warnings: dict[str, int] = {}
    seconds: float = 0.0
    rate: float = 0.0


LARGEST_RETRY: Final = 50_000
"""Groups of lines that are kept to be tried again at the end of the file; any further one is refused at once."""

_Judged = tuple[list[Line], Command]
"""A command, and the lines that ask for it."""


class _Refused(NamedTuple):
    """Lines of one customer of which one gives an identifier that somebody else has, and what came of them."""

    lines: list[Line]
    upserts: tuple[Upsert, ...]
    outcomes: tuple[Outcome, ...]


class Import:
    """One file on its way into one site.

    judge: made for this file. dry_run: judge every line and change nothing. recurring: what
    `grouping.repeated_customers` found in it, without which a repeat of lines that contradict each other writes them
    again, and a line is refused whose address a later one frees. on_reject: told of each refused line; on_kept_back: of
    each line of which something was kept back; on_chunk: called after each chunk. `summary` is true after each chunk,
    also when the import is cancelled: what it counts is durable, and a repeat of the whole file changes nothing of it.
    """

    def __init__(
        self,
        store: Store,
        site: int,
        judge: LineParser,
        *,
        dry_run: bool = False,
        recurring: Mapping[int, int] | None = None,
        on_reject: Callable[[Line, RefusedError], None] | None = None,
        on_kept_back: Callable[[Line, Sequence[Fault]], None] | None = None,
        on_chunk: Callable[[], object] | None = None,
    ) -> None:
        self.summary = Summary()
        self._store = store
        self._site = site
        self._judge = judge
        self._dry_run = dry_run
        self._recurring = recurring or {}
        self._tries_again = recurring is not None
        self._refused: list[_Refused] = []
        self._on_reject = on_reject
        self._on_kept_back = on_kept_back
        self._on_chunk = on_chunk
        self._chunk = LARGEST_CHUNK

    async def run(self, lines: Iterable[Line]) -> Summary:
        """Take all lines in, in their order. Raises what Ledger.submit does and what reading the lines raises."""
        started = time.perf_counter()
        rest = group_by_customer(lines, self._recurring)
        commit: asyncio.Task[None] | None = None
        with _rare_collections():
            try:
                while chunk := _taken(rest, self._chunk):
                    judged = await self._judged(chunk)
                    if commit is not None:
                        await asyncio.shield(commit)
                    commit = asyncio.create_task(self._commit(sum(map(len, chunk)), judged, started))
            finally:
                # Also when cancelled: what is under way becomes durable, and must be counted.
                if commit is not None:
                    await finished(commit)
                    commit = None
            try:
                await self._try_again(started)
            finally:
                for lines, _, outcomes in self._refused:
                    self._count(lines, outcomes)
                self._refused = []
        return self.summary

    async def _judged(self, chunk: list[list[Line]]) -> list[_Judged]:
        """Commands, each with its lines; judged in breaths, while the chunk before is committed."""
        now = now_ms()
        found: list[_Judged] = []
        for place, group in enumerate(chunk):
            if place % _BREATH == 0:
                await asyncio.sleep(0)
            lines: list[Line] = []
            commands: list[Upsert | RecordActivity] = []
            for line in group:
                try:
                    command = self._judge.judge(line.raw, now)
                except RefusedError as refusal:
                    self._reject(line, refusal)
                else:
                    commands.append(command)
                    lines.append(line)
                    self._note_warnings(command)
            if len(commands) == 1:
                found.append((lines, commands[0]))
            elif commands:
                found.append((lines, UpsertGroup(cast(tuple[Upsert, ...], tuple(commands)))))  # activities stand alone
        return found

    async def _commit(self, count: int, judged: list[_Judged], started: float) -> None:
        if judged and not self._dry_run:
            outcomes = await self._store.ledger.submit_all(self._site, [command for _, command in judged])
            for outcome in outcomes:
                if outcome.refusal is not None and outcome.refusal.code == "unavailable":
                    raise UnavailableError(outcome.refusal.sentence)
            for (lines, command), outcome in zip(judged, outcomes, strict=True):
                upserts = _upserts(command) if self._tries_again and is_taken(outcome) else ()
                if upserts and len(self._refused) < LARGEST_RETRY:
                    self._refused.append(_Refused(lines, upserts, outcome.parts or (outcome,)))
                else:
                    self._count(lines, outcome.parts or [outcome] * len(lines))
            await self._make_room()
        summary = self.summary
        summary.lines += count
        summary.clamped = self._judge.clamped
        self._time(started)
        if self._on_chunk is not None:
            self._on_chunk()

    async def _try_again(self, started: float) -> None:
        """Carry out once more what was refused for an identifier that is free by now, until nothing more comes of it.

        A group is carried out as a whole, so that the last word on each of its fields stays the last.
        """
        has_moved = True
        while self._refused and has_moved:
            has_moved, waiting, self._refused = False, self._refused, []
            while waiting:
                chunk, waiting = waiting[: self._chunk], waiting[self._chunk :]
                try:
                    (outcome,) = await self._store.ledger.submit_all(
                        self._site, [Reassign(tuple(refused.upserts for refused in chunk))]
                    )
                    if outcome.refusal is not None:
                        raise UnavailableError(outcome.refusal.sentence)
                except BaseException:
                    self._refused += [*chunk, *waiting]
                    raise
                parts = iter(outcome.parts)
                for lines, upserts, before in chunk:
                    outcomes = tuple(later_of(first, next(parts)) for first in before)
                    if any(map(is_taken, outcomes)):
                        has_moved = has_moved or sum(map(is_taken, outcomes)) < sum(map(is_taken, before))
                        self._refused.append(_Refused(lines, upserts, outcomes))
                    else:
                        has_moved = True
                        self._count(lines, outcomes)
                await self._make_room()
        self._time(started)

    def _time(self, started: float) -> None:
        self.summary.seconds = time.perf_counter() - started
        self.summary.rate = self.summary.lines / self.summary.seconds

    def _count(self, lines: list[Line], outcomes: Iterable[Outcome]) -> None:
        summary = self.summary
        for line, outcome in zip(lines, outcomes, strict=True):
            if outcome.kept_back:
                summary.kept_back += 1
                if self._on_kept_back is not None:
                    self._on_kept_back(line, outcome.kept_back)
            if outcome.refusal is not None:
                self._reject(line, outcome.refusal)
            elif outcome.verdict == "unchanged":
                summary.unchanged += 1
            elif outcome.verdict == "created":
                summary.created += 1
            else:
                summary.updated += 1

    def _note_warnings(self, command: Upsert | RecordActivity) -> None:
        profile = command.profile if isinstance(command, Upsert) else command.activity.profile
        for warning in () if profile is None else profile.warnings:
            self.summary.warnings[warning.field] = self.summary.warnings.get(warning.field, 0) + 1

    def _reject(self, line: Line, refusal: RefusedError) -> None:
        self.summary.rejected += 1
        if self._on_reject is not None:
            self._on_reject(line, refusal)

    async def _make_room(self) -> None:
        """Fit the next chunk into LONGEST_HOLD, and pause where others wait for the lock too."""
        held = self._store.engine.last_hold
        if held > LONGEST_HOLD:
            self._chunk = max(SMALLEST_CHUNK, int(self._chunk * LONGEST_HOLD / held))
        elif held < LONGEST_HOLD / 2:
            self._chunk = min(LARGEST_CHUNK, self._chunk + self._chunk // 4)
        if self._store.engine.last_wait > _NOTICED_WAIT:
            await asyncio.sleep(held)


def _upserts(command: Command) -> tuple[Upsert, ...]:
    if isinstance(command, UpsertGroup):
        return command.upserts
    return (command,) if isinstance(command, Upsert) else ()


def _taken(groups: Iterator[list[Line]], count: int) -> list[list[Line]]:
    """The next groups, until they have so many lines."""
    taken: list[list[Line]] = []
    for group in groups:
        taken.append(group)
        count -= len(group)
        if count <= 0:
            break
    return taken


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cycles of garbage seldom: all of a chunk's objects live until its commit, and few are in a cycle.

    It saves a fifth of the time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
