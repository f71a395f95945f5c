"""Catching up: applies the store's changes to an index, a slice at a time."""

from collections.abc import Awaitable, Callable
from functools import partial

from msgspec.structs import replace

from regulars.audience.history import OutOfStepError, changed_times, new_events, next_slice
from regulars.audience.index import SiteIndex
from regulars.audience.loading import INLINE_ENTRIES
from regulars.audience.source import Head, Snapshot


async def advance(
    site: int,
    index: SiteIndex,
    snapshot: Snapshot,
    head: Head,
    *,
    most: int,
    run: Callable[[Callable[[], None]], Awaitable[None]],
    heeds_rebuild: bool = True,
) -> int:
    """Apply the next slice of at most `most` changes; returns how many. The caller holds the site's lock.

    run: runs a large slice on a thread. heeds_rebuild: stop at a change that wants the index loaded anew. Raises
    OutOfStepError, OutOfOrderError and UnknownFormatError if the index must be loaded anew.
    """
    if index.head.number >= head.number:
        raise OutOfStepError(f"change {head.number} in the store is a different one")
    before = index.head.number
    is_followed = index.attributes.is_followed
    changes = await next_slice(snapshot, site, index.head, most, with_attributes=is_followed)
    if heeds_rebuild and any(record.rebuild for record in changes.records):
        raise OutOfStepError("a change requires a rebuild")
    if not all(record.notes_attributes for record in changes.records):
        index.attributes.clear()
    if any(record.activities is None for record in changes.records):
        index.tie_times.clear()  # an older program does not tell which times have moved
    if len(index.tie_times):
        times = await changed_times(snapshot, site, changes.records, index.tie_times)
        changes = replace(changes, tie_times=times)
    buckets: dict[int, int] = {}
    if index.buckets.is_built:
        entries = (entry for record in changes.records for entry in record.entries)
        fresh = {entry.number for entry in entries if index.numbering.ordinal(entry.number) is None}
        buckets = dict(await snapshot.buckets(site, sorted(fresh))) if fresh else {}
    index.events.note(changes.records)
    if changes.head == head and index.events.is_behind:
        events = await new_events(snapshot, site, index.events.seen)
        if events is None:
            index.events.clear()
        changes = replace(changes, events=events)
    index.horizon = max(index.horizon, head.number)  # from here on every question needs the lock
    apply = partial(
        index.apply,
        changes.records,
        changes.texts,
        changes.head,
        horizon=head.number,
        attributes=changes.attributes,
        events=changes.events,
        tie_times=changes.tie_times,
        buckets=buckets,
    )
    if changes.entries <= INLINE_ENTRIES:
        apply()
    else:
        await run(apply)
    return changes.head.number - before
