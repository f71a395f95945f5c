"""The job that undoes an import of a file, or a bulk action."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from regulars.domain.origin import Actor
from regulars.importing.recording import origin_of_job
from regulars.importing.undoing import Undo, UndoError, UndoSummary, lines_done, together
from regulars.jobs.kind import FinalError, Work
from regulars.jobs.reporting import reporting
from regulars.store.imports import imports_of_origin

UNDO_IMPORT: Final = "undo_import"
UNDO_ATTEMPTS: Final = 3


class UndoArguments(Struct, frozen=True):
    """job: the number of the job that imported the file, or did the bulk action. actor: who asked; None: the import."""

    job: int
    actor: Actor | None = None


async def undo_import(work: Work) -> dict[str, Any]:
    """Undo what the job imported. A repeat finds what is undone."""
    store, site = work.context.store, work.job.site
    assert site is not None
    given = msgspec.convert(work.job.arguments, UndoArguments)
    async with store.snapshot() as connection:
        records = await imports_of_origin(connection, site, origin_of_job(given.job))
    if not records:
        raise FinalError("nothing was imported, or it was so long ago that its record is no longer kept")
    total = sum(map(lines_done, records)) or None
    found: list[UndoSummary] = []
    for record in records:
        undo = Undo(store, site, record, actor=given.actor)
        found.append(undo.summary)
        try:
            found[-1] = await reporting(work, undo.run(), partial(_progress, found, undo, total))
        except UndoError as error:
            raise FinalError(str(error)) from None
    summary = together(found)
    await work.tell(summary.customers, summary.customers)
    return cast(dict[str, Any], msgspec.to_builtins(summary))


def _progress(before: Sequence[UndoSummary], undo: Undo, total: int | None) -> tuple[int, int | None]:
    """The customers that are done, in all imports."""
    return together([*before[:-1], undo.summary]).customers, total
