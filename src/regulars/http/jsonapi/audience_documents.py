"""Documents of saved audiences: their definitions, with exact totals and reach as of one moment."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.questions import reach
from regulars.audience.questions.expanding import Audiences, expand_audience, stored_question
from regulars.audience.questions.faults import BadQuestionError
from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.selecting import customers_of, predicate_of
from regulars.audience.questions.text_form import print_question
from regulars.audience.questions.tree import Node, conditions
from regulars.domain.audiences import Definition, Graph, StoredAudience, etag_of, users_of
from regulars.domain.objects import RelatedObject
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.asked_question import AskedQuestion
from regulars.http.jsonapi.kinds import AUDIENCE
from regulars.http.keyring import Caller
from regulars.store.audience_reads import read_graph, with_references
from regulars.store.engine import Connection

COUNTED: Final = ("total", "reach")
"""The attributes that the index answers."""

MOST_CONDITIONS: Final = 20_000
"""Conditions of all audiences of one reply; those beyond it are shown without figures."""

Chosen = Callable[[Connection], Awaitable[Sequence[RelatedObject]]]
"""Reads which audiences to show."""


class ExpandedAudience(Struct, frozen=True):
    """An audience to show. node: its question with the audiences that it names in place; None if it has a problem."""

    item: RelatedObject
    stored: StoredAudience | None
    node: Node | None
    problem: str | None


class AudiencesRead:
    """Audiences read in one snapshot, with what their questions refer to."""

    def __init__(self, site: int, chosen: Chosen, *, most_conditions: int | None = MOST_CONDITIONS) -> None:
        self.audiences: list[ExpandedAudience] = []
        self.graph: Graph = {}
        self._site = site
        self._chosen = chosen
        self._most = most_conditions

    async def read(self, snapshot: Any) -> None:
        """Read in the snapshot of an answer."""
        await self.read_with(snapshot.connection)

    async def read_with(self, connection: Connection) -> None:
        """Read through a connection."""
        items = await self._chosen(connection)
        stored = await with_references(connection, self._site, [item.number for item in items])
        self.graph = await read_graph(connection, self._site)
        count = 0
        self.audiences = []
        for item in items:
            shown = _expanded(item, stored)
            count += 0 if shown.node is None else sum(1 for _ in conditions(shown.node))
            if self._most is not None and count > self._most:
                shown = ExpandedAudience(
                    item, shown.stored, None, "The audiences of this page have too many conditions."
                )
            self.audiences.append(shown)

    @property
    def usable(self) -> list[Node]:
        """The questions of the audiences without a problem."""
        return [each.node for each in self.audiences if each.node is not None]


def _expanded(item: RelatedObject, audiences: Audiences) -> ExpandedAudience:
    stored = audiences.get(item.number)
    if stored is None:
        return ExpandedAudience(item, None, None, "The audience has no definition.")
    try:
        return ExpandedAudience(item, stored, expand_audience(stored, audiences), None)
    except BadQuestionError as error:
        return ExpandedAudience(item, stored, None, error.faults[0].detail)


async def resources(
    call: Call, caller: Caller, site: int, chosen: Chosen, fields: frozenset[str] | None
) -> list[dict[str, Any]]:
    """The resources of the audiences that are chosen, all as of one moment."""
    read = AudiencesRead(site, chosen)
    wanted = [name for name in COUNTED if fields is None or name in fields]
    if not wanted:
        async with call.services.store.snapshot() as connection:
            await read.read_with(connection)
        return [_resource(site, each, read.graph, None, fields) for each in read.audiences]
    found = await counted(call, caller, site, read, MARKETING if "reach" in wanted else ())
    figures = iter(found)
    return [
        _resource(site, each, read.graph, None if each.node is None else next(figures), fields)
        for each in read.audiences
    ]


MARKETING: Final = tuple(reach.reasons_for(reach.PURPOSES[0]))
"""What keeps customers out of marketing email."""


async def counted(
    call: Call, caller: Caller, site: int, read: AudiencesRead, reasons: Sequence[reach.Reason] = MARKETING
) -> list[reach.Reach]:
    """The total and reach of each audience without a problem; read in the answer's snapshot."""

    def sets(moment: Moment) -> list[Predicate]:
        questions = [customers_of(node, moment) for node in read.usable]
        return [studies.NOBODY, *(predicate_of(each.node(None), moment) for each in reasons), *questions]

    def work(_: SiteIndex, found: Sequence[BitMap]) -> list[reach.Reach]:
        concerned, matched = found[1 : 1 + len(reasons)], found[1 + len(reasons) :]
        return [reach.reach(each, concerned, reasons, None) for each in matched]

    everybody = AskedQuestion(studies.EVERYBODY, caller.time_zone(site))
    return await studies.study(call, site, everybody, sets, work, prepare=read.read)  # type: ignore[no-any-return]


def _resource(
    site: int, shown: ExpandedAudience, graph: Graph, figures: reach.Reach | None, fields: frozenset[str] | None
) -> dict[str, Any]:
    resource = AUDIENCE.resource(site, shown.item, fields)
    definition = None if shown.stored is None else shown.stored.definition
    question = None if definition is None else _question(definition)
    version = 1 if definition is None else definition.version
    found = {
        "kind": "dynamic" if definition is None else definition.kind,
        "question": None if question is None else write_question(question),
        "q": None if question is None else print_question(question),
        "watched": definition is not None and definition.watched,
        "version": version,
        "etag": etag_of(version, shown.item.updated_at),
        "total": None if figures is None else figures.matched,
        "reach": None if figures is None else reach_shown(figures),
        "problem": shown.problem,
        "used_by": users_of(graph, shown.item.number),
    }
    resource["attributes"].update({name: value for name, value in found.items() if fields is None or name in fields})
    return resource


def _question(definition: Definition) -> Node | None:
    """The question of an audience; None for a list, and for a question that cannot be read."""
    try:
        return None if definition.question is None else stored_question(definition.question)
    except BadQuestionError:
        return None


def reach_shown(found: reach.Reach) -> dict[str, Any]:
    """Reach as audiences show it."""
    excluded = [{"reason": each.reason, "first": each.first, "any": each.any_} for each in found.excluded]
    return {"matched": found.matched, "reachable": found.reachable, "excluded": excluded}
