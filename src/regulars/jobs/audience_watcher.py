"""The watcher: looks at the watched audiences of a site, and records who has entered and who has left.

It compares whole sets, so it finds the same whether a write, the clock, another question or a merge has moved somebody,
and whatever happened while nobody looked. Each recording says to which earlier one it is relative. So nothing is lost
or told twice by a restart or by two processes.
"""

from collections.abc import Sequence
from typing import Any, Final

import structlog
from msgspec import Struct
from msgspec.structs import replace
from pyroaring import BitMap

from regulars.audience.answering import LoadingError, QuestionsFullError
from regulars.audience.event_sequences import TooExpensiveError
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Any as NoneOf
from regulars.audience.filters.predicates import Predicate
from regulars.audience.history import written_since
from regulars.audience.index import SiteIndex
from regulars.audience.questions import why
from regulars.audience.questions.expanding import expand_audience
from regulars.audience.questions.faults import BadQuestionError
from regulars.audience.questions.movements import Difference, difference, hash_of
from regulars.audience.questions.selecting import customers_of
from regulars.audience.questions.tree import Node
from regulars.audience.source import Head, Snapshot
from regulars.audience.structures.membership import joined, parts_of
from regulars.domain.audience_watches import MOST_MOVEMENTS, NOT_KEPT, Movement, Watch, advanced
from regulars.domain.changes import Name
from regulars.domain.commands import RecordMovements
from regulars.domain.faults import UnknownSiteError
from regulars.jobs.kind import Context
from regulars.store.audience_reads import with_references
from regulars.store.audience_watches import members_of, watches_of
from regulars.store.control import Site

_log = structlog.get_logger("regulars.jobs")

NOBODY: Final[Predicate] = NoneOf()
UNREADY: Final = (LoadingError, QuestionsFullError, TooExpensiveError, UnknownSiteError)
"""Why an audience cannot be looked at for now."""


class _Look(Struct):
    """What was read in the snapshot of one look at an audience."""

    head: Head
    event: int
    version: int
    node: Node
    stored: Watch | None
    members: BitMap
    names: dict[Name, int]


class _Known(Struct):
    """What the last look at an audience has found."""

    look: _Look
    watch: Watch
    members: BitMap
    moment: Moment


class AudienceWatcher:
    """Looks at the watched audiences of one site."""

    def __init__(self, context: Context, site: Site) -> None:
        self._context = context
        self._site = site.id
        settings = context.settings
        self._engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
        self._zone = site.settings.zone
        self._known: dict[int, _Known] = {}

    async def look(self, audiences: Sequence[int]) -> int:
        """Look at the audiences; returns how many customers have entered or left.

        An audience whose question has a problem, or that takes too long, stays as it is.
        """
        async with self._context.store.changes.snapshot() as snapshot:
            head = await snapshot.head(self._site)
        moved = 0
        for audience in audiences:
            if head is None or self._is_as_it_was(audience, head):
                continue
            try:
                moved += await self._look_at(audience)
            except UNREADY as error:
                _log.info("an audience is looked at later", site=self._site, audience=audience, reason=str(error))
        return moved

    def _now(self) -> Moment:
        return Moment(self._context.clock(), self._engagement, self._zone)

    def _is_as_it_was(self, audience: int, head: Head) -> bool:
        """Whether neither a write nor the clock can have moved anybody since the last look."""
        known = self._known.get(audience)
        if known is None or known.look.head != head:
            return False
        return customers_of(known.look.node, known.moment) == customers_of(known.look.node, self._now())

    async def _look_at(self, audience: int) -> int:
        looks: list[_Look | None] = []
        moments: list[Moment] = []

        async def prepare(snapshot: Any) -> None:
            looks.append(await self._read(snapshot, audience))

        def sets() -> list[Predicate]:
            moments.append(self._now())
            found = looks[-1]
            return [NOBODY if found is None else customers_of(found.node, moments[-1])]

        def work(index: SiteIndex, found: Sequence[BitMap]) -> Difference | None:
            look, now = looks[-1], moments[-1]
            if look is None:
                return None
            before = self._before(audience, look, now)
            return difference(look.node, index, found[0], look.members, (before, now), look.names)

        async with self._context.audience.study(self._site, sets, work, prepare=prepare) as answer:
            look, found = looks[-1], answer.value
            if look is None or found is None:
                self._known.pop(audience, None)
                return 0
            movements: list[Movement] = []
            if look.stored is not None and found.changed:
                movements = await self._explained(answer.snapshot, look, found, self._known.get(audience))
        return await self._record(audience, look, found, movements, moments[-1])

    async def _read(self, snapshot: Any, audience: int) -> _Look | None:
        """What is needed to look at an audience; None if it cannot be looked at."""
        connection, site = snapshot.connection, self._site
        stored = await with_references(connection, site, [audience])
        if audience not in stored or not stored[audience].definition.watched:
            return None
        try:
            node = expand_audience(stored[audience], stored)
        except BadQuestionError:
            return None
        watch = (await watches_of(connection, site, [audience])).get(audience)
        if watch is not None and watch.as_of == NOT_KEPT:
            watch = None
        known = self._known.get(audience)
        if watch is None:
            members = BitMap()
        elif known is not None and known.watch == watch:
            members = known.members
        else:
            members = joined(await members_of(connection, site, audience))
        head = await snapshot.head(site)
        event = await snapshot.last_event(site)
        names = await why.numbers_of(snapshot, site, [customers_of(node, self._now())])
        return _Look(head, event, stored[audience].definition.version, node, watch, members, names)

    def _before(self, audience: int, look: _Look, now: Moment) -> Moment:
        """The moment of the last look."""
        known = self._known.get(audience)
        if known is not None and known.watch == look.stored:
            return known.moment
        return now if look.stored is None else replace(now, now=look.stored.as_of)

    async def _explained(
        self, snapshot: Snapshot, look: _Look, found: Difference, known: _Known | None
    ) -> list[Movement]:
        """The movements, in the order of customers, each with its cause."""
        assert look.stored is not None
        touched: BitMap | None = None
        cause = "definition" if hash_of(look.node) != look.stored.definition else "change"
        if cause == "change" and found.leaves:
            seen, event = look.stored.seen, look.stored.event
            if known is not None and known.watch == look.stored:
                seen, event = known.look.head.number, known.look.event
            touched = await written_since(snapshot, self._site, seen, event, look.head)
        movements = []
        for number in found.changed:
            leaf = found.leaves.get(number, "")
            by_clock = bool(leaf) and touched is not None and number not in touched
            movements.append(
                Movement(number, number in found.entered, "clock" if by_clock else cause, leaf if by_clock else "")
            )
        return movements

    async def _record(
        self, audience: int, look: _Look, found: Difference, movements: list[Movement], now: Moment
    ) -> int:
        """Record movements in as many commits as they need, and remember the look."""
        after = Watch(audience, 0, look.head.number, look.event, now.now, hash_of(look.node), 0, 0)
        watch, members = look.stored, look.members
        if watch is None:
            everybody = tuple(parts_of(found.members, found.members))
            await self._submit(RecordMovements(audience, None, look.version, after, (), everybody))
            self._known.pop(audience, None)  # the next look reads the revision
            return 0
        for begin in range(0, len(movements), MOST_MOVEMENTS):
            some = tuple(movements[begin : begin + MOST_MOVEMENTS])
            moved = BitMap(each.customer for each in some)
            members = (members - moved) | BitMap(each.customer for each in some if each.has_entered)
            ends = after if begin + MOST_MOVEMENTS >= len(movements) else None
            parts = tuple(parts_of(members, moved))
            if not await self._submit(RecordMovements(audience, watch, look.version, ends, some, parts)):
                self._known.pop(audience, None)
                return begin
            watch = advanced(watch, ends, some)
        self._known[audience] = _Known(look, watch, members, now)
        return len(movements)

    async def _submit(self, command: RecordMovements) -> bool:
        """Whether it was recorded, and not made void by another look or another question."""
        outcome = await self._context.store.ledger.submit(self._site, command)
        return outcome.verdict != "unchanged"
