"""The customers that a call asks for by its filters and its question."""

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from regulars.audience.answering import Prepare
from regulars.audience.filters import catalogue, predicates
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Predicate, leaves
from regulars.audience.filters.values import BadFilterValueError
from regulars.audience.questions.faults import QuestionFault
from regulars.audience.questions.selecting import mentions_hidden, predicate_of
from regulars.audience.questions.tree import All, SavedCondition
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.asked_question import TEXT, AskedQuestion
from regulars.http.jsonapi.expansion import Expansion
from regulars.http.jsonapi.failures import ParameterProblem, QuestionProblem
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import ParsedQuery
from regulars.http.keyring import Caller

MOST_LEAVES: Final = 5_000
"""Comparisons that a question may come to: a condition on all of 100 tags is 100."""

MOST_CONDITIONS: Final = 1_000
"""What filters may ask about at most, each word and each of several ids that must all be there counted by itself."""


class Within(Struct, frozen=True):
    """Lists only the customers of an audience. condition: says so."""

    site: int
    condition: SavedCondition


class AskedCustomers:
    """Whom a call asks for. Raises Problem and its kinds for what cannot be asked.

    raw: the query string. site: None if the filters name one that is not the account's. filters: without that of the
    site. asked: the question, with that of `within`. zone_name: the time zone of its times.
    latest: what `audience` has last returned.
    """

    def __init__(
        self, call: Call, caller: Caller, query: ParsedQuery, raw: bytes, within: Within | None = None
    ) -> None:
        settings = call.services.settings
        self.engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
        self._clock = call.services.clock
        self._conditions = _conditions(query.filters)
        if len(raw) > MOST_CONDITIONS:  # in fewer characters there are not as many
            _refuse_too_many(self._conditions, Moment(self._clock(), self.engagement))
        self.site = asked_site(query.filters, caller) if within is None else within.site
        self.filters = [each for each in query.filters if each[0] != SITE_ID]
        self.asked = query.asked if within is None else _narrowed(query.asked, within.condition)
        self.latest: Predicate = predicates.All(())
        self.zone_name = "UTC"
        self._zone: tzinfo = UTC
        self._hidden_asked = any(name == "is_hidden" for name, _ in self.filters)
        self._expansion = Expansion(self.site or caller.site, () if self.asked is None else (self.asked,))
        if self.asked is not None:
            self.zone_name, self._zone = self.asked.zone(caller.time_zone(self.site))
            if len(raw) > MOST_CONDITIONS:  # in fewer characters there are not as many as it takes
                refuse_too_many_leaves(self._expansion, self._moment())

    @property
    def prepare(self) -> Prepare | None:
        """What must be read in the snapshot before `audience` is called, if anything."""
        return None if self._expansion.is_read else self._prepare

    def audience(self) -> Predicate:
        """The predicate as of now, or as of the moment of the question."""
        moment = self._moment(None if self.asked is None else self.asked.as_of)
        nodes = self._expansion.nodes
        parts = [each(moment) for each in self._conditions]
        parts += [predicate_of(node, moment) for node in nodes]
        self.latest = catalogue.audience_of(parts, hidden_asked=self._hidden_asked or any(map(mentions_hidden, nodes)))
        return self.latest

    async def _prepare(self, snapshot: Any) -> None:
        await self._expansion.read(snapshot)
        refuse_too_many_leaves(self._expansion, self._moment())

    def _moment(self, at: int | None = None) -> Moment:
        return Moment(self._clock() if at is None else at, self.engagement, self._zone)


def _narrowed(asked: AskedQuestion | None, condition: SavedCondition) -> AskedQuestion:
    """The question about the customers of an audience only."""
    if asked is None:
        return AskedQuestion(condition, parameter=TEXT)
    return replace(asked, node=All((condition, asked.node)))


def refuse_too_many_leaves(expansion: Expansion, moment: Moment) -> None:
    """Raise QuestionProblem for a question whose conditions name too many objects and texts in all."""
    if not expansion.is_read:
        return
    if sum(1 for node in expansion.nodes for _ in leaves(predicate_of(node, moment))) > MOST_LEAVES:
        detail = f"The conditions come to more than {MOST_LEAVES} comparisons in all; name fewer ids and values."
        raise QuestionProblem((QuestionFault("question_too_large", detail, "/question"),), "question")


def _refuse_too_many(conditions: Sequence[Callable[[Moment], Predicate]], moment: Moment) -> None:
    """Raise Problem for a question that would take long to be judged, whatever it selects."""
    if sum(1 for condition in conditions for _ in leaves(condition(moment))) > MOST_CONDITIONS:
        raise Problem(
            "malformed", f"The filters may have at most {MOST_CONDITIONS} words, ids and conditions in total."
        )


def _conditions(filters: Sequence[tuple[str, str]]) -> list[Callable[[Moment], Predicate]]:
    """What the filters select, of a moment yet to come. Raises ParameterProblem."""
    conditions = []
    for name, value in filters:
        named = catalogue.BY_NAME[name]
        if named.predicate is not None:
            try:
                conditions.append(catalogue.read(named, value))
            except BadFilterValueError as error:
                raise ParameterProblem(f"filter[{name}]", f"{error}.") from None
    return conditions
