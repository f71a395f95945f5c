"""Building attribute columns: from the store, in the background, while the index goes on following changes."""

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

import msgspec
import numpy as np

from regulars.audience.index import SiteIndex
from regulars.audience.loaded import LoadedSite
from regulars.audience.source import AttributeRows, ChangeSource
from regulars.audience.structures.attribute_values import Path
from regulars.audience.structures.attributes import AttributeColumn
from regulars.audience.structures.bitmaps import to_ordinals
from regulars.audience.worker_thread import WorkerThread


async def build_attributes(
    source: ChangeSource, lane: WorkerThread, site: int, loaded: LoadedSite, paths: Sequence[Path]
) -> None:
    """Build the columns of the paths and install them in the site's index, unless it became invalid meanwhile.

    The values are read from a snapshot that may be ahead of the index. As with texts, the index then answers nothing
    until it has reached that snapshot. Customers who change while the columns are built are read again at the end.
    """
    index = loaded.index
    columns = [AttributeColumn(path) for path in paths]
    async with loaded.lock:
        generation, watch = index.attributes.generation, index.attributes.watch()
    try:
        async with source.snapshot() as snapshot:
            head = await snapshot.head(site)
            if head is None:
                return
            async with aclosing(snapshot.all_attributes(site)) as chunks:
                async for rows in chunks:
                    await lane.run(partial(load, index, columns, rows))
        async with loaded.lock:
            if loaded.invalid or index.attributes.generation != generation:
                return
            numbers: list[int] = index.numbering.numbers(to_ordinals(watch)).tolist()
            horizon = head.number
            if numbers:
                async with source.snapshot() as snapshot:
                    newest = await snapshot.head(site)
                    horizon = head.number if newest is None else max(horizon, newest.number)
                    documents = dict(await snapshot.attributes(site, numbers))
                for ordinal, number in zip(watch, numbers, strict=True):
                    for column in columns:
                        column.set(ordinal, documents.get(number))
            index.horizon = max(index.horizon, horizon)
            index.attributes.install(columns)
    finally:
        index.attributes.unwatch(watch)


def load(index: SiteIndex, columns: Sequence[AttributeColumn], rows: AttributeRows) -> None:
    """Set the values of customers that the index knows; others are new, and follow with their change."""
    numbers = np.array(msgspec.json.decode(rows.numbers), dtype=np.uint32)
    ordinals = index.numbering.positions(numbers)
    for column in columns:
        column.load(ordinals, rows.documents)
