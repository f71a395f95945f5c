"""The audit trail: written in the transaction of what it records, read newest first, and pruned."""

from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple

from regulars.domain.audit import AUDITED, NO_HASH, AuditBody, AuditEvent, is_chained, sealed
from regulars.domain.origin import Origin
from regulars.store import audit_statements as sql
from regulars.store.customer_history import NEWEST, HistoryPlace, HistoryRange, places_behind
from regulars.store.engine import Connection, Row

SITE: Final = "site"
ACCOUNT: Final = "account"
RANKS: Final = {SITE: 0, ACCOUNT: 1}
_SLICE: Final = 1_000


class AuditEntry(NamedTuple):
    """An entry of a trail. kind: SITE, or ACCOUNT for access and settings."""

    kind: str
    place: HistoryPlace
    event: AuditEvent


async def write_audit_events(
    connection: Connection, site: int, bodies: Iterable[tuple[Origin, AuditBody]], previous: bytes | None, moment: int
) -> None:
    """Write what requests did to a site. previous: the hash of the newest entry. moment: that of the commit."""
    reached, rows = previous or NO_HASH, []
    for position, (origin, body) in enumerate(bodies):
        row, reached = sealed(reached, site, moment, position, origin, body)
        rows.append((site, *row, reached))
    if rows:
        await connection.many(sql.INSERT_EVENTS, rows)


async def record_change(
    connection: Connection,
    account: int,
    origin: Origin,
    operation: str,
    target: str,
    *fields: str,
    result: str = "updated",
    now: int,
) -> None:
    """Record a change of access or settings, within its transaction. fields: the names of what was changed."""
    if origin.actor.channel not in AUDITED:
        return
    await connection.one(sql.LOCK_ACCOUNT, {"account": account})
    last = await connection.one(sql.LAST_ACCOUNT_HASH, {"account": account})
    where = Origin(origin.actor, origin.operation or operation, origin.request_id)
    previous = NO_HASH if last is None else last[0]
    (at, _, *row), hashed = sealed(previous, account, now, 0, where, AuditBody(target, {result: 1}, fields))
    await connection.many(sql.INSERT_ACCOUNT_EVENT, [(account, at, *row, hashed)])


async def read_audit(
    connection: Connection, site: int, account: int, span: HistoryRange, kinds: Iterable[str] = tuple(RANKS)
) -> tuple[list[AuditEntry], HistoryPlace | None]:
    """A page of the trails of a site and an account, and the place behind which the next page begins."""
    chosen = [kind for kind in RANKS if kind in kinds]
    queries = [
        (
            sql.EVENTS if kind == SITE else sql.ACCOUNT_EVENTS,
            {"site": site, "account": account, **places_behind(RANKS[kind], span)},
        )
        for kind in chosen
    ]
    found = await connection.several(queries)
    entries = [_entry(kind, row) for kind, rows in zip(chosen, found, strict=True) for row in rows]
    entries.sort(key=lambda entry: entry.place, reverse=True)
    page = entries[: span.size]
    return page, page[-1].place if len(entries) > len(page) else None


def _entry(kind: str, row: Row) -> AuditEntry:
    if kind == SITE:
        event, number = AuditEvent(*row), row[1]
    else:
        number, at, *rest = row
        event = AuditEvent(at, 0, *rest)
    return AuditEntry(kind, HistoryPlace(event.at, RANKS[kind], number), event)


async def read_trail(
    connection: Connection, site: int, account: int, kinds: Iterable[str] = tuple(RANKS)
) -> AsyncIterator[list[AuditEntry]]:
    """All entries, newest first, in slices."""
    place: HistoryPlace | None = NEWEST
    while place is not None:
        entries, place = await read_audit(connection, site, account, HistoryRange(_SLICE, place), kinds)
        yield entries


async def broken_links(connection: Connection, site: int, account: int) -> list[AuditEntry]:
    """The entries that are not as they were written, or before which entries are missing.

    The entry before the oldest one was pruned, so the oldest is taken as it is.
    """
    found = []
    for kind, owner in ((SITE, site), (ACCOUNT, account)):
        later: AuditEntry | None = None
        async for entries in read_trail(connection, site, account, (kind,)):
            for entry in entries:
                if later is not None and not is_chained(entry.event.hash, owner, later.event):
                    found.append(later)
                later = entry
    return found
