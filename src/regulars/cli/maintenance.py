"""`regulars check`, `reindex` and `backup`: maintain a database, also while a server uses it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from regulars.cli.moving import check_against
from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber, known_database
from regulars.cli.output import FailedError, show
from regulars.cli.session import chosen_sites, opened, snapshot_folder
from regulars.domain.commands import Rebuild
from regulars.settings import Settings
from regulars.store.engine import DamagedFileError
from regulars.store.object_lists import restore_titles

Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="URL",
        help="Compare with another database instead: row by row if one is a copy of the other, else what exports of "
        "both say.",
    ),
]


def check(
    site: SiteNumber = None,
    against: Against = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Check that the database is consistent and that index = store, or that it equals another database.

    Checks the file itself, the change log and numbering of each site, email keys, attributes and dangling ties, and
    compares an index loaded from the customers with one that followed every change. It also compares the members kept
    of watched audiences with their questions. It cannot verify values that only replies use, such as lifetime figures.
    Prints every problem and exits with 1 if there are any.
    """
    if against is not None:
        check_against(database, known_database(against), as_json=as_json)
        return

    # It brings NumPy and the index along, 0.2 s that no other command needs.
    from regulars.audience.filters.catalogue import Engagement
    from regulars.checking import check_site
    from regulars.checking_watches import watch_problems

    settings = Settings.from_environment()
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)

    async def work() -> dict[str, Any]:
        damage: list[str] = []
        sites: list[dict[str, Any]] = []
        try:
            async with opened(database) as store:
                damage += await store.engine.damage()
                for each in await chosen_sites(store, site):
                    try:
                        report = await check_site(store, each.id, snapshot_folder(database))
                        if not report.problems:
                            report.problems.extend(await watch_problems(store, each, engagement))
                    except Exception as error:
                        # Anything may come of what was never written; of a sound file it is for whoever runs this.
                        if not damage and not isinstance(error, DamagedFileError):
                            raise
                        damage.append(f"site {each.id} ({each.subdomain}) cannot be checked: {error}")
                        continue
                    sites.append({"site": each.id, "name": each.subdomain, **msgspec.structs.asdict(report)})
        except DamagedFileError as error:
            if str(error) not in damage:
                damage.append(str(error))
        return {"ok": not damage and not any(each["problems"] for each in sites), "damage": damage, "sites": sites}

    found = asyncio.run(work())
    if as_json:
        show(found, as_json=True)
    else:
        for problem in found["damage"]:
            typer.echo(f"the file: {problem}")
        for each in found["sites"]:
            verdict = "index = store" if not each["problems"] else f"{len(each['problems'])} problems:"
            name = f"site {each['site']} ({each['name']})"
            typer.echo(f"{name}: {each['customers']:,} customers, {each['changes']:,} changes: {verdict}")
            for problem in each["problems"]:
                typer.echo(f"  {problem}")
    if not found["ok"]:
        raise FailedError("the check found problems; the safest remedy is a backup from before they occurred")


def reindex(site: SiteNumber = None, as_json: AsJson = False, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """Make all running servers reload the index of a site, or of all sites. Deletes the index snapshots."""
    from regulars.audience.snapshot_directory import SnapshotDirectory

    folder = snapshot_folder(database)
    directory = None if folder is None else SnapshotDirectory(folder)

    async def work() -> list[int]:
        async with opened(database) as store:
            found = await chosen_sites(store, site)
            for each in found:
                await restore_titles(store.engine, each.id)
                await store.ledger.submit(each.id, Rebuild())
                if directory is not None:
                    directory.discard(each.id)
            return [each.id for each in found]

    show({"reindexed": asyncio.run(work())}, as_json=as_json)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to create. It must not exist.")],
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Write a consistent copy of the database to a new file. Servers can keep running.

    \b
    Example:
      regulars backup /backups/regulars-$(date +%F).db
    """
    if file.exists():
        raise FailedError(f"{file} already exists, and a backup never overwrites a file")
    if not file.absolute().parent.is_dir():
        raise FailedError(f"the folder {file.absolute().parent} does not exist")

    async def work() -> None:
        async with opened(database) as store:
            await store.engine.backup(str(file))

    try:
        asyncio.run(work())
    except OSError as error:
        raise FailedError(f"{file} cannot be written: {error.strerror}") from error
    show({"file": str(file), "bytes": file.stat().st_size}, as_json=as_json)
