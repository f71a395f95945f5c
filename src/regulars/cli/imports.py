"""`regulars import`: the commands around an import, with its preview, progress, reject file and summary."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer
from msgspec import Struct

from regulars.cli.import_options import (
    Consents,
    DateOrder,
    DryRun,
    Encoding,
    File,
    Map,
    RejectFile,
    Resume,
    Separator,
    Sheet,
    Strict,
    TimeZone,
    WriteMap,
)
from regulars.cli.import_preview import printable, show_understood
from regulars.cli.import_records import records
from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, PartlyDoneError, note, show
from regulars.cli.progress import figures_bar, progress_bar
from regulars.cli.recording import record_command
from regulars.cli.rejects import reject_file
from regulars.cli.session import chosen_site, opened
from regulars.domain.existing_fields import Existing
from regulars.domain.faults import Fault, RefusedError
from regulars.importing.columns.mapping import MappingError, Wishes, parse_map, parse_toml, write_toml
from regulars.importing.columns.vocabularies import CUSTOMERS, EVENTS, Vocabulary
from regulars.importing.consent_choice import ConsentChoice
from regulars.importing.describing import understood
from regulars.importing.grouping import repeated_customers
from regulars.importing.importer import Import, Summary
from regulars.importing.inputs import Asked, Input, OptionError, open_input
from regulars.importing.lines import Line
from regulars.importing.pacing import LARGEST_CHUNK
from regulars.importing.parsing import ImportKind, line_parser
from regulars.importing.reading.opening import UnreadableFileError
from regulars.importing.recording import COMMAND_LINE, Recording
from regulars.importing.rejects import Rejects

_HELP = """Import customers or activity from a file, with the rules of the API."""

_COMMON_HELP = """FILE may be compressed with gzip, or a ZIP archive of such files; - reads standard input. Imports
can run while a server does.

A line that breaks a rule is refused on its own; --rejects collects these lines with the reason, in a form that can be
corrected and imported. The exit code is 0 if all lines were imported, 3 if some were refused, and 1 if all were refused
or the import failed.

Re-importing the same file is a no-op, so to continue an interrupted import, run it again. `regulars import undo` takes
an import of customers back."""

_CUSTOMERS_HELP = f"""Import customers from a file.

FILE is a table (CSV, TSV, with semicolons, XLSX) with the names of the columns in its first row, or JSON in the format
of POST /customers, one object per line or in an array. {_COMMON_HELP}

Table columns are recognized by their names, in several languages. Exports of Shopify, Mailchimp, HubSpot, Klaviyo,
Kajabi, Stripe, Salesforce, listmonk, Mautic, Brevo, Kit, ActiveCampaign and WooCommerce are recognized as a whole. The
result is shown before the import starts; --map overrides it. Other columns become attributes. Empty cells are ignored.

Consent comes only from a column for it, or from --consent. A file never restores a consent or newsletter
that the person ended, unless it shows a later date. The rest of such a line is imported; it is counted as kept_back
and listed by --rejects.

Contradicting lines about one customer are applied together and leave one result. Customers identified by customer_id or
uuid may swap email addresses, or take one that a later line frees. Standard input can be read only once, so JSON lines
from it are applied one by one.

\b
Examples:
  regulars import customers people.csv --dry-run
  regulars import customers people.csv --map "E-Mail=email,Plan=attribute:plan" --tag spring
  regulars import customers customers_export.zip --rejects refused.csv
  zcat old.ndjson.gz | regulars import customers -
"""

_ACTIVITY_HELP = f"""Import activity from a file.

FILE has one JSON object per line, in the format of POST /event, or an array of them; or it is a table with one event in
each row; or it is an export of orders of Shopify or WooCommerce, or of payments of Stripe: each paid order becomes a
purchase, and what was paid back a refund. {_COMMON_HELP}

An event for an unknown customer creates the customer if it has an email. With only a customer_id it is refused, unless
a later line names the customer or --create is set.

\b
Examples:
  regulars import activity 2026-01.ndjson.gz --rejects refused.ndjson
  regulars import activity orders_export.csv --dry-run
  regulars import activity visits.csv --event visit --map "Wann=timestamp"
"""

imports = typer.Typer(help=_HELP, rich_markup_mode=None)
imports.add_typer(records)


class ImportJob(Struct, kw_only=True):
    """What one import was asked to do."""

    kind: ImportKind
    file: str
    database: str
    site: int | None = None
    rejects: Path | None = None
    dry_run: bool = False
    strict: bool = False
    create: bool = False
    existing: Existing = "overwrite"
    consents: ConsentChoice = "all"
    as_json: bool = False
    asked: Asked = Asked()
    write_map: Path | None = None


@imports.command("customers", help=_CUSTOMERS_HELP, short_help="Import customers from a table or JSON.")
def import_customers(
    file: File,
    site: SiteNumber = None,
    map_: Map = None,
    write_map: WriteMap = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Add this tag to everybody in the file.")] = None,
    list_: Annotated[
        list[str] | None, typer.Option("--list", metavar="KEY", help="Add everybody to this newsletter.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Add everybody to this group.")] = None,
    consent: Annotated[
        str | None, typer.Option(metavar="WORDING", help="Everybody in the file agreed to this wording.")
    ] = None,
    date_order: DateOrder = None,
    time_zone: TimeZone = "UTC",
    null: Annotated[
        str | None, typer.Option(metavar="WORD,...", help=r"Cells that mean no value. [default: NULL, \N, #N/A]")
    ] = None,
    encoding: Encoding = None,
    separator: Separator = None,
    sheet: Sheet = None,
    existing: Annotated[
        Existing,
        typer.Option(
            help="What to do with customers who exist: overwrite their fields, fill the empty ones, or skip them."
        ),
    ] = "overwrite",
    consents: Consents = "all",
    rejects: RejectFile = None,
    dry_run: DryRun = False,
    strict: Strict = False,
    resume: Resume = False,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Run `regulars import customers`."""
    if consent is not None and consents != "all":
        raise FailedError(f"--consent gives consent, which --consents {consents} leaves out: use one of them")
    shared = {"tags": tag, "groups": group, "newsletters": list_}
    nulls = None if null is None else frozenset(null.split(","))
    try:
        asked = Asked(
            encoding=encoding,
            delimiter=_sign(separator),
            sheet=sheet,
            targets=_targets(map_, CUSTOMERS),
            wishes=Wishes(order=date_order, zone=_zone(time_zone), nulls=nulls),
            shared={field: words for field, words in shared.items() if words},
            wording=consent,
        )
    except OptionError as error:
        raise FailedError(f"--{_OPTIONS.get(error.option, error.option)}: {error}") from None
    _run(
        ImportJob(
            kind="customers", file=file, site=site, rejects=rejects, dry_run=dry_run, strict=strict, database=database,
            as_json=as_json, asked=asked, write_map=write_map, existing=existing,
            consents=consents,
        )
    )  # fmt: skip


@imports.command("activity", help=_ACTIVITY_HELP, short_help="Import events.")
def import_activity(
    file: File,
    site: SiteNumber = None,
    rejects: RejectFile = None,
    dry_run: DryRun = False,
    strict: Strict = False,
    resume: Resume = False,
    create: Annotated[
        bool, typer.Option("--create", help="Also create customers that are known only by customer_id.")
    ] = False,
    event: Annotated[
        str | None, typer.Option(metavar="NAME", help="The event of a table that has no column for it.")
    ] = None,
    map_: Map = None,
    write_map: WriteMap = None,
    date_order: DateOrder = None,
    time_zone: TimeZone = "UTC",
    encoding: Encoding = None,
    separator: Separator = None,
    sheet: Sheet = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Run `regulars import activity`."""
    asked = Asked(
        encoding=encoding,
        delimiter=_sign(separator),
        sheet=sheet,
        targets=_targets(map_, EVENTS),
        wishes=Wishes(order=date_order, zone=_zone(time_zone)),
        event=event,
    )
    _run(
        ImportJob(
            kind="activity", file=file, site=site, rejects=rejects, dry_run=dry_run, strict=strict, database=database,
            as_json=as_json, asked=asked, create=create, write_map=write_map,
        )
    )  # fmt: skip


_OPTIONS = {"tags": "tag", "groups": "group", "newsletters": "list"}


def _sign(separator: str | None) -> str | None:
    return "\t" if separator in ("tab", "\\t") else separator


def _targets(text: str | None, vocabulary: Vocabulary) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        if "=" not in text or text.endswith(".toml"):
            return dict(parse_toml(Path(text).read_text(), vocabulary.parse))
        return dict(parse_map(text, vocabulary.parse))
    except (OSError, UnicodeDecodeError) as error:
        raise FailedError(f"--map: {text} cannot be read: {error}") from error
    except MappingError as error:
        raise FailedError(f"--map: {error}") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FailedError(f"--time-zone: there is no time zone {name!r}; use a name such as Europe/Berlin") from None


def _run(job: ImportJob) -> None:
    try:
        summary = asyncio.run(carry_out(job))
    except KeyboardInterrupt:
        if not job.dry_run:
            note("stopped; imported lines stay. Run the same command again to continue")
        raise
    except MappingError as error:
        raise FailedError(str(error)) from error
    except UnreadableFileError as error:
        raise FailedError(str(error)) from error
    if summary is None:
        return
    done, tables, number = summary
    _tell(done, tables, number, as_json=job.as_json)
    if number is not None and job.kind == "customers" and (done.created or done.updated) and not job.as_json:
        note(f"this was import {number}; `regulars import undo {number}` takes it back")
    _conclude(done, job.rejects)


def _conclude(summary: Summary, rejects: Path | None) -> None:
    if not summary.lines:
        note("the file has no records")
    if summary.kept_back:
        where = f"see {rejects}" if rejects else "--rejects FILE lists them"
        note(f"{summary.kept_back} lines did not restore a consent or newsletter that had ended: {where}")
    if summary.rejected:
        where = f"see {rejects}" if rejects else "run it again with --rejects FILE to see them"
        if summary.rejected == summary.lines:
            raise FailedError(f"every line was refused, {summary.lines} of {summary.lines}: {where}")
        raise PartlyDoneError(f"{summary.rejected} of {summary.lines} lines were refused: {where}")


def _tell(summary: Summary, source: list[dict[str, Any]], number: int | None, *, as_json: bool) -> None:
    """Print the figures and the examples of warnings. number: of the import, None for a dry run."""
    kind = {"dry_run": True} if number is None else {"import": number}
    figures: dict[str, Any] = {**msgspec.structs.asdict(summary), **kind}
    if as_json:
        show({**figures, **({"tables": source} if source else {})}, as_json=True)
        return
    counts = figures["warnings"] = [f"{field}: {count:,}" for field, count in sorted(summary.warnings.items())]
    figures.pop("examples")
    reasons = figures.pop("reasons")
    show(figures, as_json=False)
    for reason, count in sorted(reasons.items(), key=lambda each: -each[1]):
        note(printable(f"{count:,} refused: {reason}"))
    for each in summary.examples:
        taken = "left out" if each.taken is None else f"taken as {each.taken!r}"
        note(f"line {each.line}: {each.field} {each.given!r} was {taken}: {each.detail}")
    if sum(summary.warnings.values()) > len(summary.examples):
        note(f"these are the first warnings; in all there were: {', '.join(counts)}")


async def carry_out(job: ImportJob) -> tuple[Summary, list[dict[str, Any]], int | None] | None:
    """Import the file. Returns the figures, what was understood of its tables, and the number of the import.

    Returns None if only the map was wanted.
    """
    async with opened(job.database, largest_batch=LARGEST_CHUNK) as store:
        chosen = await chosen_site(store, job.site)
        with open_input(job.file, job.kind, job.asked) as source:
            tables = [understood(part) for part in source.parts if part.mapping is not None]
            if not job.as_json:
                show_understood(source)
            if job.write_map is not None:
                _write_map(job.write_map, source)
                return None
            with reject_file(job.rejects, job.file, job.database, source) as refused:
                parser = line_parser(
                    job.kind,
                    store.limits,
                    strict=job.strict,
                    create=job.create,
                    country=chosen.country,
                    existing=job.existing,
                    consents=job.consents,
                )
                found: dict[int, int] | None = None
                if job.kind == "activity":
                    found = {}  # an event is known by its content, wherever it stands
                elif source.is_repeatable:
                    found = await _repeated(source)
                recording = None
                if not job.dry_run:
                    recording = await Recording.begin(
                        store, chosen.id, kind=job.kind, file=source.name, origin=COMMAND_LINE
                    )
                    await record_command(store, chosen, "import", f"imports/{recording.record.number}", "created")
                with progress_bar(source.name, source.size) as advance:
                    work = Import(
                        store,
                        chosen.id,
                        parser,
                        dry_run=job.dry_run,
                        recording=recording,
                        repeated=found,
                        on_reject=None if refused is None else refused.write,
                        on_kept_back=None if refused is None else partial(_list_kept_back, refused),
                        on_chunk=lambda: advance(work.summary, source.position),
                    )
                    return await work.run(source), tables, None if recording is None else recording.record.number


async def _repeated(source: Input) -> dict[int, int]:
    with figures_bar(f"{source.name}, reading", source.size) as show_figures:
        return await repeated_customers(source, lambda count: show_figures(f"{count:,} lines", source.position))


def _write_map(path: Path, source: Input) -> None:
    mapping = next((part.mapping for part in source.parts if part.mapping is not None), None)
    if mapping is None:
        raise FailedError("--write-map: the file is no table")
    try:
        with path.open("x") as file:
            file.write(write_toml(mapping))
    except FileExistsError:
        raise FailedError(f"--write-map: {path} already exists; choose another name") from None
    except OSError as error:
        raise FailedError(f"--write-map: {path} cannot be written: {error.strerror}") from error
    note(f"wrote {path}; change it and import with --map {path}")


def _list_kept_back(refused: Rejects, line: Line, kept_back: Sequence[Fault]) -> None:
    """Write a line with something kept back to the reject file."""
    refused.write(line, RefusedError("kept_back", kept_back))
