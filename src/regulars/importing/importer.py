"""The import: submits lines to the ledger in large batches, without starving other writers (see `pacing`)."""

import asyncio
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import Struct

from regulars.cancellation import finished
from regulars.domain.commands import (
    Command,
    Handover,
    LastNames,
    Reassign,
    RecordActivity,
    Upsert,
    UpsertGroup,
    handovers,
    is_taken,
    later_of,
)
from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.imports import State
from regulars.domain.moments import now_ms
from regulars.domain.origin import Actor, Channel, Origin
from regulars.domain.outcome import Outcome
from regulars.importing.grouping import group_by_customer
from regulars.importing.lines import Line
from regulars.importing.pacing import Pace
from regulars.importing.parsing import ImportCommand, LineParser, warnings_of
from regulars.importing.reading.opening import NOTHING, UnreadableFileError
from regulars.importing.recording import Recording
from regulars.importing.rehearsal import Rehearsal
from regulars.store.engine import UnavailableError
from regulars.store.store import Store
from regulars.store.threads import off_loop

_UNRECORDED: Final = Origin(Actor(Channel.IMPORT))
_BREATH: Final = 32

MOST_EXAMPLES: Final = 20
"""Warnings that a summary lists one by one."""

MOST_REASONS: Final = 20
"""Reasons of refusals that a summary tells apart."""

OTHER_REASONS: Final = "other reasons"

_LONGEST_VALUE: Final = 200


class LineWarning(Struct, frozen=True):
    """A field of a line that was not taken as it was given: what it is now (None: it was left out), and why."""

    line: int
    field: str
    given: Any
    taken: Any
    detail: str


class Summary(Struct, kw_only=True):
    """The result of an import, counted in non-blank lines.

    clamped: times ahead of the clock, which were set to now. kept_back: lines applied only in part, because the person
    had ended a consent or subscription; each is also counted under its other result. ignored: events of customers who
    were deleted. anonymous: events that wait for their cookie or device to be named with a customer. warnings: how many
    values were left out, rounded or not counted, by field. examples: the first of them. reasons: how many lines were
    refused, by reason.
    """

    lines: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    clamped: int = 0
    kept_back: int = 0
    ignored: int = 0
    anonymous: int = 0
    warnings: dict[str, int] = {}
    examples: list[LineWarning] = []
    reasons: dict[str, int] = {}
    seconds: float = 0.0
    rate: float = 0.0


LARGEST_RETRY: Final = 50_000
"""Limit on groups of lines kept for a retry at the end of the file; any further ones are refused immediately."""

_Parsed = tuple[list[Line], Command]
"""A command, and the lines that it comes from."""


class _Refused(NamedTuple):
    """Lines of one customer, one of which has another customer's identifier, and their outcomes."""

    lines: list[Line]
    commands: tuple[Handover, ...]
    outcomes: tuple[Outcome, ...]


class Import:
    """The import of one file into one site.

    parser: created for this file. dry_run: carry out all lines without storing anything. recording: keeps
    what is changed, so that the import can be undone, and how it goes. repeated: the result
    of `grouping.repeated_customers`; without it, re-importing contradictory lines writes them again, and a line is
    refused even if a later line frees its address. on_reject: called for each refused line. on_kept_back: called for
    each line applied only in part. on_chunk: called after each chunk. is_guest: the process serves others, so lines
    are read on a thread. `summary` is accurate after each chunk, even if
    the import is cancelled: what it counts is durable, and re-importing the whole file does not change it.
    """

    def __init__(
        self,
        store: Store,
        site: int,
        parser: LineParser,
        *,
        dry_run: bool = False,
        recording: Recording | None = None,
        repeated: Mapping[int, int] | None = None,
        on_reject: Callable[[Line, RefusedError], None] | None = None,
        on_kept_back: Callable[[Line, Sequence[Fault]], None] | None = None,
        on_chunk: Callable[[], object] | None = None,
        is_guest: bool = False,
    ) -> None:
        self.summary = Summary()
        self._store = store
        self._site = site
        self._parser = parser
        self._rehearsal = Rehearsal(store.ledger, site) if dry_run else None
        self._recording = recording
        self._repeated = repeated or {}
        self._tries_again = repeated is not None
        self._refused: list[_Refused] = []
        self._unknown: list[tuple[_Parsed, Outcome]] = []
        self._last_names = LastNames()
        self._on_reject = on_reject
        self._on_kept_back = on_kept_back
        self._on_chunk = on_chunk
        self._is_guest = is_guest
        self.pace = Pace(store.engine)

    async def run(self, lines: Iterable[Line]) -> Summary:
        """Import all lines in order. Raises the errors of Ledger.submit and of reading the lines."""
        try:
            await self._run(lines)
        except UnreadableFileError as error:
            error.taken = self._taken()
            await self._stopped()
            raise
        except BaseException:
            await self._stopped()
            raise
        await self._end("done")
        return self.summary

    def _taken(self) -> str:
        """What was imported before the file could not be read on."""
        taken = 0 if self._rehearsal is not None else self.summary.lines
        return f"{taken:,} lines before that were imported and stay" if taken else NOTHING

    async def _stopped(self) -> None:
        with suppress(UnavailableError):
            await self._end("stopped")

    async def _end(self, state: State) -> None:
        if self._recording is not None:
            await finished(asyncio.create_task(self._recording.end(state, self.summary)))

    async def _run(self, lines: Iterable[Line]) -> None:
        started = time.perf_counter()
        rest = group_by_customer(lines, self._repeated)
        commit: asyncio.Task[None] | None = None
        with nullcontext() if self._is_guest else _rare_collections():
            try:
                while chunk := await self._next(rest):
                    parsed = await self._parsed(chunk)
                    if commit is not None:
                        await asyncio.shield(commit)
                    commit = asyncio.create_task(self._commit(sum(map(len, chunk)), parsed, started))
            finally:
                # Even if cancelled, the running commit becomes durable and must be counted.
                if commit is not None:
                    await finished(commit)
                    commit = None
            try:
                await self._try_again(started)
                await self._find_again(started)
            finally:
                for refused, _, outcomes in self._refused:
                    self._count(refused, outcomes)
                for (waiting, _), outcome in self._unknown:
                    self._count(waiting, [outcome])
                self._refused, self._unknown = [], []

    async def _next(self, rest: Iterator[list[Line]]) -> list[list[Line]]:
        if self._is_guest:
            return await off_loop(_taken, rest, self.pace.chunk_size)
        return _taken(rest, self.pace.chunk_size)

    async def _parsed(self, chunk: list[list[Line]]) -> list[_Parsed]:
        """Parse lines into commands while the previous chunk commits, yielding to the event loop regularly."""
        now = now_ms()
        found: list[_Parsed] = []
        for place, group in enumerate(chunk):
            if place % _BREATH == 0:
                await asyncio.sleep(0)
            lines: list[Line] = []
            commands: list[ImportCommand] = []
            for line in group:
                if line.record is not None and line.record.refusal is not None:
                    self._reject(line, line.record.refusal)
                    continue
                try:
                    command = self._parser.parse(line.raw, now)
                except RefusedError as refusal:
                    self._reject(line, refusal)
                else:
                    commands.append(command)
                    lines.append(line)
                    self._note_warnings(line, command)
            if len(commands) == 1:
                found.append((lines, commands[0]))
            elif commands:
                found.append((lines, UpsertGroup(cast(tuple[Upsert, ...], tuple(commands)))))  # activities stand alone
        return found

    async def _commit(self, count: int, parsed: list[_Parsed], started: float) -> None:
        if parsed:
            outcomes = await self._outcomes([command for _, command in parsed])
            for outcome in outcomes:
                if outcome.refusal is not None and outcome.refusal.code == "unavailable":
                    raise UnavailableError(outcome.refusal.sentence)
            for (lines, command), outcome in zip(parsed, outcomes, strict=True):
                refused = handovers(command) if self._tries_again and is_taken(outcome) else ()
                if refused and len(self._refused) < LARGEST_RETRY:
                    self._refused.append(_Refused(lines, refused, outcome.parts or (outcome,)))
                elif self._tries_again and _is_unknown(command, outcome) and len(self._unknown) < LARGEST_RETRY:
                    self._unknown.append(((lines, command), outcome))
                else:
                    if self._refused and outcome.refusal is None:
                        self._last_names.note(command, lines[-1].number)
                    self._count(lines, outcome.parts or [outcome] * len(lines))
            await self.pace.make_room()
        summary = self.summary
        summary.lines += count
        summary.clamped = self._parser.clamped
        self._time(started)
        if self._on_chunk is not None:
            self._on_chunk()
        if self._recording is not None:
            await self._recording.progress(summary)

    async def _outcomes(self, commands: Sequence[Command]) -> list[Outcome]:
        ledger = self._store.ledger
        if self._rehearsal is not None:
            return await self._rehearsal.outcomes(commands)
        origin = _UNRECORDED if self._recording is None else self._recording.origin
        return await ledger.submit_all(self._site, commands, origin)

    async def _try_again(self, started: float) -> None:
        """Retry lines refused because of an identifier that may be free by now, until there is no more progress.

        A group is retried as a whole, so that the last line still decides each of its fields.
        """
        refused, self._refused = self._refused, []
        for each in refused:
            if self._last_names.outdates(each.commands[-1], each.lines[-1].number):
                self._count(each.lines, each.outcomes)
            else:
                self._refused.append(each)
        has_moved = True
        while self._refused and has_moved:
            has_moved, waiting, self._refused = False, self._refused, []
            while waiting:
                chunk, waiting = waiting[: self.pace.chunk_size], waiting[self.pace.chunk_size :]
                try:
                    (outcome,) = await self._outcomes([Reassign(tuple(refused.commands for refused in chunk))])
                    if outcome.refusal is not None:
                        raise UnavailableError(outcome.refusal.sentence)
                except BaseException:
                    self._refused += [*chunk, *waiting]
                    raise
                parts = iter(outcome.parts)
                for lines, commands, before in chunk:
                    outcomes = tuple(later_of(first, next(parts)) for first in before)
                    if any(map(is_taken, outcomes)):
                        has_moved = has_moved or sum(map(is_taken, outcomes)) < sum(map(is_taken, before))
                        self._refused.append(_Refused(lines, commands, outcomes))
                    else:
                        has_moved = True
                        self._count(lines, outcomes)
                await self.pace.make_room()
        self._time(started)

    async def _find_again(self, started: float) -> None:
        """Retry events of customers who were unknown: a later line may have named them."""
        while self._unknown:
            chunk = self._unknown[: self.pace.chunk_size]
            outcomes = await self._outcomes([command for (_, command), _ in chunk])
            if any(each.refusal is not None and each.refusal.code == "unavailable" for each in outcomes):
                raise UnavailableError("the database is unavailable")
            del self._unknown[: len(chunk)]
            for ((lines, _), _), outcome in zip(chunk, outcomes, strict=True):
                self._count(lines, [outcome])
            await self.pace.make_room()
        self._time(started)

    def _time(self, started: float) -> None:
        self.summary.seconds = time.perf_counter() - started
        self.summary.rate = self.summary.lines / self.summary.seconds

    def _count(self, lines: list[Line], outcomes: Iterable[Outcome]) -> None:
        summary = self.summary
        for line, outcome in zip(lines, outcomes, strict=True):
            for warning in outcome.warnings:
                self._warn(line, warning)
            if outcome.kept_back:
                summary.kept_back += 1
                if self._on_kept_back is not None:
                    self._on_kept_back(line, outcome.kept_back)
            if outcome.refusal is not None:
                self._reject(line, outcome.refusal)
            elif outcome.verdict == "ignored":
                summary.ignored += 1
            elif outcome.verdict == "anonymous":
                summary.anonymous += 1
            elif outcome.verdict == "unchanged":
                summary.unchanged += 1
            elif outcome.verdict == "created":
                summary.created += 1
            else:
                summary.updated += 1

    def _note_warnings(self, line: Line, command: ImportCommand) -> None:
        for warning in () if line.record is None else line.record.warnings:
            self._warn(line, warning)
        for warning in warnings_of(command):
            self._warn(line, warning)

    def _warn(self, line: Line, warning: FieldWarning) -> None:
        summary = self.summary
        summary.warnings[warning.field] = summary.warnings.get(warning.field, 0) + 1
        if len(summary.examples) < MOST_EXAMPLES:
            given, taken = _shortened(warning.given), _shortened(warning.taken)
            summary.examples.append(LineWarning(line.place, warning.field, given, taken, warning.detail))

    def _reject(self, line: Line, refusal: RefusedError) -> None:
        summary = self.summary
        summary.rejected += 1
        reason = refusal.sentence
        if reason not in summary.reasons and len(summary.reasons) >= MOST_REASONS:
            reason = OTHER_REASONS
        summary.reasons[reason] = summary.reasons.get(reason, 0) + 1
        if self._on_reject is not None:
            self._on_reject(line, refusal)


def _is_unknown(command: Command, outcome: Outcome) -> bool:
    """Whether an event was refused because there is no such customer."""
    is_event = isinstance(command, RecordActivity)
    return is_event and outcome.refusal is not None and outcome.refusal.code == "customer_not_found"


def _shortened(value: Any) -> Any:
    """A value as a summary shows it: as it is, or the beginning of a long one as text."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return value if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _taken(groups: Iterator[list[Line]], count: int) -> list[list[Line]]:
    """Take the next groups until they have the given number of lines."""
    taken: list[list[Line]] = []
    for group in groups:
        taken.append(group)
        count -= len(group)
        if count <= 0:
            break
    return taken


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Run the cyclic garbage collector rarely, as a chunk's objects live until its commit and few are in cycles.

    This saves a fifth of the time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
