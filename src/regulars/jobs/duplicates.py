"""The job that finds customers who may be the same."""

from typing import Any

from regulars.jobs.kind import Work
from regulars.store import control
from regulars.store.duplicates import find_pairs, save_pairs


async def find_duplicates(work: Work) -> dict[str, Any]:
    """Find the pairs of each site anew. A repeat finds the same."""
    engine = work.context.store.engine
    async with engine.snapshot() as connection:
        sites = await control.list_sites(connection)
    found = 0
    for done, site in enumerate(sites, 1):
        pairs = await find_pairs(engine, site.id)
        await save_pairs(engine, site.id, pairs, now=work.context.clock())
        found += len(pairs)
        await work.tell(done, len(sites))
    return {"pairs": found}
