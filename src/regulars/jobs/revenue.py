"""The job that brings the figures of customers in line with the currency of their site."""

import time
from typing import Any

from regulars.jobs.kind import Work
from regulars.store.site_settings import count_some_revenue


async def count_revenue(work: Work) -> dict[str, Any]:
    """Count slice by slice until no customer is left. A repeat finds what is left."""
    site = work.job.site
    assert site is not None
    after, slices, told_at = 0, 0, time.monotonic()
    while (following := await count_some_revenue(work.context.store, site, after)) is not None:
        after, slices = following, slices + 1
        if time.monotonic() - told_at > 1:
            await work.tell(slices, None)
            told_at = time.monotonic()
    return {"slices": slices}
