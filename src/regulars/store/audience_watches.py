"""Watched audiences in the store: reads within a snapshot, and the figures of audiences over time."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import astuple

from regulars.domain.audience_watches import AudiencePoint, Watch
from regulars.domain.moments import DAY
from regulars.store import watch_statements as sql
from regulars.store.engine import Connection, Engine

WATCH_AUDIENCES: Final = "watch_audiences"
RECORD_HISTORY: Final = "audience_history"
"""The kinds of the jobs."""

KEPT_DAYS: Final = 400
"""How long the figures of audiences are kept."""


async def watched_audiences(connection: Connection, site: int) -> list[int]:
    """The audiences of a site that are watched."""
    return [number for (number,) in await connection.all(sql.WATCHED, {"site": site})]


async def watches_of(connection: Connection, site: int, numbers: Sequence[int]) -> dict[int, Watch]:
    """What is kept of audiences, by number."""
    if not numbers:
        return {}
    rows = await connection.all(sql.WATCHES, {"site": site, "keys": msgspec.json.encode(numbers).decode()})
    return {row[0]: Watch(*row) for row in rows}


async def members_of(connection: Connection, site: int, audience: int) -> list[tuple[int, bytes]]:
    """The parts of the membership of an audience, by place."""
    return [(place, body) for place, body in await connection.all(sql.MEMBERS, {"site": site, "audience": audience})]


async def points_of(connection: Connection, site: int, audience: int) -> list[AudiencePoint]:
    """The figures of an audience over time, oldest first."""
    rows = await connection.all(sql.POINTS, {"site": site, "audience": audience})
    return [AudiencePoint(*row) for row in rows]


async def newest_points(connection: Connection, site: int, since: int) -> dict[int, int]:
    """The newest version of each audience that has figures since a moment (ms)."""
    return dict(await connection.all(sql.NEWEST_POINTS, {"site": site, "since": since}))


async def save_points(engine: Engine, site: int, points: Sequence[AudiencePoint]) -> None:
    """Store figures of audiences. A repeat changes nothing."""
    if points:
        async with engine.transaction() as connection:
            await connection.many(sql.SAVE_POINT, [(site, *astuple(each)) for each in points])


async def save_watch(engine: Engine, site: int, watch: Watch) -> None:
    """Store what was counted of an audience elsewhere, before its members are kept here."""
    async with engine.transaction() as connection:
        await connection.many(sql.SAVE_WATCH, [(site, *astuple(watch))])


def kept_since(now: int) -> int:
    """The moment before which figures are deleted (ms)."""
    return now - KEPT_DAYS * DAY
