"""`regulars migrate` and `copy`: upgrade a database, distribute it, or copy it to another engine."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, Final

import typer

from regulars.cli.options import NEAREST, AsJson, Database, known_database
from regulars.cli.output import FailedError, show, show_table
from regulars.cli.progress import figures_bar
from regulars.cli.session import require_database
from regulars.domain.moments import iso, iso_or_none
from regulars.exporting.comparing import content_differences
from regulars.store import comparing, copying
from regulars.store.control import list_sites, site_numbers
from regulars.store.engine import Engine
from regulars.store.inspection import contradictions
from regulars.store.migration_steps import KEYS, STEPS
from regulars.store.migrations import OnProgress, Progress, Status
from regulars.store.migrations import migrate as bring_up_to_date
from regulars.store.migrations import status as where_it_stands
from regulars.store.store import engine_for

SourceURL = Annotated[
    str,
    typer.Argument(metavar="SOURCE_URL", callback=known_database, help="The database to copy. It is not changed."),
]
TargetURL = Annotated[
    str,
    typer.Argument(
        metavar="TARGET_URL",
        callback=known_database,
        help="An empty database, or an interrupted copy of the same source.",
    ),
]

_NEWS_EVERY: Final = 0.1
"""Seconds between updates of the progress bar."""


def migrate(
    status: Annotated[
        bool, typer.Option("--status", help="Show applied and pending steps without changing anything.")
    ] = False,
    distribute: Annotated[bool, typer.Option("--distribute", help="Distribute the tables by site with Citus.")] = False,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Upgrade the database schema, step by step.

    `serve` applies quick steps when it starts. It asks for this command if a step can take long, such as building an
    index on a large table or filling a new column. It can run while servers do. If interrupted, run it again to
    resume. Within a series of versions the steps only add, so older servers keep working beside newer ones.

    \b
    Examples:
      regulars migrate --status
      regulars migrate --distribute --database postgresql://regulars@coordinator/regulars
    """

    async def work() -> dict[str, Any]:
        if distribute and engine_for(database).dialect != "postgresql":
            raise FailedError("only a PostgreSQL database with Citus can be distributed")
        if status or not distribute:  # a new database on a cluster may be distributed before it is filled
            await require_database(database)
        async with _opened(database) as engine:
            with _steps() as on_progress:
                taken = [] if status else await bring_up_to_date(engine, on_progress=on_progress)
            spread = await _distribute(engine) if distribute and not status else None
            stands = await where_it_stands(engine)
            twins = [each async for each in _twins(engine)] if KEYS in taken else []
            found: dict[str, Any] = {"version": stands.version, "applied": stands.applied, "pending": stands.pending}
            found |= {"taken": taken} if spread is None else {"taken": taken, "distributed": spread}
            return {**found, **({"not_merged": twins} if twins else {}), "steps": _table(stands)}

    found = asyncio.run(work())
    if as_json:
        show(found, as_json=True)
        return
    steps = found.pop("steps")
    show(found, as_json=False)
    show_table(steps, as_json=False, empty="no step has been applied yet")


async def _twins(engine: Engine) -> AsyncIterator[str]:
    """Report customers with the same address or customer_id, which only the operator may merge."""
    async with engine.snapshot() as connection:
        for site in await list_sites(connection):
            async for problem in contradictions(connection, site.id):
                yield f"site {site.id}: {problem}"


def _table(stands: Status) -> list[dict[str, Any]]:
    """A row per step: the started ones with their times, then the pending ones."""
    begun = {record.number for record in stands.records}
    rows: list[dict[str, Any]] = [
        {
            "step": record.number,
            "name": record.name,
            "started_at": iso(record.started_at),
            "finished_at": iso_or_none(record.finished_at),
            "rows": record.done,
        }
        for record in stands.records
    ]
    return rows + [
        {"step": step.number, "name": step.name, "started_at": None, "finished_at": None, "rows": 0}
        for step in STEPS
        if step.number in stands.pending and step.number not in begun
    ]


@contextmanager
def _steps() -> Iterator[OnProgress]:
    """A progress bar for the current step."""
    with figures_bar("migrating", None) as advance:

        def on_progress(progress: Progress) -> None:
            total = "" if progress.total is None else f" of {progress.total:,}"
            rows = "" if progress.step.backfill is None else f": {progress.done:,}{total} rows"
            advance(f"step {progress.step.number}, {progress.step.name}{rows}", progress.done)

        yield on_progress


async def _distribute(engine: Engine) -> list[str]:
    from regulars.store.postgresql.distribution import distribute
    from regulars.store.postgresql.engine import PostgresqlEngine

    assert isinstance(engine, PostgresqlEngine)
    return await distribute(engine)


def copy(source: SourceURL, target: TargetURL, as_json: AsJson = False) -> None:
    """Copy a database with all its history to another one, such as from SQLite to PostgreSQL.

    Stop the servers first: writes to the source after the start are not copied. If interrupted, run the command again
    to resume. At the end, both databases are compared row by row. The target may have tables, such as those of
    `migrate --distribute`, but no accounts.

    \b
    Example:
      regulars copy sqlite:///regulars.db postgresql://regulars@localhost/regulars
    """

    async def work() -> dict[str, Any]:
        await require_database(source)
        async with _opened(source) as origin, _opened(target) as there:
            started = time.perf_counter()
            try:
                with counter("copied") as on_progress:
                    copied = await copying.copy(origin, there, on_progress)
            except copying.OccupiedError as error:
                raise FailedError(str(error)) from error
            seconds = time.perf_counter() - started
            return {"rows": copied, "seconds": seconds, "differences": await _differences(origin, there)}

    found = asyncio.run(work())
    show(found, as_json=as_json)
    if found["differences"]:
        raise FailedError(
            "the copy differs from its source, which has changed in the meantime; start again with an empty database"
        )


def check_against(url: str, other: str, *, as_json: bool) -> None:
    """Print how two databases differ: copies row by row, others by their content. Raises FailedError if they do."""

    async def work() -> tuple[str, list[str]]:
        await require_database(url)
        await require_database(other)
        async with _opened(url) as one, _opened(other) as two:
            async with one.snapshot() as left, two.snapshot() as right:
                are_copies = await comparing.are_copies(left, right)
                sites = sorted({*await site_numbers(left), *await site_numbers(right)})
                if not are_copies:
                    with counter("compared") as on_progress:
                        return "content", await content_differences(left, right, sites, on_progress)
            return "rows", await _differences(one, two)

    compared, found = asyncio.run(work())
    show({"equal": not found, "compared": compared, "differences": found}, as_json=as_json)
    if found:
        raise FailedError("the databases differ")


async def _differences(one: Engine, other: Engine) -> list[str]:
    async with one.snapshot() as left, other.snapshot() as right:
        with counter("compared") as on_progress:
            return await comparing.differences(left, right, on_progress)


@contextmanager
def counter(verb: str) -> Iterator[Callable[[int], None]]:
    """A progress bar for an unknown number of rows."""
    done = 0
    shown = time.perf_counter()
    with figures_bar(verb, None) as advance:

        def on_progress(rows: int) -> None:
            nonlocal done, shown
            done += rows
            if time.perf_counter() - shown > _NEWS_EVERY:
                shown = time.perf_counter()
                advance(f"{done:,} rows", done)

        yield on_progress


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Engine]:
    engine = engine_for(url)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()
