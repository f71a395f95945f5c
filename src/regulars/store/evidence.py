"""Evidence of what conditions saw of a customer: events of the history, and consent."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from regulars.domain.consent import Consent
from regulars.store import event_statements, statements
from regulars.store.engine import Connection
from regulars.store.merges import group_of


class EventEvidence(Struct, frozen=True):
    """An event of the history. uuid: the id that its caller gave it, 16 bytes."""

    at: int
    name: str
    uuid: bytes | None


async def events_at(connection: Connection, site: int, customer: int, times: Sequence[int]) -> list[EventEvidence]:
    """The events of a customer at these times (ms), in the order of arrival."""
    if not times:
        return []
    numbers = await group_of(connection, site, customer)
    keys = msgspec.json.encode([(number, at) for number in numbers for at in sorted(set(times))]).decode()
    rows = await connection.all(event_statements.EVENTS_AT, {"site": site, "keys": keys})
    return [EventEvidence(at, name, uuid) for at, name, uuid, _ in sorted(rows, key=lambda row: row[3])]


async def consents_of(connection: Connection, site: int, customer: int) -> list[Consent]:
    """The evidence of a customer's consent, in the order of arrival."""
    keys = msgspec.json.encode(await group_of(connection, site, customer)).decode()
    rows = await connection.all(statements.CONSENTS_OF, {"site": site, "keys": keys})
    return [Consent(row[0], row[2], bool(row[3]), *row[4:]) for row in sorted(rows, key=lambda row: row[1])]
