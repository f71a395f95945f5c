"""Certificates of erasure: what was erased and cleaned, when, and how an address is compared with it."""

from collections.abc import Sequence
from typing import Any, Final

from regulars.domain.moments import iso, iso_or_none
from regulars.domain.working.addresses import Identifier
from regulars.store.customer_history import HistoryRange
from regulars.store.engine import Connection
from regulars.store.erasing import ErasureRecord, read_erasures

HASH: Final = (
    "HMAC-SHA-256 of the identifier, with a secret of the database. The server compares: POST /v1/erasures/{id}/verify"
)
_EVERYWHERE: Final = (
    "backups, and copies of the database made by other programs: `regulars restore` applies later erasures to a backup",
    "exports that were downloaded, and data that other systems were sent",
    "blocks of the file system that held deleted or shortened files",
)
_OF_SERVER: Final = ("the write-ahead log of the database server with its archives, and replicas",)
_FREE_SPACE: Final = (
    "free space within pages of tables and indexes, until other rows use it or VACUUM FULL writes the tables anew",
)

_NEWEST: Final = 200


def certificate(record: ErasureRecord) -> dict[str, Any]:
    """The certificate of an erasure, without anything that names the person."""
    cleaned = dict(record.cleaned or {})
    due_at = cleaned.pop("due_at", None)
    engine, is_rewritten = cleaned.pop("engine", None), cleaned.get("rewritten", False)
    outside = [*_EVERYWHERE]
    if engine != "sqlite":
        outside += [*_OF_SERVER, *(() if is_rewritten else _FREE_SPACE)]
    return {
        "at": iso(record.at),
        "state": record.state,
        "due_at": iso_or_none(due_at),
        "done_at": iso_or_none(record.cleaned_at),
        "reason": record.reason,
        "customers": record.customers,
        "erased": record.counts,
        "cleaned": {"database": engine, **cleaned} if engine is not None else None,
        "not_reached": outside if engine is not None else [],
        "hashes": [each.hex() for each in record.hashes],
        "hash": HASH,
    }


def erasure_id(site: int, record: ErasureRecord) -> str:
    """The id of an erasure: it names its site."""
    return f"{site}-{record.at}-{record.position}"


async def newest_about(
    connection: Connection, site: int, secret: bytes, identifiers: Sequence[Identifier]
) -> ErasureRecord | None:
    """The newest erasure of a person with one of these identifiers, among the last ones of the site."""
    records, _ = await read_erasures(connection, site, HistoryRange(_NEWEST))
    for record in records:
        if any(record.is_about(secret, each) for each in identifiers):
            return record
    return None
