"""Watched audiences, in the check of a site: the members that are kept of one are those who match its question.

They are compared as of the moment that they were recorded for. Customers who were written since are left out: a server
has yet to look at them.
"""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from pyroaring import BitMap

from regulars.audience.event_sequences import TooExpensiveError
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Any as NoneOf
from regulars.audience.filters.predicates import Predicate
from regulars.audience.history import written_since
from regulars.audience.index import SiteIndex
from regulars.audience.questions.expanding import expand_audience
from regulars.audience.questions.faults import BadQuestionError
from regulars.audience.questions.movements import hash_of
from regulars.audience.questions.selecting import customers_of
from regulars.audience.service import MEBIBYTE, Audience
from regulars.audience.structures.bitmaps import from_ordinals, to_ordinals
from regulars.audience.structures.membership import joined
from regulars.domain.audience_watches import NOT_KEPT
from regulars.store.audience_reads import with_references
from regulars.store.audience_watches import members_of, watched_audiences, watches_of
from regulars.store.control import Site
from regulars.store.following import StoreSnapshot
from regulars.store.store import Store

_MOST: Final = 20
"""Customers of one audience that are named."""

_PATIENCE: Final = 86_400.0
"""Seconds that loading the index may take."""

_NOTHING: Final = BitMap()
_NOBODY: Final[Predicate] = NoneOf()


class _UnreadableError(Exception):
    """The members of an audience are damaged."""


class _Kept(Struct):
    """What is kept of an audience. asked: its question as of then; written: whom writes since then were about."""

    members: BitMap
    asked: Predicate
    written: BitMap


async def watch_problems(store: Store, site: Site, engagement: Engagement) -> list[str]:
    """What is wrong with the kept members of the watched audiences of a site, one sentence each."""
    async with store.changes.snapshot() as snapshot:
        watched = await watched_audiences(snapshot.connection, site.id)
    if not watched:
        return []
    audience = Audience(store.changes, index_memory=2**20 * MEBIBYTE, load_wait=_PATIENCE)
    try:
        return [
            problem
            for number in watched
            for problem in await _problems_of(audience, site.id, number, engagement, site.settings.zone)
        ]
    finally:
        await audience.close()


async def _problems_of(audience: Audience, site: int, number: int, engagement: Engagement, zone: tzinfo) -> list[str]:
    found: list[_Kept | None] = []

    async def prepare(snapshot: Any) -> None:
        found.append(await _read(snapshot, site, number, engagement, zone))

    def sets() -> Sequence[Predicate]:
        kept = found[-1]
        return [_NOBODY if kept is None else kept.asked]

    def work(index: SiteIndex, matching: Sequence[BitMap]) -> tuple[BitMap, BitMap]:
        """Who is kept as a member without matching, and who matches without being kept."""
        kept = found[-1]
        if kept is None:
            return _NOTHING, _NOTHING
        matches = from_ordinals(index.numbering.numbers(to_ordinals(matching[0])))
        return kept.members - matches - kept.written, matches - kept.members - kept.written

    try:
        async with audience.study(site, sets, work, prepare=prepare) as answer:
            strangers, missing = answer.value
    except TooExpensiveError:
        return []
    except _UnreadableError:
        return [f"audience {number}: its members cannot be read"]
    problems = [f"customer {each}: is kept as a member, but does not match" for each in strangers[:_MOST]]
    problems += [f"customer {each}: matches, but is not kept as a member" for each in missing[:_MOST]]
    return [f"audience {number}: {each}" for each in problems]


async def _read(snapshot: StoreSnapshot, site: int, number: int, engagement: Engagement, zone: tzinfo) -> _Kept | None:
    """What can be compared; None if nothing can be, as nobody has looked at the audience as it is now."""
    connection = snapshot.connection
    stored = await with_references(connection, site, [number])
    watch = (await watches_of(connection, site, [number])).get(number)
    head = await snapshot.head(site)
    if watch is None or watch.as_of == NOT_KEPT or number not in stored or head is None:
        return None
    try:
        node = expand_audience(stored[number], stored)
    except BadQuestionError:
        return None
    moment = Moment(watch.as_of, engagement, zone)
    asked = customers_of(node, moment)
    is_of_settings = asked != customers_of(node, replace(moment, engagement=Engagement(1, 2, 3)))
    if hash_of(node) != watch.definition or is_of_settings:  # a server may have other settings than the caller
        return None
    written = await written_since(snapshot, site, watch.seen, watch.event, head)
    try:
        members = joined(await members_of(connection, site, number))
    except (ValueError, IndexError) as error:
        raise _UnreadableError from error
    return None if written is None else _Kept(members, asked, written)
