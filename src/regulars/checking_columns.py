"""Columns that are built on first use, in the check of a site: one that follows equals one that is built anew.

Attributes are followed through all changes that are replayed. Of events, the newest are followed and the others read.
"""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec
import numpy as np

from regulars.audience.attribute_building import load
from regulars.audience.attribute_survey import Counting
from regulars.audience.history import new_events
from regulars.audience.index import SiteIndex
from regulars.audience.structures.attribute_values import Path
from regulars.audience.structures.attributes import AttributeColumn
from regulars.audience.structures.event_facets import AMOUNT, LOG, MAIL_KINDS, Facet, Happening, of_object
from regulars.audience.structures.event_table import decoded, names_in
from regulars.audience.structures.events import EventColumn
from regulars.domain.changes import Head
from regulars.store import event_statements as sql
from regulars.store.following import StoreSnapshot

_MOST_COLUMNS: Final = 20
"""Attributes, and names of events, that are compared: the commonest."""

_FOLLOWED: Final = 10_000
"""The newest events, which are followed."""

_MOST_EVENTS: Final = 200_000
"""Of names with more events than this, only customers and times are compared."""

_FACETS: Final[frozenset[Facet]] = frozenset({AMOUNT, LOG, *map(of_object, MAIL_KINDS)})


async def common_attributes(snapshot: StoreSnapshot, site: int) -> list[Path] | None:
    """The paths of the attributes that most customers have; None if some cannot be read."""
    counting = Counting()
    try:
        async with aclosing(snapshot.all_attributes(site)) as chunks:
            async for rows in chunks:
                counting.add(rows.documents)
    except msgspec.MsgspecError:
        return None
    found = counting.survey(Head(0, 0), 0, 0.0).attributes
    return [each.path for each in sorted(found, key=lambda each: -each.customers)[:_MOST_COLUMNS]]


async def build_attributes(snapshot: StoreSnapshot, site: int, index: SiteIndex, paths: Iterable[Path]) -> None:
    """Build the columns of attributes for an index that is at the snapshot's head."""
    columns = [AttributeColumn(path) for path in paths]
    async with aclosing(snapshot.all_attributes(site)) as chunks:
        async for rows in chunks:
            load(index, columns, rows)
    index.attributes.install(columns)


def begin_attributes(index: SiteIndex, paths: Iterable[Path]) -> None:
    """Let an index that has no customers yet follow attributes."""
    index.attributes.install([AttributeColumn(path) for path in paths])


async def common_events(snapshot: StoreSnapshot, site: int) -> dict[str, frozenset[Facet]]:
    """The names of the commonest events, with the facets that are compared."""
    values = {"site": site, "after": 0, "count": _MOST_COLUMNS}
    rows = await snapshot.connection.in_thread(sql.EVENT_NAMES, values)
    return {name: _FACETS if count <= _MOST_EVENTS else frozenset() for name, count in rows}


async def build_events(
    snapshot: StoreSnapshot, site: int, index: SiteIndex, wanted: dict[str, frozenset[Facet]], *, follows: bool
) -> None:
    """Build the columns of events for an index that is at the snapshot's head. follows: the newest events follow."""
    last = await snapshot.last_event(site)
    until = max(last - _FOLLOWED, last // 2) if follows else last
    columns = []
    for name, facets in wanted.items():
        column = EventColumn(name, facets)
        async for rows in snapshot.events_named(site, name, until):
            names = names_in(rows) if facets else []
            numbers = await snapshot.object_numbers(site, names) if names else {}
            details = decoded(rows) if facets else []
            happenings = [Happening(row.log, detail, numbers) for row, detail in zip(rows, details, strict=False)]
            customers = np.array([row.customer for row in rows], dtype=np.uint32)
            column.extend(customers, np.array([row.at for row in rows], dtype=np.int64), happenings)
        column.tidy()
        column.renumber(index.numbering.values)
        columns.append(column)
    index.events.install(columns, until)
    if follows:
        events = await new_events(snapshot, site, until)
        assert events is not None
        index.events.follow(events, index.ordinals_of(row.customer for row in events.rows))


def followed_paths(saved: SiteIndex | None, common: Sequence[Path] | None) -> list[Path]:
    """The attributes to compare: the commonest, and those of the snapshot. None if some cannot be read."""
    if common is None:
        if saved is not None:
            saved.attributes.clear()
        return []
    return [*dict.fromkeys([*common, *(saved.attributes if saved is not None else ())])]
