"""Listing: answers queries about customers, for all types of resource that show them."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final, Protocol, cast

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from regulars.audience.answering import PageDetails, expected
from regulars.audience.filters import catalogue, sorts
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Predicate, leaves, resolve
from regulars.audience.filters.sorts import Sort
from regulars.audience.filters.values import BadFilterValueError
from regulars.audience.questions.faults import QuestionFault
from regulars.audience.questions.selecting import customers_of, mentions_hidden, phrase_of, predicate_of, shape_of
from regulars.audience.questions.tree import All, Node, SavedCondition
from regulars.audience.sentences import describe
from regulars.audience.structures.missing import MissingColumnError
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import paging
from regulars.http.jsonapi.asked_question import TEXT, AskedQuestion
from regulars.http.jsonapi.cursors import Cursors
from regulars.http.jsonapi.customer_documents import RenderContext
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.expansion import Expansion, within_time
from regulars.http.jsonapi.failures import ParameterProblem, QuestionProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.unknown_objects import WithNamedObjects, unknown_events
from regulars.http.keyring import Caller
from regulars.store.engine import Connection
from regulars.store.following import StoreSnapshot

_SORTED_BY: Final = ("created_at", *(column for column in sorts.SORTS if column not in ("id", "created_at")))
SORTS: Final = {
    **{f"-{column}": Sort(column, descending=True) for column in _SORTED_BY},
    **{column: Sort(column) for column in _SORTED_BY},
}
"""Sort orders in the callers' spelling; the default first."""


MOST_LEAVES: Final = 5_000
"""Comparisons that a question may come to: a condition on all of 100 tags is 100."""

MOST_CONDITIONS: Final = 1_000
"""What filters may ask about at most, each word and each of several ids that must all be there counted by itself."""


_TEXT: Final = "..."

_LONGEST_QUERY: Final = 8_000
"""Bytes of a query string that links may have: proxies and clients refuse longer ones."""


class Document(PageDetails, Protocol):
    """What a page is shown as. complete: what `readings` names is all that it needs."""

    async def shown(self, connection: Connection, found: Sequence[Any]) -> dict[str, Any]:
        """The members of the document, of what the readings came to."""
        ...


class Listing(Struct, frozen=True):
    """A list of customers: its path below /v1, its parameters, and the documents of its pages."""

    path: str
    query_spec: QuerySpec
    document: Callable[[RenderContext], Document]


class Within(Struct, frozen=True):
    """Lists only the customers of an audience. condition: says so."""

    site: int
    condition: SavedCondition


async def answer(
    call: Call, caller: Caller, listing: Listing, *, raw: bytes | None = None, within: Within | None = None
) -> Response:
    """The page that the call asks for. raw: the query string, if it is not that of the call."""
    settings = call.services.settings
    query = listing.query_spec.of(call, raw)
    raw = call.scope["query_string"] if raw is None else raw
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    conditions = _conditions(query.filters)
    if len(raw) > MOST_CONDITIONS:  # in fewer characters there are not as many
        _refuse_too_many(conditions, Moment(call.services.clock(), engagement))
    site = asked_site(query.filters, caller) if within is None else within.site
    filters = [each for each in query.filters if each[0] != SITE_ID]
    asked, question = query.asked, None
    if within is not None:
        asked = _narrowed(asked, within.condition)
    page, sort = query.page, SORTS[query.sort]
    identity = filters if asked is None else [*filters, *asked.identity]
    cursors = Cursors(call.services.cursors, site, query.sort, identity)
    page_slice = cursors.page_slice(page)
    total, beside = 0, paging.NOWHERE
    unknown: list[dict[str, str]] = []
    found: dict[str, Any] = {"data": [], "included": []} if query.include else {"data": []}
    home = origin(call.scope, settings.trusted_proxies)

    hidden_asked = any(name == "is_hidden" for name, _ in filters)
    zone_name = "UTC"
    zone: tzinfo = UTC
    expansion = Expansion(site or caller.site, () if asked is None else (asked,))
    if asked is not None:
        question = asked.node
        zone_name, zone = asked.zone(caller.time_zone(site))
        _refuse_too_many_leaves(expansion, Moment(call.services.clock(), engagement, zone))

    async def prepare(snapshot: Any) -> None:
        await expansion.read(snapshot)
        _refuse_too_many_leaves(expansion, Moment(call.services.clock(), engagement, zone))

    def audience() -> Predicate:
        now = call.services.clock() if asked is None or asked.as_of is None else asked.as_of
        moment = Moment(now, engagement, zone)
        parts = [each(moment) for each in conditions]
        parts += [predicate_of(node, moment) for node in expansion.nodes]
        return catalogue.audience_of(parts, hidden_asked=hidden_asked or any(map(mentions_hidden, expansion.nodes)))

    if site is not None:
        made = listing.document(RenderContext(caller.account, site, home, query))
        began = time.perf_counter()
        details = made if asked is None else WithNamedObjects(made, site, audience)
        asking = call.services.audience.ask(
            site,
            audience,
            sort=sort,
            page_slice=page_slice,
            details=details,
            prepare=None if expansion.is_read else prepare,
        )
        with within_time(() if asked is None else (asked,)):
            async with call.attended(), asking as answered:
                connection = cast(StoreSnapshot, answered.snapshot).connection
                total = answered.total
                beside = cursors.neighbours(page, answered) if page.has_cursor else beside
                read: Sequence[Any] = answered.read
                if isinstance(details, WithNamedObjects):
                    read, unknown = details.split(read)
                    unknown += unknown_events(answered.without_events)
                found = await made.shown(connection, read)
        call.services.observation.question(
            time.perf_counter() - began, site, total, lambda: _in_words(filters, question, site=site, sort=sort)
        )
    links = paging.links(f"{home}/v1/{listing.path}", raw, page, total, beside)
    if len(raw) > _LONGEST_QUERY:  # only a question in a body can be that long
        links = dict.fromkeys(links)
    meta = paging.meta(page, total)
    if question is not None:
        meta["time_zone"] = zone_name
        if unknown:
            meta["unknown_objects"] = unknown
    if query.describe:
        also = [] if question is None else [phrase_of(question)]
        meta["description"] = describe(filters, site=site, sort=sort, engagement=engagement, also=also)
    return document({**found, "links": links, "meta": meta}, warnings=query.warnings)


def _narrowed(asked: AskedQuestion | None, condition: SavedCondition) -> AskedQuestion:
    """The question about the customers of an audience only."""
    if asked is None:
        return AskedQuestion(condition, parameter=TEXT)
    return replace(asked, node=All((condition, asked.node)))


async def cost(call: Call, site: int, asked: AskedQuestion) -> float | None:
    """The estimated time to evaluate a question, in milliseconds; None while the index of the site is not loaded."""
    settings = call.services.settings
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    moment = Moment(call.services.clock(), engagement, asked.zone(None)[1])
    expansion = Expansion(site, (asked,))
    if not expansion.is_read:
        async with call.services.store.changes.snapshot() as snapshot:
            await expansion.read(snapshot)
    _refuse_too_many_leaves(expansion, moment)
    (node,) = expansion.nodes
    loaded = call.services.audience.loaded.get(site)
    if loaded is None:
        return None
    predicate = resolve(customers_of(node, moment), {})
    try:
        return round(expected(loaded.index, predicate, SORTS[next(iter(SORTS))]) / 1000, 3)
    except MissingColumnError:  # the first question about an attribute or an event builds its column
        return None


def _refuse_too_many_leaves(expansion: Expansion, moment: Moment) -> None:
    """Raise QuestionProblem for a question whose conditions name too many objects and texts in all."""
    if not expansion.is_read:
        return
    if sum(1 for node in expansion.nodes for _ in leaves(predicate_of(node, moment))) > MOST_LEAVES:
        detail = f"The conditions come to more than {MOST_LEAVES} comparisons in all; name fewer ids and values."
        raise QuestionProblem((QuestionFault("question_too_large", detail, "/question"),), "question")


def _in_words(filters: Sequence[tuple[str, str]], question: Node | None, *, site: int, sort: Sort) -> str:
    """A question as the log may tell it: with the callers' texts, which may be names and addresses, left out."""
    also = [] if question is None else [f"match the question {shape_of(question)}"]
    shown = [(name, _TEXT if catalogue.BY_NAME[name].kind.name == "text" else value) for name, value in filters]
    return describe(shown, site=site, sort=sort, also=also)


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
