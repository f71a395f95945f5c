"""Reads of mails and customer activity within a snapshot."""

from collections.abc import Sequence
from typing import Final

import msgspec

from regulars.domain.mail import Log, own_number
from regulars.domain.objects import RelatedObject
from regulars.domain.relations import KIND_CODES
from regulars.domain.text import whole_number
from regulars.domain.working import ActivityRow
from regulars.store import log_statements as sql
from regulars.store import statements
from regulars.store.engine import Connection
from regulars.store.reads import FOREVER


async def find_log(connection: Connection, site: int, key: str) -> Log | None:
    """The mail with this id, either ours or the sender's. If several customers share a sender's id, the newest."""
    number = own_number(key, site)
    if number is not None:
        row = await connection.one(statements.LOGS_BY_NUMBER, {"site": site, "keys": keys([number])})
        if row is not None:
            return Log(*row)
    row = await connection.one(sql.LOGS_BY_KEY, {"site": site, "key": key, "count": 1})
    return None if row is None else Log(*row)


async def logs_of_site(
    connection: Connection, site: int, *, after: int, until: int, before: int = FOREVER, skip: int = 0, count: int
) -> list[Log]:
    """Mails to all recipients, newest first: later than `after` (ms) and up to `until`. Of those at exactly `until`,
    only the ones numbered below `before`. skip: number of mails to skip first."""
    values = {"site": site, "after": after, "until": until, "before_number": before, "skip": skip, "count": count}
    return [Log(*row) for row in await connection.all(sql.LOGS_OF_SITE, values)]


_MAILED_KINDS: Final = ("template", "broadcast", "sequence")


async def mail_names(connection: Connection, site: int, logs: Sequence[Log]) -> dict[str, str]:
    """The names of the templates, broadcasts or sequences of mails whose events did not include a name."""
    named = sorted({log.email_id for log in logs if log.email_name is None and log.email_id is not None})
    if not named:
        return {}
    numbers = [number for each in named if (number := whole_number(each, longest=18)) is not None]
    kinds = [KIND_CODES[kind] for kind in reversed(_MAILED_KINDS)]
    by_key = [(kind, key) for kind in kinds for key in named]
    by_number = [(kind, number) for kind in kinds for number in numbers]
    found = await connection.several(
        [
            (statements.OBJECTS_BY_KEY, {"site": site, "keys": keys(by_key)}),
            (statements.OBJECTS_BY_NUMBER, {"site": site, "keys": keys(by_number)}),
        ]
    )
    objects = [RelatedObject(*row) for rows in found for row in rows]
    objects.sort(key=lambda item: kinds.index(item.kind))
    return {item.public_id: item.name for item in objects if item.name is not None and item.deleted_at is None}


async def events_of_log(
    connection: Connection, site: int, log: int, *, count: int
) -> list[tuple[str, int, str | None]]:
    """(name, ms, JSON details) of the first `count` events reported for a mail, oldest first."""
    rows = await connection.all(sql.EVENTS_OF_LOG, {"site": site, "log": log, "count": count})
    return sorted(((row[0], row[1], row[2]) for row in rows), key=lambda event: event[1])


async def activities_of(
    connection: Connection, site: int, customers: Sequence[int] | None, *, name: str | None, looked_at: int, count: int
) -> list[ActivityRow]:
    """The newest activities kept under these numbers of a customer, or of all customers in order of arrival.

    name: of the newest `looked_at` activities, return only those with this name.
    """
    values = {"site": site, "name": name, "any_name": int(name is None), "looked_at": looked_at, "count": count}
    if customers is None:
        return [ActivityRow(*row) for row in await connection.all(sql.LATEST_ACTIVITIES, values)]
    found = [
        ActivityRow(*row)
        for customer in customers
        for row in await connection.all(sql.ACTIVITIES_OF_CUSTOMER, {**values, "customer": customer})
    ]
    return sorted(found, key=lambda row: (row.at, row.number), reverse=True)[:count]


def keys(listed: Sequence[object]) -> str:
    """A list of keys as a statement parameter."""
    return msgspec.json.encode(listed).decode()
