"""`regulars import`: the command around the import, with its progress, reject file and summary."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer

from regulars import files
from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, PartlyDoneError, note, show
from regulars.cli.progress import figures_bar, progress_bar
from regulars.cli.session import chosen_site, opened
from regulars.domain.faults import Fault, RefusedError
from regulars.importing.grouping import repeated_customers
from regulars.importing.importer import LARGEST_CHUNK, Import, Summary
from regulars.importing.lines import Line, can_be_read_twice, open_source
from regulars.importing.parsing import ImportKind, line_parser
from regulars.store.store import files_of

_LONGEST_RAW = 64 * 1024
"""How much of a refused line the reject file repeats (bytes)."""

_REJECT_FIELDS = ["line", "code", "reason", "faults", "raw"]

HELP = """Import customers or activity from a file, with the rules of the API.

FILE has one JSON object per line (NDJSON), in the format of POST /customers or POST /event. Names ending in .gz are
decompressed; - reads standard input. Imports can run while a server does.

A line that breaks a rule is refused on its own; --rejects collects these lines with the reason. The exit code is 0 if
all lines were imported, 3 if some were refused, and 1 if all were refused or the import failed.

Re-importing the same file is a no-op, so to continue an interrupted import, run it again. Contradicting lines about one
customer are applied together and leave one result. Customers identified by customer_id or uuid may swap email
addresses, or take one that a later line frees. Standard input can be read only once, so it is applied line by line.

An event for an unknown customer creates the customer if it has an email. With only a customer_id it is refused, unless
--create is set.

A file never restores a consent or newsletter that the person ended, unless the line shows a later date in updated_at or
consents. The rest of such a line is imported; it is counted as kept_back and listed by --rejects.

\b
Examples:
  regulars import customers people.ndjson
  regulars import activity 2026-01.ndjson.gz --rejects refused.ndjson
  zcat old.gz | regulars import customers - --dry-run
"""


def import_file(
    kind: Annotated[ImportKind, typer.Argument(help="What the lines contain.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for standard input.")],
    site: SiteNumber = None,
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write refused and kept back lines to FILE, with line number and reason."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate every line without changing anything.")] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse lines with an invalid optional field."),
    ] = False,
    create: Annotated[
        bool,
        typer.Option("--create", help="For activity: also create customers that are known only by customer_id."),
    ] = False,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Run `regulars import`."""
    try:
        summary = asyncio.run(_import(kind, file, site, rejects, dry_run, strict, create, database))
    except KeyboardInterrupt:
        if not dry_run:
            note("stopped; imported lines stay. Run the same command again to continue")
        raise
    _tell(summary, dry_run=dry_run, as_json=as_json)
    if summary.kept_back:
        where = f"see {rejects}" if rejects else "--rejects FILE lists them"
        note(f"{summary.kept_back} lines did not restore a consent or newsletter that had ended: {where}")
    if summary.rejected:
        where = f"see {rejects}" if rejects else "run it again with --rejects FILE to see them"
        if summary.rejected == summary.lines:
            raise FailedError(f"every line was refused, {summary.lines} of {summary.lines}: {where}")
        raise PartlyDoneError(f"{summary.rejected} of {summary.lines} lines were refused: {where}")


def _tell(summary: Summary, *, dry_run: bool, as_json: bool) -> None:
    """Print the figures and the examples of warnings."""
    figures: dict[str, Any] = {**msgspec.structs.asdict(summary), **({"dry_run": True} if dry_run else {})}
    if as_json:
        show(figures, as_json=True)
        return
    counts = figures["warnings"] = [f"{field}: {count:,}" for field, count in sorted(summary.warnings.items())]
    figures.pop("examples")
    show(figures, as_json=False)
    for each in summary.examples:
        taken = "left out" if each.taken is None else f"taken as {each.taken!r}"
        note(f"line {each.line}: {each.field} {each.given!r} was {taken}: {each.detail}")
    if sum(summary.warnings.values()) > len(summary.examples):
        note(f"these are the first warnings; in all there were: {', '.join(counts)}")


async def _import(
    kind: ImportKind,
    file: str,
    site: int | None,
    rejects: Path | None,
    dry_run: bool,
    strict: bool,
    create: bool,
    database: str,
) -> Summary:
    with _reject_file(rejects, file, database) as on_reject:
        return await _imported(kind, file, site, on_reject, dry_run, strict, create, database)


async def _imported(
    kind: ImportKind,
    file: str,
    site: int | None,
    on_reject: Callable[[Line, RefusedError], None] | None,
    dry_run: bool,
    strict: bool,
    create: bool,
    database: str,
) -> Summary:
    async with opened(database, largest_batch=LARGEST_CHUNK) as store:
        chosen = await chosen_site(store, site)
        found: dict[int, int] | None = None
        if kind == "activity":
            found = {}  # an event is known by its content, wherever it stands
        elif not dry_run and can_be_read_twice(file):
            found = await _repeated(file)
        with (
            open_source(file) as source,
            progress_bar(source.name, source.size) as advance,
        ):
            work = Import(
                store,
                chosen.id,
                line_parser(kind, store.limits, strict=strict, create=create, country=chosen.country),
                dry_run=dry_run,
                repeated=found,
                on_reject=on_reject,
                on_kept_back=None if on_reject is None else partial(_list_kept_back, on_reject),
                on_chunk=lambda: advance(work.summary, source.position),
            )
            return await work.run(source)


async def _repeated(file: str) -> dict[int, int]:
    with open_source(file) as source, figures_bar(f"{file}, reading", source.size) as show_figures:
        return await repeated_customers(source, lambda count: show_figures(f"{count:,} lines", source.position))


def _list_kept_back(on_reject: Callable[[Line, RefusedError], None], line: Line, kept_back: Sequence[Fault]) -> None:
    """Write a line with something kept back to the reject file."""
    on_reject(line, RefusedError("kept_back", kept_back))


@contextmanager
def _reject_file(
    path: Path | None, imported: str, database: str
) -> Iterator[Callable[[Line, RefusedError], None] | None]:
    """A function that writes a refused line. Raises FailedError if the file cannot be written.

    An existing file is only overwritten if it is empty or a reject file.
    """
    if path is None:
        yield None
        return
    if path.absolute() in files_of(database):
        raise FailedError(f"--rejects: {path} belongs to the database; choose another name")
    try:
        if path.exists() and Path(imported).exists() and path.samefile(imported):
            raise FailedError("--rejects must not be the file that is imported")
        stream = files.rewrite(path, _is_reject)
    except FileExistsError as error:
        raise FailedError(f"--rejects: {path} already exists and is not a reject file; choose another name") from error
    except OSError as error:
        raise FailedError(f"--rejects: {path} cannot be written: {error.strerror}") from error
    with stream:
        yield lambda line, refusal: _write(stream, line, refusal)


def _is_reject(line: bytes) -> bool:
    """Whether `_write` wrote this line."""
    try:
        found = msgspec.json.decode(line)
    except ValueError:
        return False
    return isinstance(found, dict) and list(found) == _REJECT_FIELDS


def _write(stream: BinaryIO, line: Line, refusal: RefusedError) -> None:
    raw = line.raw[:_LONGEST_RAW].rstrip(b"\r\n").decode(errors="backslashreplace")
    found = {
        "line": line.number,
        "code": refusal.code,
        "reason": refusal.sentence,
        "faults": [msgspec.structs.asdict(fault) for fault in refusal.faults],
        "raw": raw,
    }
    stream.write(msgspec.json.encode(found) + b"\n")
