"""The record of a running import: it tells how far the import has come, and afterwards how it ended."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from regulars.domain.imports import UNDOABLE, ImportRecord, State
from regulars.domain.moments import now_ms
from regulars.domain.origin import Actor, Channel, ImportRun, Origin
from regulars.store.imports import begin_import, save_import
from regulars.store.store import Store

INTERVAL: Final = 5_000
"""How often a running import stores its figures, in milliseconds."""


COMMAND_LINE: Final = "command line"
"""The origin of imports by `regulars import`."""


def origin_of_job(number: int) -> str:
    """The origin of imports by a job: several, if it was interrupted and started again."""
    return f"job {number}"


class Recording:
    """The record of one import. origin: of its commands; what those of an import of customers change is kept.

    actor: who makes the changes; None: the import.
    """

    def __init__(
        self,
        store: Store,
        site: int,
        record: ImportRecord,
        clock: Callable[[], int] = now_ms,
        actor: Actor | None = None,
    ) -> None:
        self.record = record
        self.origin = Origin(
            actor or Actor(Channel.IMPORT, record.number),
            import_run=ImportRun(site, record.number) if record.kind in UNDOABLE else None,
        )
        self._store = store
        self._site = site
        self._clock = clock

    @classmethod
    async def begin(cls, store: Store, site: int, *, kind: str, file: str, origin: str) -> "Recording":
        """Record a new import."""
        made = await begin_import(store.engine, site, kind=kind, file=file, origin=origin, now=now_ms())
        return cls(store, site, made)

    async def progress(self, summary: Any) -> None:
        """Store the figures, if they have not been stored for INTERVAL."""
        if self._clock() - self.record.seen_at >= INTERVAL:
            await self._save("running", summary)

    async def end(self, state: State, summary: Any) -> None:
        """Store how the import ended."""
        self.record.finished_at = self._clock()
        await self._save(state, summary)

    async def _save(self, state: State, summary: Any) -> None:
        self.record.state, self.record.seen_at = state, self._clock()
        self.record.summary = msgspec.json.encode(summary).decode()
        await save_import(self._store.engine, self._site, self.record)
