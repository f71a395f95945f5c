"""Erases the rows of persons within a transaction, and keeps a record of each erasure that does not name them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import Identifier
from regulars.store import erasure_statements as sql
from regulars.store import jobs
from regulars.store.customer_history import HistoryPlace, HistoryRange, places_behind
from regulars.store.engine import Connection, Engine, Row
from regulars.store.tombstone_hashes import hash_of

ERASE_FILES: Final = "erase_files"
"""The kind of the job that cleans the files."""

_HASH_SIZE: Final = 32


class ErasureRecord(Struct, frozen=True):
    """One erasure; the fields are the columns, in order.

    at, position: its key within the site. hashes: of the identifiers, as the tombstones have them; empty if an older
    version erased the person. counts: rows that were erased, by kind. cleaned_at: ms, None while files are to be
    cleaned. cleaned: what was done with them; while they wait for the maintenance hour, also `due_at` (ms).
    """

    at: int
    position: int
    reason: str | None
    channel: int
    actor: int | None
    customers: int
    hashes: tuple[bytes, ...]
    counts: dict[str, int]
    cleaned_at: int | None
    cleaned: dict[str, Any] | None

    @property
    def state(self) -> str:
        """`done` once the files are cleaned."""
        return "pending" if self.cleaned_at is None else "done"

    def is_about(self, secret: bytes, identifier: Identifier) -> bool:
        """Whether the person had this identifier. secret: that of the database."""
        return hash_of(secret, identifier) in self.hashes


def record_of_row(row: Row) -> ErasureRecord:
    """An erasure from its columns without the site."""
    at, position, reason, channel, actor, customers, hashes, counts, cleaned_at, cleaned = row
    raw = bytes(hashes or b"")
    return ErasureRecord(
        *(at, position, reason, channel, actor, customers),
        tuple(raw[start : start + _HASH_SIZE] for start in range(0, len(raw), _HASH_SIZE)),
        {} if counts is None else msgspec.json.decode(counts),
        cleaned_at,
        None if cleaned is None else msgspec.json.decode(cleaned),
    )


async def count_rows(connection: Connection, site: int, work: WorkingSet) -> list[dict[str, int]]:
    """How many rows each erasure of the transaction is about to erase, by kind."""
    found = []
    for erasure in work.erasures:
        customers = _json(erasure.numbers)
        addresses = [text for kind, text in erasure.identifiers if kind == "email"]
        counts = {"customers": len(erasure.numbers)}
        for kind, statement in sql.COUNTED.items():
            rows = await connection.all(statement, {"site": site, "keys": customers}) if erasure.numbers else []
            counts[kind] = sum(count for (count,) in rows)
        emails = set(await connection.all(sql.EMAILS_OF, {"site": site, "keys": customers}) if erasure.numbers else ())
        emails.update(
            await connection.all(sql.EMAILS_TO, {"site": site, "keys": _json(addresses)}) if addresses else ()
        )
        found.append({**counts, "emails": len(emails)})
    return found


async def erase_rows(
    connection: Connection, site: int, work: WorkingSet, moment: int, secret: bytes, counts: Sequence[dict[str, int]]
) -> None:
    """Erase what deleting the customers leaves, and let the job clean the files.

    moment: that of the commit. secret: the database's. counts: as `count_rows` returned them.
    """
    if not work.erasures:
        return
    addresses = sorted(work.erased_addresses)
    rows = await connection.all(sql.EMAILS_TO, {"site": site, "keys": _json(addresses)}) if addresses else []
    if rows:
        await connection.many(sql.ERASE_EVENTS_OF_EMAIL, [(site, log, log) for (log,) in rows], long=True)
    for statement, wanted in (
        (sql.ERASE_ACTIVITIES, sorted(work.erased)),
        (sql.ERASE_EMAILS, sorted(work.erased)),
        (sql.ERASE_PENDING, sorted(work.erased)),
        (sql.ERASE_EMAILS_TO, addresses),
        (sql.ERASE_PENDING_TO, addresses),
    ):
        if wanted:
            await connection.many(statement, [(site, each) for each in wanted], long=True)
    await connection.many(
        sql.INSERT_ERASURE,
        [
            (
                *(site, moment, place, each.reason, each.channel, each.actor, each.customers),
                b"".join(hash_of(secret, identifier) for identifier in each.identifiers),
                *(_json(counted), None, None),
            )
            for place, (each, counted) in enumerate(zip(work.erasures, counts, strict=True))
        ],
    )
    await jobs.hasten_within(connection, ERASE_FILES, now=work.now)


async def read_erasures(
    connection: Connection, site: int, span: HistoryRange
) -> tuple[list[ErasureRecord], HistoryPlace | None]:
    """A page of erasures, newest first, and where the next page begins."""
    rows = await connection.all(sql.ERASURES, {"site": site, **places_behind(0, span)})
    page = [record_of_row(row) for row in rows[: span.size]]
    return page, HistoryPlace(page[-1].at, 0, page[-1].position) if len(rows) > len(page) else None


async def find_erasure(connection: Connection, site: int, at: int, position: int) -> ErasureRecord | None:
    """The erasure with this key."""
    row = await connection.one(sql.ERASURE, {"site": site, "moment": at, "place": position})
    return None if row is None else record_of_row(row)


class PendingErasure(Struct, frozen=True):
    """An erasure of which files are still to be cleaned. at, position: its key. cleaned: what was done until now."""

    at: int
    position: int
    cleaned: dict[str, Any] | None


async def pending_erasures(connection: Connection, site: int) -> list[PendingErasure]:
    """The erasures of a site of which files are still to be cleaned."""
    rows = await connection.all(sql.PENDING_ERASURES, {"site": site})
    return [PendingErasure(at, place, None if done is None else msgspec.json.decode(done)) for at, place, done in rows]


async def mark_erasures(
    engine: Engine, site: int, done: Iterable[tuple[PendingErasure, Mapping[str, Any]]], *, cleaned_at: int | None
) -> None:
    """Note what was done with the files. cleaned_at: when no file had the persons any more (ms); None: not yet."""
    rows = [(cleaned_at, _json(cleaned), site, each.at, each.position) for each, cleaned in done]
    if rows:
        async with engine.transaction() as connection:
            await connection.many(sql.MARK_CLEANED, rows)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
