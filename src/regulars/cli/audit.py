"""`regulars audit`: export the audit trail, and check that nobody changed it."""

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from regulars.cli.options import NEAREST, Database, SiteNumber
from regulars.cli.output import FailedError, note
from regulars.cli.session import chosen_site, opened
from regulars.domain.moments import iso
from regulars.domain.origin import ACTOR_TYPES, CHANNEL_NAMES
from regulars.exporting.files import STDOUT, written
from regulars.store.audit import AuditEntry, broken_links, read_trail

audit = typer.Typer(help="Export the audit trail of a site and its account, and check it.")


@audit.command()
def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write; - for standard output.")],
    site: SiteNumber = None,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Write the audit trail as NDJSON, newest first: who changed what, when, and in which request.

    \b
    Example:
      regulars audit export audit.ndjson
    """

    async def work() -> int:
        rows = 0
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            async with store.snapshot() as connection:
                with written(file) as stream:
                    async for entries in read_trail(connection, chosen.id, chosen.account_id):
                        rows += len(entries)
                        stream.write(b"".join(msgspec.json.encode(_line(entry)) + b"\n" for entry in entries))
        return rows

    try:
        rows = asyncio.run(work())
    except FileExistsError:
        raise FailedError(f"{file} already exists and is no earlier export; choose another name") from None
    if file != STDOUT:
        note(f"{rows:,} entries")


@audit.command()
def verify(
    site: SiteNumber = None,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Check that each entry is as it was written and follows the one before. Exit code 1 if not.

    Each entry has the SHA-256 of the entry before it. Entries that are missing at the newest end cannot be noticed:
    keep the hash of the newest entry elsewhere.

    \b
    Example:
      regulars audit verify
    """

    async def work() -> list[AuditEntry]:
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            async with store.snapshot() as connection:
                return await broken_links(connection, chosen.id, chosen.account_id)

    broken = asyncio.run(work())
    if broken:
        first = broken[-1]
        raise FailedError(
            f"{len(broken)} entries were changed, or entries before them removed; the oldest of them is of "
            f"{iso(first.event.at)}, {first.event.operation}"
        )
    note("the audit trail is unchanged")


def _line(entry: AuditEntry) -> dict[str, Any]:
    event, body = entry.event, entry.event.read()
    return {
        "kind": entry.kind,
        "at": iso(event.at),
        "channel": CHANNEL_NAMES[event.channel],
        "actor": {"type": ACTOR_TYPES[event.channel], "id": event.actor},
        "operation": event.operation,
        "request_id": event.request_id,
        "target": body.target,
        "results": body.results,
        "fields": body.fields,
        "hash": event.hash.hex(),
    }
