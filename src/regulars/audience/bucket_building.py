"""Building buckets: from the store, while the index goes on following changes."""

import numpy as np

from regulars.audience.event_building import CatchUp
from regulars.audience.loaded import LoadedSite
from regulars.audience.source import ChangeSource


async def build_buckets(source: ChangeSource, site: int, loaded: LoadedSite, catch_up: CatchUp) -> None:
    """Read the buckets and install them in the index, unless it became invalid meanwhile.

    Most are read from one snapshot without holding up anybody; those of customers who are new since, under the lock
    from another one, to which the index is brought first.
    """
    rows: list[tuple[int, int]] = []
    async with source.snapshot() as snapshot:
        async for some in snapshot.all_buckets(site):
            rows += some
    index = loaded.index
    async with loaded.lock, source.snapshot() as snapshot:
        head = await snapshot.head(site)
        if head is None or not await catch_up(snapshot, head):
            return
        last = rows[-1][0] if rows else 0
        fresh: list[int] = index.numbering.values[index.numbering.values > last].tolist()
        rows += await snapshot.buckets(site, fresh) if fresh else []
        found = [(index.numbering.ordinal(number), bucket) for number, bucket in rows]
        known = [(ordinal, bucket) for ordinal, bucket in found if ordinal is not None]
        both = np.array(known, dtype=np.int64).reshape(-1, 2)
        index.buckets.install(both[:, 0], both[:, 1].astype(np.int8), index.size)
