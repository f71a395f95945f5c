"""Customers: the list with its filters, orders and pages, and one customer."""

from collections.abc import Sequence
from typing import Any, Final, cast

from starlette.responses import Response

from regulars.audience import catalogue
from regulars.audience.catalogue import Engagement
from regulars.audience.evaluate import Sort
from regulars.audience.predicates import Predicate
from regulars.audience.sentences import describe
from regulars.audience.values import BadFilterValueError
from regulars.domain.identity import NUMBER_LIMIT, split_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import paging
from regulars.http.jsonapi.cursors import Cursors
from regulars.http.jsonapi.customer_documents import TYPES, Question, read
from regulars.http.jsonapi.customer_resource import RELATED, RELATIONSHIPS
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.query import Vocabulary
from regulars.http.keyring import Caller, Reader
from regulars.store.following import StoreSnapshot

_SORTED_BY: Final = ("created_at", "name", "email", "net_revenue", "last_request_at")
SORTS: Final = {
    **{f"-{column}": Sort(column, descending=True) for column in _SORTED_BY},
    **{column: Sort(column) for column in _SORTED_BY},
}
"""Orders as callers spell them; the default first."""

SITE_ID: Final = "site_id"
SEARCHES: Final = {f"{name}_search": name for name in RELATED}
"""Filters of one customer's included objects, by a part of their title."""

INDEX: Final = Vocabulary(
    fields=TYPES,
    filters=catalogue.BY_NAME,
    sorts=SORTS,
    include=RELATIONSHIPS,
    paged=True,
    cursors=True,
    described=True,
)
SHOW: Final = Vocabulary(fields=TYPES, filters=SEARCHES, include=RELATIONSHIPS)


async def index(call: Call, caller: Reader) -> Response:
    """GET /v1/customers."""
    settings = call.services.settings
    raw: bytes = call.request.scope["query_string"]
    query = INDEX.read(raw, largest_page=settings.page_size_limit)
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    predicate = _predicate(query.filters, call.services.clock(), engagement)
    site = _site([value for name, value in query.filters if name == SITE_ID], caller)
    filters = [each for each in query.filters if each[0] != SITE_ID]
    page, sort, cursors = query.page, SORTS[query.sort], Cursors(call.services.cursors, site, query.sort, filters)
    places = cursors.places(page)
    total, beside = 0, paging.NOWHERE
    found: dict[str, Any] = {"data": [], "included": []} if query.include else {"data": []}
    home = origin(call.request, settings.trusted_proxies)
    if site is not None:
        asking = call.services.audience.ask(site, predicate, sort=sort, skip=page.skip, take=page.size, **places)
        async with asking as answer:
            connection = cast(StoreSnapshot, answer.snapshot).connection
            total = answer.total
            beside = cursors.neighbours(page, answer) if page.has_cursor else beside
            found = await read(connection, answer.numbers, Question(caller.account, site, home, query))
    links = paging.links(f"{home}/v1/customers", raw, page, total, beside)
    meta = paging.meta(page, total)
    if query.describe:
        meta["description"] = describe(filters, site=site, sort=sort, engagement=engagement)
    return document({**found, "links": links, "meta": meta})


async def show(call: Call, caller: Reader) -> Response:
    """GET /v1/customers/{id}."""
    settings = call.services.settings
    query = SHOW.read(call.request.scope["query_string"], largest_page=settings.page_size_limit)
    site, number = _place(call.path("id"), caller)
    home = origin(call.request, settings.trusted_proxies)
    searches = {SEARCHES[name]: text for name, text in query.filters}
    question = Question(caller.account, site, home, query, searches=searches, alone=True)
    async with call.services.store.snapshot() as connection:
        found = await read(connection, [number], question)
    if not found["data"]:
        raise _unknown_customer()
    (resource,) = found["data"]
    return document({**found, "data": resource, "links": {"self": f"{home}/v1/customers/{resource['id']}"}})


def _predicate(filters: Sequence[tuple[str, str]], now: int, engagement: Engagement) -> Predicate:
    """What the filters select. Raises ParameterProblem."""
    parts = []
    hidden_asked = False
    for name, value in filters:
        named = catalogue.BY_NAME[name]
        hidden_asked |= name == "is_hidden"
        if named.predicate is not None:
            try:
                parts.append(catalogue.parse(named, value, now, engagement))
            except BadFilterValueError as error:
                raise ParameterProblem(f"filter[{name}]", f"{error}.") from None
    return catalogue.audience_of(parts, hidden_asked=hidden_asked)


def _site(values: Sequence[str], caller: Caller) -> int | None:
    """The site that is asked about; None if the account has none such. Raises ParameterProblem."""
    parameter = f"filter[{SITE_ID}]"
    for value in values:
        if not (value.isascii() and value.isdigit() and 1 <= len(value) <= 16):
            raise ParameterProblem(parameter, f"{parameter} must be the number of one site.")
    asked = {int(value) for value in values}
    if not asked:
        if len(caller.sites) > 1:
            sites = ", ".join(map(str, caller.sites))
            raise ParameterProblem(parameter, f"{parameter} is required, as the account has several sites: {sites}.")
        return caller.site
    return asked.pop() if len(asked) == 1 and asked.issubset(caller.sites) else None


def _place(text: str, caller: Caller) -> tuple[int, int]:
    """The site of the account and the number within it that a customer's id names. Raises Problem."""
    if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) < NUMBER_LIMIT:
        site, number = split_number(int(text))
        if site in caller.sites:
            return site, number
    raise _unknown_customer()


def _unknown_customer() -> Problem:
    return Problem("customer_not_found", "There is no customer with this id.")
