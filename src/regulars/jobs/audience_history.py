"""The job that records the figures of audiences: each day after local midnight, and after a change of the question."""

from collections.abc import Sequence
from typing import Any, Final

from pyroaring import BitMap

from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.questions import reach
from regulars.audience.questions.expanding import expand_audience
from regulars.audience.questions.faults import BadQuestionError
from regulars.audience.questions.selecting import customers_of, predicate_of
from regulars.audience.questions.tree import Node
from regulars.audience.questions.windows import local_day, midnight
from regulars.domain.audience_watches import NOT_KEPT, AudiencePoint, Watch
from regulars.domain.audiences import KIND, Definition
from regulars.jobs.audience_watcher import NOBODY, UNREADY
from regulars.jobs.kind import Context, Work
from regulars.store import control
from regulars.store.audience_reads import definitions_of, with_references
from regulars.store.audience_watches import newest_points, save_points, watches_of
from regulars.store.control import Site
from regulars.store.object_lists import objects_in_slices

_AT_A_TIME: Final = 20
"""Audiences that are counted together."""

_MARKETING: Final = tuple(reach.reasons_for(reach.PURPOSES[0]))


async def record_history(work: Work) -> dict[str, Any]:
    """Record what is due, one site after another. An audience that cannot be counted is left out."""
    async with work.context.store.snapshot() as connection:
        sites = await control.list_sites(connection)
    recorded = 0
    for done, site in enumerate(sites, 1):
        due = await _due(work.context, site)
        for begin in range(0, len(due), _AT_A_TIME):
            try:
                points = await _points(work.context, site, due[begin : begin + _AT_A_TIME])
            except UNREADY:
                continue
            await save_points(work.context.store.engine, site.id, points)
            recorded += len(points)
        if due:
            await work.tell(done, len(sites))
    return {"points": recorded}


async def _due(context: Context, site: Site) -> list[int]:
    """The audiences without figures of this day and of their version."""
    zone = site.settings.zone
    today = midnight(local_day(context.clock(), zone), zone)
    async with context.store.snapshot() as connection:
        newest = await newest_points(connection, site.id, today)
        due = []
        async for items in objects_in_slices(connection, site.id, KIND):
            definitions = await definitions_of(connection, site.id, [item.number for item in items])
            due += [number for number, each in definitions.items() if newest.get(number, 0) < each.version]
    return due


async def _points(context: Context, site: Site, audiences: Sequence[int]) -> list[AudiencePoint]:
    """The figures of audiences at this moment."""
    settings = context.settings
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    read: list[tuple[list[tuple[Definition, Node]], dict[int, Watch]]] = []
    moments: list[Moment] = []

    async def prepare(snapshot: Any) -> None:
        stored = await with_references(snapshot.connection, site.id, audiences)
        usable = []
        for number in audiences:
            if number in stored:
                try:
                    usable.append((stored[number].definition, expand_audience(stored[number], stored)))
                except BadQuestionError:
                    continue
        read.append((usable, await watches_of(snapshot.connection, site.id, audiences)))

    def sets() -> list[Predicate]:
        moments.append(Moment(context.clock(), engagement, site.settings.zone))
        concerned = [predicate_of(reason.node(None), moments[-1]) for reason in _MARKETING]
        return [NOBODY, *concerned, *(customers_of(node, moments[-1]) for _, node in read[-1][0])]

    def work(_: SiteIndex, found: Sequence[BitMap]) -> list[reach.Reach]:
        concerned, matched = found[1 : 1 + len(_MARKETING)], found[1 + len(_MARKETING) :]
        return [reach.reach(each, concerned, _MARKETING, None) for each in matched]

    async with context.audience.study(site.id, sets, work, prepare=prepare) as answer:
        figures: list[reach.Reach] = answer.value
    usable, watches = read[-1]
    return [
        _point(definition, moments[-1].now, each, watches.get(definition.audience))
        for (definition, _), each in zip(usable, figures, strict=True)
    ]


def _point(definition: Definition, at: int, figures: reach.Reach, watch: Watch | None) -> AudiencePoint:
    counts: tuple[int | None, int | None] = (None, None)
    if watch is not None and watch.as_of != NOT_KEPT:
        counts = watch.entered_count, watch.left_count
    return AudiencePoint(definition.audience, at, definition.version, figures.matched, figures.reachable, *counts)
