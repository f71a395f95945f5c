"""Listing: answers queries about customers, for all types of resource that show them."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, cast

from msgspec import Struct
from starlette.responses import Response

from regulars.audience.answering import PageDetails, expected
from regulars.audience.filters import catalogue, sorts
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import resolve
from regulars.audience.filters.sorts import Sort
from regulars.audience.questions.selecting import customers_of, phrase_of, shape_of
from regulars.audience.questions.tree import Node
from regulars.audience.sentences import describe
from regulars.audience.structures.missing import MissingColumnError
from regulars.http.call import Call
from regulars.http.jsonapi import paging
from regulars.http.jsonapi.asked_customers import AskedCustomers, Within, refuse_too_many_leaves
from regulars.http.jsonapi.asked_question import AskedQuestion
from regulars.http.jsonapi.cursors import Cursors
from regulars.http.jsonapi.customer_documents import RenderContext
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.expansion import Expansion, within_time
from regulars.http.jsonapi.origin import origin
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


async def answer(
    call: Call, caller: Caller, listing: Listing, *, raw: bytes | None = None, within: Within | None = None
) -> Response:
    """The page that the call asks for. raw: the query string, if it is not that of the call."""
    settings = call.services.settings
    query = listing.query_spec.of(call, raw)
    raw = call.scope["query_string"] if raw is None else raw
    chosen = AskedCustomers(call, caller, query, raw, within)
    site, filters, asked, engagement = chosen.site, chosen.filters, chosen.asked, chosen.engagement
    page, sort = query.page, SORTS[query.sort]
    cursors = Cursors(call.services.cursors, site, query.sort, _identity(filters, asked))
    page_slice = cursors.page_slice(page)
    total, beside = 0, paging.NOWHERE
    unknown: list[dict[str, str]] = []
    found: dict[str, Any] = {"data": [], "included": []} if query.include else {"data": []}
    home = origin(call.scope, settings.trusted_proxies)
    question = None if asked is None else asked.node

    if site is not None:
        made = listing.document(RenderContext(caller.account, site, home, query))
        began = time.perf_counter()
        details = made if asked is None else WithNamedObjects(made, site, lambda: chosen.latest)
        asking = call.services.audience.ask(
            site,
            chosen.audience,
            sort=sort,
            page_slice=page_slice,
            details=details,
            prepare=chosen.prepare,
        )
        with within_time(() if asked is None else (asked,)):
            async with call.until_disconnect(), asking as answered:
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
        meta["time_zone"] = chosen.zone_name
        if unknown:
            meta["unknown_objects"] = unknown
    if query.describe:
        also = [] if question is None else [phrase_of(question)]
        meta["description"] = describe(filters, site=site, sort=sort, engagement=engagement, also=also)
    return document({**found, "links": links, "meta": meta}, warnings=query.warnings)


def _identity(filters: Sequence[tuple[str, str]], asked: AskedQuestion | None) -> Iterator[tuple[str, str]]:
    """What tells the question from others. Lazy, as most pages are the first and only, without cursors."""
    yield from filters
    if asked is not None:
        yield from asked.identity


async def cost(call: Call, site: int, asked: AskedQuestion) -> float | None:
    """The estimated time to evaluate a question, in milliseconds; None while the index of the site is not loaded."""
    settings = call.services.settings
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    moment = Moment(call.services.clock(), engagement, asked.zone(None)[1])
    expansion = Expansion(site, (asked,))
    if not expansion.is_read:
        async with call.services.store.changes.snapshot() as snapshot:
            await expansion.read(snapshot)
    refuse_too_many_leaves(expansion, moment)
    (node,) = expansion.nodes
    loaded = call.services.audience.loaded.get(site)
    if loaded is None:
        return None
    predicate = resolve(customers_of(node, moment), {})
    try:
        return round(expected(loaded.index, predicate, SORTS[next(iter(SORTS))]) / 1000, 3)
    except MissingColumnError:  # the first question about an attribute or an event builds its column
        return None


def _in_words(filters: Sequence[tuple[str, str]], question: Node | None, *, site: int, sort: Sort) -> str:
    """A question as the log may tell it: with the callers' texts, which may be names and addresses, left out."""
    also = [] if question is None else [f"match the question {shape_of(question)}"]
    shown = [(name, _TEXT if catalogue.BY_NAME[name].kind.name == "text" else value) for name, value in filters]
    return describe(shown, site=site, sort=sort, also=also)
