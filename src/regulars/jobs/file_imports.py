"""The job that imports an uploaded file."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from regulars.domain.existing_fields import Existing
from regulars.domain.faults import Fault, RefusedError
from regulars.importing.columns.dates import Order
from regulars.importing.columns.mapping import MappingError, Wishes, parse_map
from regulars.importing.columns.vocabularies import CUSTOMERS, EVENTS
from regulars.importing.consent_choice import ConsentChoice
from regulars.importing.describing import understood
from regulars.importing.grouping import repeated_customers
from regulars.importing.importer import Import, Summary
from regulars.importing.inputs import Asked, Input, open_input
from regulars.importing.lines import Line
from regulars.importing.option_names import as_parameters
from regulars.importing.parsing import ImportKind, line_parser
from regulars.importing.reading.opening import UnreadableFileError
from regulars.importing.recording import Recording, origin_of_job
from regulars.importing.rejects import Rejects, rejects_of, suffix_of
from regulars.jobs.kind import FinalError, Work
from regulars.jobs.reporting import reporting
from regulars.store import control
from regulars.store.threads import off_loop
from regulars.stored_files import StoredFiles

IMPORT_FILE: Final = "import_file"
ATTEMPTS: Final = 3
REJECTS: Final = "rejects"


class ImportArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an import was asked to do. file: the name of the uploaded file; name: what the caller calls it.

    The rest is as the options of `regulars import` are.
    """

    file: str
    name: str
    kind: ImportKind = "customers"
    dry_run: bool = False
    strict: bool = False
    create: bool = False
    existing: Existing = "overwrite"
    consents: ConsentChoice = "all"
    map: str | None = None
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    newsletters: tuple[str, ...] = ()
    consent: str | None = None
    event: str | None = None
    date_order: Order | None = None
    time_zone: str = "UTC"
    null: tuple[str, ...] | None = None
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None

    def asked(self) -> Asked:
        """What is stated about the file. Raises MappingError and ZoneInfoNotFoundError."""
        vocabulary = CUSTOMERS if self.kind == "customers" else EVENTS
        shared = {"tags": self.tags, "groups": self.groups, "newsletters": self.newsletters}
        return Asked(
            encoding=self.encoding,
            delimiter=self.separator,
            sheet=self.sheet,
            targets={} if self.map is None else parse_map(self.map, vocabulary.parse),
            wishes=Wishes(
                order=self.date_order,
                zone=ZoneInfo(self.time_zone),
                nulls=None if self.null is None else frozenset(self.null),
            ),
            shared={field: list(words) for field, words in shared.items() if words},
            wording=self.consent,
            event=self.event,
        )


async def import_file(work: Work) -> dict[str, Any]:
    """Import the file, and write the refused lines to a file of the job. A repeat finds what was done unchanged."""
    given = msgspec.convert(work.job.arguments, ImportArguments)
    folder = work.context.settings.files
    if folder is None:
        raise FinalError("REGULARS_FILES_FOLDER is not set on the server that runs the import")
    stored = StoredFiles(folder)
    path = stored.uploaded(given.file)
    if not path.is_file():
        raise FinalError(
            "the uploaded file is not on the machine that runs the import; the servers must share a folder"
        )
    return await _read_and_import(work, given, stored, path)


async def _read_and_import(work: Work, given: ImportArguments, stored: StoredFiles, path: Path) -> dict[str, Any]:
    opening = open_input(str(path), given.kind, given.asked(), given.name)
    try:
        source = await off_loop(opening.__enter__)
    except (UnreadableFileError, MappingError) as error:
        raise FinalError(as_parameters(str(error))) from None
    try:
        summary, rejects, number = await _import(work, given, source, stored)
    except UnreadableFileError as error:
        raise FinalError(as_parameters(str(error))) from None
    finally:
        await off_loop(opening.__exit__, None, None, None)
    if not given.dry_run:  # that of a dry run can be imported with other options, until it is pruned
        await off_loop(stored.delete, given.file)
    tables = [understood(part, as_parameters) for part in source.parts if part.mapping is not None]
    return {"summary": msgspec.structs.asdict(summary), "tables": tables, "rejects": rejects, "number": number}


async def _import(
    work: Work, given: ImportArguments, source: Input, stored: StoredFiles
) -> tuple[Summary, str | None, int | None]:
    store, site = work.context.store, work.job.site
    assert site is not None
    async with store.snapshot() as connection:
        country = next((each.country for each in await control.list_sites(connection) if each.id == site), None)
    suffix = f"{REJECTS}.{suffix_of(source)}"
    with await off_loop(stored.create, work.job.id, suffix) as stream:
        rejects = rejects_of(source, stream)
        repeated = {} if given.kind == "activity" else await off_loop(_repeated, source)
        recording = None
        if not given.dry_run:
            origin = origin_of_job(work.job.id)
            recording = await Recording.begin(store, site, kind=given.kind, file=given.name, origin=origin)
        importer = Import(
            store,
            site,
            line_parser(
                given.kind,
                store.limits,
                strict=given.strict,
                create=given.create,
                country=country,
                existing=given.existing,
                consents=given.consents,
            ),
            dry_run=given.dry_run,
            recording=recording,
            repeated=repeated,
            on_reject=rejects.write,
            on_kept_back=partial(_list_kept_back, rejects),
            is_guest=True,
        )
        await reporting(work, importer.run(source), lambda: (source.position, source.size))
        await work.tell(source.size or source.position, source.size)
    summary = importer.summary
    has_rejects = summary.rejected + summary.kept_back > 0
    if not has_rejects:
        await off_loop(partial(stored.path(work.job.id, suffix).unlink, missing_ok=True))
    number = None if recording is None else recording.record.number
    return summary, suffix if has_rejects else None, number


def _repeated(source: Input) -> dict[int, int]:
    return asyncio.run(repeated_customers(source))


def _list_kept_back(rejects: Rejects, line: Line, kept_back: Sequence[Fault]) -> None:
    rejects.write(line, RefusedError("kept_back", kept_back))
