"""`regulars import list` and `regulars import undo`: the imports of a site, and taking one of them back."""

import asyncio
from typing import Annotated, Any, Final

import msgspec
import typer

from regulars.cli.options import LARGEST_NUMBER, NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, PartlyDoneError, note, show, show_table
from regulars.cli.progress import figures_bar
from regulars.cli.session import chosen_site, opened
from regulars.domain.imports import ImportRecord
from regulars.domain.moments import iso, iso_or_none, now_ms
from regulars.importing.pacing import LARGEST_CHUNK
from regulars.importing.undoing import Undo, UndoError, UndoSummary, lines_done
from regulars.store.imports import find_import, list_imports

_LIST_HELP: Final = """Show the imports of a site, newest first.

An import is running, done, stopped (interrupted or killed: run the same command again to continue it) or undone. Dry
runs are not listed."""

_UNDO_HELP: Final = """Undo an import of customers.

ID is shown by the import and by `regulars import list`. Customers that the import created are deleted, and those that
it changed get back the fields, attributes, tags, groups, newsletters, consent and addresses that they had. The file can
be imported again afterwards.

A customer is left as it is if it was changed or deleted since the import, if it has events or emails since, or if
another customer has the address or customer_id that it had. The report says how many, by reason, and lists the first
ones; the exit code is then 3. Tags, groups and newsletters that the import created stay, without customers.

Undo newer imports of the same customers first. An undo can be interrupted, and repeated: what is undone stays so.
Servers may run meanwhile. Activity cannot be undone. The former values are kept for 90 days
(REGULARS_IMPORT_RETENTION_DAYS), or until the customer is deleted.

\b
Examples:
  regulars import list
  regulars import undo 7
"""

records = typer.Typer(rich_markup_mode=None)


@records.command("list", help=_LIST_HELP, short_help="Show the imports of a site, newest first.")
def list_(
    site: SiteNumber = None,
    count: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many to show.")] = 20,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Run `regulars import list`."""
    rows = asyncio.run(_listed(database, site, count))
    show_table(rows if as_json else [_line(row) for row in rows], as_json=as_json, empty="nothing was imported yet")


@records.command("undo", help=_UNDO_HELP, short_help="Take back what an import of customers did.")
def undo(
    number: Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST_NUMBER, help="The number of the import.")],
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Run `regulars import undo`."""
    try:
        summary = asyncio.run(_undo(database, site, number))
    except KeyboardInterrupt:
        note("stopped; what was undone stays so. Run the same command again to continue")
        raise
    except UndoError as error:
        raise FailedError(str(error)) from error
    figures: dict[str, Any] = msgspec.to_builtins(summary)
    if as_json:
        show(figures, as_json=True)
    else:
        reasons, examples = figures.pop("reasons"), figures.pop("examples")
        show(figures, as_json=False)
        for reason, count in sorted(reasons.items(), key=lambda each: -each[1]):
            note(f"{count:,} left as they are: {reason}")
        for each in examples:
            note(f"customer {each['id']}: {each['reason']}")
        if summary.skipped > len(examples):
            note(f"these are the first {len(examples)} of them")
    if summary.skipped:
        raise PartlyDoneError(f"{summary.skipped} of {summary.customers} customers were left as they are")


async def _listed(database: str, site: int | None, count: int) -> list[dict[str, Any]]:
    async with opened(database) as store:
        chosen = await chosen_site(store, site)
        async with store.snapshot() as connection:
            return [_shown(record) for record in await list_imports(connection, chosen.id, count=count)]


def _shown(record: ImportRecord) -> dict[str, Any]:
    return {
        "id": record.number,
        "kind": record.kind,
        "file": record.file,
        "by": record.origin,
        "state": record.state_at(now_ms()),
        "started_at": iso(record.started_at),
        "finished_at": iso_or_none(record.finished_at),
        "undone_at": iso_or_none(record.undone_at),
        "summary": msgspec.json.decode(record.summary),
        "undo": None if record.undo is None else msgspec.json.decode(record.undo),
    }


def _line(shown: dict[str, Any]) -> dict[str, Any]:
    """An import in a line of the table."""
    summary = shown["summary"]
    figures = {name: summary.get(name, 0) for name in ("lines", "created", "updated", "rejected")}
    return {**{name: shown[name] for name in ("id", "kind", "file", "state", "started_at")}, **figures}


async def _undo(database: str, site: int | None, number: int) -> UndoSummary:
    async with opened(database, largest_batch=LARGEST_CHUNK) as store:
        chosen = await chosen_site(store, site)
        async with store.snapshot() as connection:
            record = await find_import(connection, chosen.id, number)
        if record is None:
            raise FailedError(f"there is no import {number}: see `regulars import list`")
        with figures_bar(f"undo of import {number}", lines_done(record) or None) as show_figures:
            work = Undo(
                store,
                chosen.id,
                record,
                on_chunk=lambda: show_figures(f"{work.summary.customers:,} customers", work.summary.customers),
            )
            return await work.run()
