"""The job that writes an export to a file, which callers download."""

import gzip
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo
from typing import Any, BinaryIO, Final, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from regulars.audience.event_sequences import TooExpensiveError
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.matching_numbers import matching_numbers
from regulars.audience.questions.expanding import expand, references_of
from regulars.audience.questions.faults import BadQuestionError
from regulars.audience.questions.json_form import read_question
from regulars.audience.questions.selecting import customers_of
from regulars.audience.questions.tree import Node
from regulars.exporting.export import Export, ExportRequest
from regulars.jobs.kind import FinalError, Work
from regulars.store.audience_reads import with_references
from regulars.store.engine import Connection
from regulars.store.following import StoreSnapshot
from regulars.store.threads import off_loop
from regulars.stored_files import StoredFiles

EXPORT: Final = "export"
"""The kind of the job."""

FILE_DAYS: Final = 7
"""How long a file is kept."""

_COMPRESSION: Final = 5
_TELL_EVERY: Final = 1.0


class ExportArguments(Struct, frozen=True, kw_only=True):
    """The arguments of the job. question: in its canonical JSON form, None for everybody. as_of: ms, None for now."""

    request: ExportRequest
    question: dict[str, Any] | None = None
    time_zone: str = "UTC"
    as_of: int | None = None


def suffix_of(request: ExportRequest) -> str:
    """How the name of the file ends."""
    return f"{request.kind}.{request.format}.gz"


async def write_export(work: Work) -> dict[str, Any]:
    """Write the file. A run after a failure begins anew, from a new snapshot."""
    job, folder = work.job, work.context.settings.files
    if folder is None:
        raise FinalError("There is no folder for files: set REGULARS_FILES_FOLDER.")
    assert job.site is not None
    arguments = msgspec.convert(job.arguments, ExportArguments)
    stored, suffix = StoredFiles(folder), suffix_of(arguments.request)
    file = stored.create(job.id, suffix)
    try:
        with file, gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as packed:
            async with _selected(work, arguments) as (connection, numbers):
                export = Export(connection, job.site, arguments.request, numbers)
                await _write(work, export, cast(BinaryIO, packed), None if numbers is None else len(numbers))
    except BaseException:
        stored.path(job.id, suffix).unlink(missing_ok=True)
        raise
    return {"rows": export.rows, "bytes": stored.path(job.id, suffix).stat().st_size}


async def _write(work: Work, export: Export, file: BinaryIO, total: int | None) -> None:
    told = time.monotonic()
    async for chunk in export.chunks():
        await off_loop(file.write, chunk)
        if time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            await work.tell(export.rows, total)
    await work.tell(export.rows, export.rows)


@asynccontextmanager
async def _selected(work: Work, arguments: ExportArguments) -> AsyncIterator[tuple[Connection, Sequence[int] | None]]:
    """A snapshot, and the numbers of the customers; None for all."""
    context, site = work.context, work.job.site
    assert site is not None
    if arguments.question is None:
        async with context.store.snapshot() as connection:
            yield connection, None
        return
    settings = context.settings
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    zone: tzinfo = UTC if arguments.time_zone == "UTC" else ZoneInfo(arguments.time_zone)
    try:
        nodes: list[Node] = [read_question(arguments.question)]
        given = nodes[0]

        async def prepare(snapshot: Any) -> None:
            audiences = await with_references(snapshot.connection, site, references_of([given]))
            nodes[0] = expand(given, audiences)

        def sets() -> list[Any]:
            at = context.clock() if arguments.as_of is None else arguments.as_of
            return [customers_of(nodes[0], Moment(at, engagement, zone))]

        async with context.audience.study(site, sets, matching_numbers, prepare=prepare) as answer:
            yield cast(StoreSnapshot, answer.snapshot).connection, answer.value
    except BadQuestionError as error:
        raise FinalError(error.faults[0].detail) from None
    except TooExpensiveError:
        raise FinalError("A sequence in the question goes through too many events; narrow it.") from None
