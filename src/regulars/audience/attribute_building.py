"""Building attribute columns: from the store, in the background, while the index goes on following changes."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from regulars.audience.index import SiteIndex
from regulars.audience.loaded import LoadedSite
from regulars.audience.source import AttributeRows, ChangeSource, Snapshot, ValueRows
from regulars.audience.structures.attribute_values import Path, texts_at
from regulars.audience.structures.attributes import AttributeColumn
from regulars.audience.structures.bitmaps import to_ordinals
from regulars.audience.worker_thread import WorkerThread

_PLAIN: Final = re.compile(r"[^\W\d][\w -]*")
"""Names of attributes that the store looks up itself."""


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
            for column in columns:
                await _fill(snapshot, lane, site, index, column)
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


async def _fill(snapshot: Snapshot, lane: WorkerThread, site: int, index: SiteIndex, column: AttributeColumn) -> None:
    """Set the values of customers that the index knows; others are new, and follow with their change."""
    if all(map(_PLAIN.fullmatch, column.path)):
        async with aclosing(snapshot.all_values(site, ".".join(column.path))) as values:
            async for rows in values:
                await lane.run(partial(_load_values, index, column, rows))
        return
    async with aclosing(snapshot.all_attributes(site)) as documents:
        async for each in documents:
            await lane.run(partial(load, index, [column], each))


def _load_values(index: SiteIndex, column: AttributeColumn, rows: ValueRows) -> None:
    column.load(_ordinals(index, rows.numbers), rows.values.encode().split(b"\n"))


def load(index: SiteIndex, columns: Sequence[AttributeColumn], rows: AttributeRows) -> None:
    """Set the values in the attributes of customers that the index knows."""
    ordinals = _ordinals(index, rows.numbers)
    for column in columns:
        column.load(ordinals, texts_at(rows.documents, column.path))


def _ordinals(index: SiteIndex, numbers: str) -> NDArray[np.int64]:
    return index.numbering.positions(np.fromstring(numbers[1:-1], dtype=np.uint32, sep=","))
