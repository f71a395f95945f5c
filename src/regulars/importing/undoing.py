"""The undo of an import: takes back what it did to each customer whom nobody has changed since."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from regulars.domain.commands import UndoImport
from regulars.domain.commands.undo_import import REASONS, TAKEN, UndoImports
from regulars.domain.identity import public_number
from regulars.domain.imports import SILENCE, UNDOABLE, ImportRecord
from regulars.domain.moments import now_ms
from regulars.domain.origin import Actor, Channel, ImportRun, Origin
from regulars.domain.outcome import Outcome
from regulars.importing.pacing import Pace
from regulars.store.engine import UnavailableError
from regulars.store.imports import NEWEST, changes_to_undo, save_import, undone_later
from regulars.store.store import Store

_CHUNK: Final = 500
MOST_EXAMPLES: Final = 20
"""Customers left as they are that a summary lists one by one."""


EVENTS_STAY: Final = "events are history, and others may already have acted on them"
"""Why imports of activity cannot be undone."""


class UndoError(Exception):
    """The import cannot be undone; the message is a sentence that says why."""


class Left(Struct, frozen=True):
    """A customer who was left as it is. id: the public number."""

    id: int
    reason: str


class UndoSummary(Struct, kw_only=True):
    """The result of an undo, counted in customers.

    reasons: how many were left as they are, by reason. examples: the first of them.
    """

    customers: int = 0
    deleted: int = 0
    restored: int = 0
    skipped: int = 0
    reasons: dict[str, int] = {}
    examples: list[Left] = []
    seconds: float = 0.0


def together(summaries: Sequence[UndoSummary]) -> UndoSummary:
    """The sum of several results."""
    total = UndoSummary()
    for each in summaries:
        for name in ("customers", "deleted", "restored", "skipped", "seconds"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
        for reason, count in each.reasons.items():
            total.reasons[reason] = total.reasons.get(reason, 0) + count
        total.examples = [*total.examples, *each.examples][:MOST_EXAMPLES]
    return total


def refuse_undo(record: ImportRecord, now: int) -> None:
    """Raise UndoError for an import that cannot be undone."""
    if record.kind not in UNDOABLE:
        raise UndoError(f"import {record.number} is of {record.kind}, which cannot be undone: {EVENTS_STAY}")
    if record.state_at(now) == "running":
        seconds = (now - record.seen_at) // 1_000
        raise UndoError(
            f"import {record.number} is running: it reported progress {seconds} seconds ago. Stop it first; if it was "
            f"killed, try again in {SILENCE // 1_000} seconds"
        )


def lines_done(record: ImportRecord) -> int:
    """How many lines of a file created or updated a customer."""
    summary = msgspec.json.decode(record.summary)
    return int(summary.get("created", 0) + summary.get("updated", 0))


class Undo:
    """The undo of one import. on_chunk: called after each transaction. `summary` is then accurate.

    actor: who makes the changes; None: the import.

    It may be interrupted at any time and run again. Customers whose former address another customer still has are
    tried again at the end, together, as they may have each other's.
    """

    def __init__(
        self,
        store: Store,
        site: int,
        record: ImportRecord,
        *,
        on_chunk: Callable[[], object] | None = None,
        actor: Actor | None = None,
    ) -> None:
        self.summary = UndoSummary()
        self._store = store
        self._site = site
        self._record = record
        self._on_chunk = on_chunk
        actor = actor or Actor(Channel.IMPORT, record.number)
        self._origin = Origin(actor, import_run=ImportRun(site, record.number, is_undo=True))
        self._pace = Pace(store.engine)

    async def run(self) -> UndoSummary:
        """Undo it. Raises UndoError, and the errors of Ledger.submit_all."""
        refuse_undo(self._record, now_ms())
        started, has_moved = time.perf_counter(), True
        while has_moved:
            before = self.summary
            self.summary = UndoSummary(
                customers=before.deleted + before.restored, deleted=before.deleted, restored=before.restored
            )
            await self._pass(started)
            gained = self.summary.restored + self.summary.deleted > before.restored + before.deleted
            has_moved = gained and REASONS[TAKEN] in self.summary.reasons
        if not self.summary.customers and self._record.undo is None and lines_done(self._record):
            raise UndoError(
                f"import {self._record.number} can no longer be undone: what it replaced is kept for a limited time "
                "(REGULARS_IMPORT_RETENTION_DAYS), or until the customer is deleted"
            )
        await self._note()
        return self.summary

    async def _pass(self, started: float) -> None:
        """Try every customer who is not taken back yet, newest first."""
        below, taken = NEWEST, list[UndoImport]()
        while True:
            async with self._store.snapshot() as connection:
                found = await changes_to_undo(
                    connection, self._site, self._record.number, below=below, count=self._pace.chunk_size
                )
                customers = [changes[0].customer for changes in found]
                later = await undone_later(connection, self._site, self._record.number, customers) if found else {}
            if not found:
                break
            below = customers[-1]
            commands = [UndoImport(tuple(changes), later.get(changes[0].customer, {})) for changes in found]
            outcomes = await self._store.ledger.submit_all(self._site, commands, self._origin)
            for command, outcome in zip(commands, outcomes, strict=True):
                if outcome.kept_back and outcome.kept_back[0].field == TAKEN:
                    taken.append(command)
                else:
                    self._count(command, outcome)
            await self._told(started)
        for start in range(0, len(taken), _CHUNK):
            chunk = taken[start : start + _CHUNK]
            (outcome,) = await self._store.ledger.submit_all(self._site, [UndoImports(tuple(chunk))], self._origin)
            for command, part in zip(chunk, outcome.parts or [outcome] * len(chunk), strict=True):
                self._count(command, part)
            await self._told(started)

    def _count(self, command: UndoImport, outcome: Outcome) -> None:
        if outcome.refusal is not None:
            raise UnavailableError(outcome.refusal.sentence)
        summary = self.summary
        summary.customers += 1
        if outcome.kept_back:
            reason = outcome.kept_back[0].detail
            summary.skipped += 1
            summary.reasons[reason] = summary.reasons.get(reason, 0) + 1
            if len(summary.examples) < MOST_EXAMPLES:
                summary.examples.append(Left(public_number(self._site, command.customer), reason))
        elif outcome.verdict == "deleted":
            summary.deleted += 1
        else:
            summary.restored += 1

    async def _told(self, started: float) -> None:
        self.summary.seconds = time.perf_counter() - started
        if self._on_chunk is not None:
            self._on_chunk()
        await self._pace.make_room()

    async def _note(self) -> None:
        """Record the result; that of an undo that found nothing more to do stays as it is."""
        if not (self.summary.deleted or self.summary.restored) and self._record.state == "undone":
            return
        earlier = msgspec.json.decode(self._record.undo, type=UndoSummary) if self._record.undo else UndoSummary()
        total = msgspec.structs.replace(
            self.summary,
            deleted=earlier.deleted + self.summary.deleted,
            restored=earlier.restored + self.summary.restored,
        )
        total.customers = total.deleted + total.restored + total.skipped
        self._record.state, self._record.undone_at = "undone", now_ms()
        self._record.undo = msgspec.json.encode(total).decode()
        await save_import(self._store.engine, self._site, self._record)
