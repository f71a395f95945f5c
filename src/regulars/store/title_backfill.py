"""Backfill of titles and counts for objects older than the table `object_titles`."""

from typing import Final

import msgspec

from regulars.store import object_lists
from regulars.store.control import site_numbers
from regulars.store.engine import WriteConnection
from regulars.store.slices import Slice

_OBJECTS_AT_A_TIME: Final = 2_000


async def slice_of_titles(connection: WriteConnection, position: str | None) -> Slice:
    """Store the titles of a slice of objects, and at the end of a site its counts.

    The position is [site, kind, number] of the last object.
    """
    sites = await site_numbers(connection)
    site, *after = (0, *object_lists.START) if position is None else msgspec.json.decode(position, type=list[int])
    left = [each for each in sites if each >= site]
    if not left:
        return Slice(0, None)
    if left[0] != site:
        after = list(object_lists.START)
    span = await object_lists.check_titles(connection, left[0], (after[0], after[1]), _OBJECTS_AT_A_TIME)
    await object_lists.mend_titles(connection, left[0], span.wrong)
    if span.next is not None:
        return Slice(span.rows, msgspec.json.encode((left[0], *span.next)).decode())
    await object_lists.recount(connection, left[0])
    following = (left[1], *object_lists.START) if len(left) > 1 else None
    return Slice(span.rows, None if following is None else msgspec.json.encode(following).decode())
