"""The job that looks at watched audiences, as long as there are any."""

import asyncio
import time
from typing import Any, Final

from regulars.jobs.audience_watcher import AudienceWatcher
from regulars.jobs.kind import Work
from regulars.store import control
from regulars.store.audience_watches import watched_audiences
from regulars.store.control import Site

RUN_SECONDS: Final = 60.0
"""How long one run goes on; the next one begins at once, in this process or another."""

_COLLECT_SECONDS: Final = 10.0
"""How often it is asked which sites have watched audiences."""

_PAUSE_SECONDS: Final = 1.0
_SHARE: Final = 10
"""Looking takes at most about one part in so many of the time."""


async def watch(work: Work) -> dict[str, Any]:
    """Look at the watched audiences of all sites again and again. Ends at once if there are none."""
    watchers: dict[int, AudienceWatcher] = {}
    moved, collected = 0, -_COLLECT_SECONDS
    until = time.monotonic() + RUN_SECONDS
    while (began := time.monotonic()) < until:
        if began - collected >= _COLLECT_SECONDS:
            watched = await _watched(work)
            watchers = {site.id: watchers.get(site.id) or AudienceWatcher(work.context, site) for site in watched}
            collected = began
        if not watchers:
            break
        for number, watcher in watchers.items():
            async with work.context.store.snapshot() as connection:
                audiences = await watched_audiences(connection, number)
            moved += await watcher.look(audiences)
        took = time.monotonic() - began
        await asyncio.sleep(max(_PAUSE_SECONDS, took * _SHARE))
    return {"sites": len(watchers), "moved": moved}


def again(result: dict[str, Any]) -> float | None:
    """The next run begins at once while anything is watched."""
    return 0.0 if result["sites"] else None


async def _watched(work: Work) -> list[Site]:
    """The sites that have watched audiences."""
    async with work.context.store.snapshot() as connection:
        sites = await control.list_sites(connection)
        return [site for site in sites if await watched_audiences(connection, site.id)]
