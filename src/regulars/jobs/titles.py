"""The job that corrects the lists of objects.

During a rolling upgrade, older servers save objects without a title for the lists.
"""

from typing import Any

from regulars.jobs.kind import Work
from regulars.store import control
from regulars.store.object_lists import restore_titles


async def restore(work: Work) -> dict[str, Any]:
    """Correct titles and counts that disagree with the objects, one site per step."""
    engine = work.context.store.engine
    async with engine.snapshot() as connection:
        sites = await control.list_sites(connection)
    titles = 0
    for done, site in enumerate(sites, 1):
        titles += await restore_titles(engine, site.id)
        await work.tell(done, len(sites))
    return {"titles": titles}
