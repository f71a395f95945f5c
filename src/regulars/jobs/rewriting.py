"""Rewriting the database after erasures: when it may be done, as nobody can write meanwhile, and doing it.

SQLite is always rewritten. PostgreSQL is only if the setting for VACUUM FULL is on; its plain VACUUM blocks nobody.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from regulars.domain.moments import DAY, HOUR, SECOND
from regulars.jobs.kind import Context

_REST: Final = 9
"""How many times as long as a rewrite took writers have the database for themselves after it.

Otherwise a script that erases one person after another would stop all other writes.
"""

_log = structlog.get_logger("regulars.jobs")


def next_hour(now: int, hour: int) -> int:
    """When an hour of the day (UTC) comes next (ms): `now` during that hour."""
    if now % DAY // HOUR == hour:
        return now
    today = now - now % DAY + hour * HOUR
    return today if today > now else today + DAY


def memory(last: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a run without a rewrite passes on of the result of the last one: when a rewrite ended and what it took."""
    return {name: last[name] for name in ("rewritten_at", "seconds") if last and name in last}


async def due_at(context: Context, last: Mapping[str, Any] | None) -> int:
    """When the database may be rewritten (ms): at once if it is small, or if that blocks nobody. last: see `memory`."""
    now, settings, engine = context.clock(), context.settings, context.store.engine
    if not engine.one_writer and settings.vacuum_full == "off":
        return now
    known = memory(last)
    rested = round(known["rewritten_at"] + _REST * known["seconds"] * SECOND) if "rewritten_at" in known else now
    earliest = max(now, rested)
    if await engine.size() <= settings.vacuum_at_once:
        return earliest
    return next_hour(earliest, settings.vacuum_hour)


async def rewrite(context: Context, tables: Sequence[str]) -> dict[str, Any]:
    """Rewrite the database, or let PostgreSQL only free the space of deleted rows. Returns what was done."""
    engine, full = context.store.engine, context.settings.vacuum_full == "on"
    started = time.perf_counter()
    await engine.vacuum(tables, full=full)
    seconds = round(time.perf_counter() - started, 3)
    done = {"engine": engine.dialect, "rewritten": full or engine.one_writer, "seconds": seconds}
    _log.info("the database was cleaned after erasures", **done, bytes=await engine.size())
    return {**done, "rewritten_at": context.clock()} if done["rewritten"] else done
