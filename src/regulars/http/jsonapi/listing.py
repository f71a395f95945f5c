"""Listing: the answer to a question about many customers, whatever resources they are shown as."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, cast

from msgspec import Struct
from starlette.responses import Response

from regulars.audience.answering import PageDetails
from regulars.audience.filters import catalogue, sorts
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Predicate, leaves
from regulars.audience.filters.sorts import Sort
from regulars.audience.filters.values import BadFilterValueError
from regulars.audience.sentences import describe
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import paging
from regulars.http.jsonapi.cursors import Cursors
from regulars.http.jsonapi.customer_documents import RenderContext
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.keyring import Caller
from regulars.store.engine import Connection
from regulars.store.following import StoreSnapshot

_SORTED_BY: Final = ("created_at", *(column for column in sorts.SORTS if column not in ("id", "created_at")))
SORTS: Final = {
    **{f"-{column}": Sort(column, descending=True) for column in _SORTED_BY},
    **{column: Sort(column) for column in _SORTED_BY},
}
"""Orders as callers spell them; the default first."""


MOST_CONDITIONS: Final = 1_000
"""What filters may ask about at most, each word and each of several ids that must all be there counted by itself."""


_TEXT: Final = "..."


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


async def answer(call: Call, caller: Caller, listing: Listing) -> Response:
    """The page that the call asks for."""
    settings = call.services.settings
    raw: bytes = call.scope["query_string"]
    query = listing.query_spec.of(call)
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    conditions = _conditions(query.filters)
    if len(raw) > MOST_CONDITIONS:  # in fewer characters there are not as many
        _refuse_too_many(conditions, Moment(call.services.clock(), engagement))
    site = asked_site(query.filters, caller)
    filters = [each for each in query.filters if each[0] != SITE_ID]
    page, sort, cursors = query.page, SORTS[query.sort], Cursors(call.services.cursors, site, query.sort, filters)
    page_slice = cursors.page_slice(page)
    total, beside = 0, paging.NOWHERE
    found: dict[str, Any] = {"data": [], "included": []} if query.include else {"data": []}
    home = origin(call.scope, settings.trusted_proxies)

    def audience() -> Predicate:
        moment = Moment(call.services.clock(), engagement)
        hidden_asked = any(name == "is_hidden" for name, _ in filters)
        return catalogue.audience_of([each(moment) for each in conditions], hidden_asked=hidden_asked)

    if site is not None:
        made = listing.document(RenderContext(caller.account, site, home, query))
        began = time.perf_counter()
        asking = call.services.audience.ask(site, audience, sort=sort, page_slice=page_slice, details=made)
        async with call.attended(), asking as answered:
            connection = cast(StoreSnapshot, answered.snapshot).connection
            total = answered.total
            beside = cursors.neighbours(page, answered) if page.has_cursor else beside
            found = await made.shown(connection, answered.read)
        call.services.observation.question(
            time.perf_counter() - began, site, total, lambda: _in_words(filters, site=site, sort=sort)
        )
    links = paging.links(f"{home}/v1/{listing.path}", raw, page, total, beside)
    meta = paging.meta(page, total)
    if query.describe:
        meta["description"] = describe(filters, site=site, sort=sort, engagement=engagement)
    return document({**found, "links": links, "meta": meta}, warnings=query.warnings)


def _in_words(filters: Sequence[tuple[str, str]], *, site: int, sort: Sort) -> str:
    """A question as the log may tell it: with the callers' texts, which may be names and addresses, left out."""
    shown = [(name, _TEXT if catalogue.BY_NAME[name].kind.name == "text" else value) for name, value in filters]
    return describe(shown, site=site, sort=sort)


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
