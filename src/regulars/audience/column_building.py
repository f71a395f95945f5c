"""Columns that are built on first use: attributes, events, buckets, times of ties. A site builds one at a time."""

import asyncio

from regulars.audience.attribute_building import build_attributes
from regulars.audience.bucket_building import build_buckets
from regulars.audience.event_building import CatchUp, build_events, build_tie_times
from regulars.audience.filters.predicates import InBucket, Predicate, attributes, event_columns, leaves
from regulars.audience.loaded import LoadedSite
from regulars.audience.source import ChangeSource
from regulars.audience.structures.missing import MissingColumnError
from regulars.audience.worker_thread import WorkerThread


def building(
    source: ChangeSource,
    lane: WorkerThread,
    site: int,
    loaded: LoadedSite,
    predicate: Predicate,
    missing: MissingColumnError,
    catch_up: CatchUp,
) -> asyncio.Task[None] | None:
    """The task that builds columns of the site: the one that runs, else a new one for what the predicate lacks.

    missing: what its evaluation has found missing. None if there is nothing to build.
    """
    if loaded.building is not None and not loaded.building.done():
        return loaded.building
    if loaded.invalid:
        return None
    if paths := loaded.index.attributes.missing(attributes(predicate)):
        loaded.building = asyncio.create_task(build_attributes(source, lane, site, loaded, paths))
    elif wanted := loaded.index.events.missing(event_columns(predicate)):
        loaded.building = asyncio.create_task(build_events(source, lane, site, loaded, wanted, catch_up))
    elif not loaded.index.buckets.is_built and any(isinstance(leaf, InBucket) for leaf in leaves(predicate)):
        loaded.building = asyncio.create_task(build_buckets(source, site, loaded, catch_up))
    elif missing.ties:
        loaded.building = asyncio.create_task(build_tie_times(source, site, loaded, missing.ties, catch_up))
    else:
        return None
    return loaded.building
