"""`regulars export`: customers and their history as files."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import typer
from msgspec import Struct

from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, note, show
from regulars.cli.progress import figures_bar
from regulars.cli.recording import record_command
from regulars.cli.session import chosen_site, opened, snapshot_folder
from regulars.exporting.customer_columns import ID
from regulars.exporting.export import Export, ExportKind, ExportRequest
from regulars.exporting.files import STDOUT, format_of, written
from regulars.exporting.formats import FormatName
from regulars.exporting.parquet import has_parquet
from regulars.exporting.person import read_person
from regulars.exporting.presets import PresetName
from regulars.exporting.tables import BadFieldError
from regulars.settings import Settings
from regulars.store.engine import Connection
from regulars.store.store import files_of

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="The file: .csv, .ndjson or .jsonl, also with .gz, or .parquet. Or - for standard output."
    ),
]
Question = Annotated[
    str | None,
    typer.Option("--q", metavar="QUESTION", help="Only customers who match this question, as for `regulars ask`."),
]
AudienceName = Annotated[
    str | None, typer.Option("--audience", metavar="KEY", help="Only customers of this audience, by number or key.")
]
Fields = Annotated[
    str | None, typer.Option("--fields", metavar="NAMES", help="Only these fields, separated by commas, in this order.")
]
Format = Annotated[
    FormatName | None,
    typer.Option("--format", help="The format, if the name of the file does not tell it."),
]
Excel = Annotated[
    bool, typer.Option("--excel", help="Begin a CSV file with a byte order mark, so that Excel reads it as UTF-8.")
]

Preset = Annotated[
    PresetName | None, typer.Option("--for", help="Write the columns that this system imports, as a CSV file.")
]

_NEWS_EVERY: Final = 0.1

exports: Final = typer.Typer(
    help="Export customers and their history as files, from one moment, while servers keep running."
)


class ExportSelection(Struct, frozen=True):
    """Whose data is exported: of everybody, of who matches a question, or of an audience."""

    question: str | None
    audience: str | None
    site: int | None


@exports.command()
def customers(
    file: File,
    question: Question = None,
    audience: AudienceName = None,
    fields: Fields = None,
    format: Format = None,  # noqa: A002 - the name of the option
    excel: Excel = False,
    preset: Preset = None,
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Export customers.

    NDJSON has everything that is kept of a person: identifiers, profile, attributes, ties with their times, consent
    with its evidence, bounces. `regulars import customers` restores it.

    CSV has a column for each field and each attribute, and is safe to open in a spreadsheet: a cell that would be a
    formula begins with an apostrophe, which an import takes off again.

    All customers are exported, hidden ones too, or those who match a question.

    \b
    Examples:
      regulars export customers people.ndjson.gz
      regulars export customers vip.csv --q 'tag:vip and is subscribed' --excel
      regulars export customers members.csv --for mailchimp --q 'is subscribed'
      regulars export customers - --format csv --fields email,name,attributes.plan | head
    """
    request = _request("customers", file, format, fields, excel, preset)
    _run(request, file, ExportSelection(question, audience, site), as_json=as_json, database=database)


@exports.command()
def activity(
    file: File,
    question: Question = None,
    audience: AudienceName = None,
    fields: Fields = None,
    format: Format = None,  # noqa: A002 - the name of the option
    excel: Excel = False,
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Export what happened to customers, an event a line.

    `regulars import activity` restores an NDJSON file, after that of the customers: the events count in the figures,
    such as lifetime_revenue, and nothing is counted twice. Events of deleted customers are left out.

    \b
    Examples:
      regulars export activity events.ndjson.gz
      regulars export activity purchases.csv --q 'did purchase in last 30d' --fields email,event,timestamp,details
    """
    request = _request("activity", file, format, fields, excel)
    _run(request, file, ExportSelection(question, audience, site), as_json=as_json, database=database)


@exports.command()
def logs(
    file: File,
    question: Question = None,
    audience: AudienceName = None,
    fields: Fields = None,
    format: Format = None,  # noqa: A002 - the name of the option
    excel: Excel = False,
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Export email logs, an email a line, each with its events.

    `regulars import activity` restores an NDJSON file, after those of the customers and their activity. The logs of
    deleted customers, which are kept by address, are restored too.

    \b
    Examples:
      regulars export logs emails.ndjson.gz
      regulars export logs emails.csv --audience dormant
    """
    request = _request("logs", file, format, fields, excel)
    _run(request, file, ExportSelection(question, audience, site), as_json=as_json, database=database)


@exports.command()
def consents(
    file: File,
    question: Question = None,
    audience: AudienceName = None,
    fields: Fields = None,
    format: Format = None,  # noqa: A002 - the name of the option
    excel: Excel = False,
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Export the evidence of consent: who gave or ended it when, with the source, the wording and the proof.

    The file of the customers has it too. `regulars import customers` takes an NDJSON file.

    \b
    Example:
      regulars export consents consents.csv --excel
    """
    request = _request("consents", file, format, fields, excel)
    _run(request, file, ExportSelection(question, audience, site), as_json=as_json, database=database)


@exports.command()
def person(
    who: Annotated[str, typer.Argument(metavar="ADDRESS", help="The email address or customer_id of a customer.")],
    site: SiteNumber = None,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Print everything that is kept of one person, as one JSON object: for a request for access to personal data.

    The object has the customer, the events and the emails, also those to this address if the customer was deleted.

    \b
    Example:
      regulars export person anna@example.com > anna.json
    """

    async def work() -> dict[str, Any]:
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            async with store.snapshot() as connection:
                found = await read_person(connection, chosen.id, who)
            if found is None:
                raise FailedError(f"Nothing is kept of {who}.")
            number = (found["customer"] or {}).get(ID)
            target = "customers" if number is None else f"customers/{number}"
            await record_command(store, chosen, "export person", target, "exported")
        return found

    show(asyncio.run(work()), as_json=True)


def _request(
    kind: ExportKind,
    file: str,
    given: FormatName | None,
    fields: str | None,
    excel: bool,
    preset: PresetName | None = None,
) -> ExportRequest:
    found = given or format_of(file)
    if found is None:
        raise FailedError(
            "give --format csv, ndjson or parquet: "
            + ("standard output has no name" if file == STDOUT else f"{file} tells none")
        )
    if found == "parquet" and not has_parquet():
        raise FailedError("Parquet needs pyarrow, which is not installed: pip install 'regulars[parquet]'")
    if found == "parquet" and file.endswith(".gz"):
        raise FailedError("Parquet files are compressed already: leave .gz away")
    names = None if fields is None else tuple(name.strip() for name in fields.split(",") if name.strip())
    try:
        return ExportRequest(kind=kind, format=found, fields=names, excel=excel, preset=preset)
    except BadFieldError as error:
        raise FailedError(f"{'--fields' if preset is None else '--for'}: {error}") from None


def _run(request: ExportRequest, file: str, selection: ExportSelection, *, as_json: bool, database: str) -> None:
    if any(file != STDOUT and os.path.abspath(file) == str(each) for each in files_of(database)):  # noqa: PTH100
        raise FailedError(f"{file} belongs to the database; choose another name")
    began = time.perf_counter()
    try:
        rows = asyncio.run(_write(request, file, selection, database))
    except FileExistsError:
        raise FailedError(f"{file} already exists and is no earlier export; choose another name") from None
    except BrokenPipeError:  # as with `| head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - so that nothing is flushed at exit
        return
    except OSError as error:
        raise FailedError(f"{file} cannot be written: {error.strerror}") from error
    seconds = time.perf_counter() - began
    found: dict[str, Any] = {"file": file, "format": request.format, "rows": rows, "seconds": seconds}
    if file == STDOUT:
        note(f"{rows:,} rows, {seconds:.1f} s")
    else:
        show(found, as_json=as_json)


async def _write(request: ExportRequest, file: str, selection: ExportSelection, database: str) -> int:
    async with _selected(selection, database) as (connection, site, numbers):
        export = Export(connection, site, request, numbers)
        began = shown = time.perf_counter()
        gc.set_threshold(100_000, 50, 100)  # few of the many objects are in cycles: this saves a sixth of the time
        with written(file) as stream, figures_bar(file, None if numbers is None else len(numbers)) as advance:
            async for chunk in export.chunks():
                stream.write(chunk)
                if (now := time.perf_counter()) - shown > _NEWS_EVERY:
                    shown = now
                    advance(f"{export.rows:,} rows, {export.rows / (now - began):,.0f}/s", export.rows)
        return export.rows


@asynccontextmanager
async def _selected(
    selection: ExportSelection, database: str
) -> AsyncIterator[tuple[Connection, int, Sequence[int] | None]]:
    """A snapshot, the site, and the numbers of the customers; None for all."""
    async with opened(database) as store:
        site = await chosen_site(store, selection.site)
        if selection.question is None and selection.audience is None:
            async with store.snapshot() as connection:
                yield connection, site.id, None
            return
        # The index brings NumPy along, 0.2 s that an export of everybody does not need.
        from regulars.audience.filters.catalogue import Engagement
        from regulars.cli.answering import answering, question_of

        node = question_of(selection.question, selection.audience)
        settings = Settings.from_environment()
        engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
        async with (
            answering(store, site, node, engagement, snapshot_folder(database)) as answers,
            answers.everybody() as (connection, numbers),
        ):
            yield connection, site.id, numbers
