"""The content of a site as outside can see it: the lines of its exports, without the numbers that a store assigns.

Two stores with the same content may number customers, objects and emails differently.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec

from regulars.domain.mail import own_number
from regulars.domain.objects import OWN_NUMBERS
from regulars.exporting.customer_columns import ID
from regulars.exporting.customer_lines import whole_lines
from regulars.exporting.history import ExportedEvent, ExportedLog, read_activity, read_logs
from regulars.exporting.history_tables import MARK, event_line, log_line
from regulars.exporting.people import PLACES, ExportedCustomer
from regulars.exporting.reading import read_people
from regulars.store.engine import Connection
from regulars.store.threads import off_loop

_DIGEST: Final = 16
_UUID: Final = PLACES["uuid"]


async def content_of(
    connection: Connection, site: int, on_progress: Callable[[int], None] | None = None
) -> AsyncIterator[tuple[str, bytes, bytes]]:
    """(what, key, digest) of everything in a site: `what` names the kind of thing, the key tells which one it is."""
    for what, read, digests in _PARTS:
        async for items in read(connection, site):
            for key, digest in await off_loop(digests, items):
                yield what, key, digest
            if on_progress is not None:
                on_progress(len(items))


def _of_people(people: list[ExportedCustomer]) -> list[tuple[bytes, bytes]]:
    lines = whole_lines(people)
    return [(each.row[_UUID], digest_of(_canonical(line))) for each, line in zip(people, lines, strict=True)]


def _of_events(events: list[ExportedEvent]) -> list[tuple[bytes, bytes]]:
    return [_alone(_canonical_event(event_line(each))) for each in events]


def _of_logs(logs: list[ExportedLog]) -> list[tuple[bytes, bytes]]:
    return [_alone(_canonical_log(each, log_line(each))) for each in logs]


def _alone(line: dict[str, Any]) -> tuple[bytes, bytes]:
    return digest_of(line), b""


_PARTS: Final[tuple[tuple[str, Callable[..., AsyncIterator[list[Any]]], Callable[[list[Any]], Any]], ...]] = (
    ("customers", read_people, _of_people),
    ("events", read_activity, _of_events),
    ("emails", read_logs, _of_logs),
)
"""Consent is part of the customers."""


def _canonical_event(line: dict[str, Any]) -> dict[str, Any]:
    """An event without what a store adds: the id of one that has none, and the numbers of customer and email."""
    mark = dict(line[MARK])
    found = {name: value for name, value in line.items() if name != ID}
    if "event_uuid" in mark.get("lacks", ()):
        del found["event_uuid"]
    if "mail" in mark:
        mark["mail"] = {name: value for name, value in mark["mail"].items() if name != "ref"}
    return {**found, MARK: mark}


def _canonical_log(each: ExportedLog, line: dict[str, Any]) -> dict[str, Any]:
    found = _canonical_event(line)
    if each.log.key is None or own_number(each.log.key, each.site) is not None:
        del found["log_id"]
    return {**found, "events": sorted(map(_canonical_event, line["events"]), key=digest_of)}


def digest_of(value: Any) -> bytes:
    """A digest of a JSON value."""
    return hashlib.blake2b(msgspec.json.encode(value, order="sorted"), digest_size=_DIGEST).digest()


def _canonical(line: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(line))
    del found[ID]
    if "ties" in found:
        found["ties"] = sorted(map(_canonical_tie, found["ties"]), key=digest_of)
    for name in ("newsletter_consents", "consent_requests"):
        kept = [_canonical_evidence(each) for each in found.pop(name, ()) if not each.get("deleted")]
        if kept:
            found[name] = kept
    for name in ("consents", "newsletter_consents", "consent_requests", "aliases", "former_addresses"):
        if name in found:
            found[name] = sorted(found[name], key=digest_of)
    return found


def _canonical_evidence(line: dict[str, Any]) -> dict[str, Any]:
    """Evidence without the number of a newsletter that has a name."""
    is_assigned = isinstance(line.get("newsletter"), int) and line["newsletter"] in OWN_NUMBERS
    if is_assigned and "name" in line:
        return {name: value for name, value in line.items() if name != "newsletter"}
    return line


def _canonical_tie(tie: dict[str, Any]) -> dict[str, Any]:
    """A tie without the number of an object that has a name: another store gives it another one."""
    is_assigned = isinstance(tie.get("id"), int) and tie["id"] in OWN_NUMBERS
    return {name: value for name, value in tie.items() if name != "id"} if is_assigned and "name" in tie else tie
