"""The job that removes the ties of deleted objects."""

import asyncio
import time
from typing import Any

from regulars.jobs.kind import Work
from regulars.store import control
from regulars.store.deleted_ties import Place, remove_some


async def remove(work: Work) -> dict[str, Any]:
    """Remove the ties of deleted objects, site by site, in slices. A repeat finds what is left."""
    engine = work.context.store.engine
    async with engine.snapshot() as connection:
        sites = await control.list_sites(connection)
    ties, told_at = 0, time.monotonic()
    for site in sites:
        place: Place | None = Place()
        while place is not None:
            began = time.monotonic()
            removed, place = await remove_some(engine, site.id, place)
            ties += removed
            await asyncio.sleep(time.monotonic() - began)  # half of the time is for others
            if time.monotonic() - told_at > 1:
                await work.tell(ties, None)
                told_at = time.monotonic()
    return {"ties": ties}
