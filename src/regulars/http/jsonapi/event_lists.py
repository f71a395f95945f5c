"""Lists that are read from events: sales and submissions of forms, by page and with the vendor's filters."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from msgspec import Struct
from starlette.responses import Response

from regulars.domain.faults import RefusedError
from regulars.domain.identity import NUMBER_LIMIT, split_number
from regulars.domain.moments import DAY, parse_moment
from regulars.domain.profile import parse_who
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import FLAGS, ParsedQuery
from regulars.http.jsonapi.range_pages import RangePages
from regulars.http.keyring import Caller
from regulars.store.engine import Connection
from regulars.store.list_ranges import ListRange
from regulars.store.merges import group_of
from regulars.store.reads import FOREVER, find_card, number_after_merges, numbers_of
from regulars.store.sales import EventSelection, ListedEvent, all_events, find_event, read_events

CUSTOMER_ID: Final = "customer_id"
START: Final = "start_date"
END: Final = "end_date"
CREATED: Final = ("created_at_gte", "created_at_lte")
"""The same as START and END, in the spelling that kajabi-saloon sends for purchases and orders."""
CUSTOMER_EMAIL: Final = "customer_email"
_DATE: Final = len("2026-01-31")
MOST_TESTED: Final = 20_000
"""The number of events among which filters that no index serves may look. It takes about a second."""


class ListedItem(Protocol):
    """What is listed, with the event that it is read from."""

    @property
    def event(self) -> ListedEvent:
        """The event."""


Listed = TypeVar("Listed", bound=ListedItem)
Read = Callable[[Connection, int, Sequence[ListedEvent]], Awaitable[list[Listed]]]
"""Reads what events of a site are shown with."""

Show = Callable[[Connection, int, Sequence[Listed]], Awaitable[dict[str, Any]]]
"""Makes the document of items of a site, without links."""

Test = tuple[str, Callable[[Listed], bool]]
"""A filter that no index serves: its name, and whether it selects an item."""


class EventList(Struct, frozen=True):
    """A list: its path below /v1, the kind of its events (`sale_statements.KINDS`), and what an item is called."""

    path: str
    kind: str
    noun: str


class Narrowing(Struct, frozen=True):
    """What the filters beside those by site and customer select.

    tests: filters that no index serves. since, until: the time (ms, inclusive), None for any. number: the only event
    that it may be. nothing: they exclude everything.
    """

    tests: Sequence[Test[Any]] = ()
    bounds: tuple[int, int] | None = None
    number: int | None = None
    nothing: bool = False


async def answer(
    call: Call,
    caller: Caller,
    query: ParsedQuery,
    listed: EventList,
    read: Read[Listed],
    show: Show[Listed],
    narrowing: Narrowing,
) -> Response:
    """A page of a list. Raises ParameterProblem if too many events would have to be read for a filter."""
    site = asked_site(query.filters, caller)
    pages = RangePages(call, listed.path, site, query)
    wanted, counts = pages.wanted(), call.services.store.event_counts
    total, events = 0, list[ListedEvent]()
    async with call.until_disconnect(), call.services.store.snapshot() as connection:
        selection = None if site is None else await _selection(connection, site, listed.kind, query, caller)
        if selection is not None and not narrowing.nothing:
            site = selection.site
            if narrowing.bounds is not None:
                selection = EventSelection(site, listed.kind, selection.customers, *narrowing.bounds)
            if narrowing.number is not None:
                events, total = await _one(connection, selection, read, narrowing, wanted)
            elif narrowing.tests:
                if await counts.of(connection, selection) > MOST_TESTED:
                    raise _too_many(narrowing.tests)
                events, total = await _tested(connection, selection, read, narrowing.tests, wanted)
            else:
                total = await counts.of(connection, selection)
                # Finding out that there are none would mean to go through all other events of the index.
                events = await read_events(connection, selection, wanted) if total else []
        events, beside = pages.shown(events, lambda event: event.place)
        shown = await show(connection, site or 0, await read(connection, site or 0, events))
    return pages.answer(shown, total, beside)


async def _one(
    connection: Connection, selection: EventSelection, read: Read[Listed], narrowing: Narrowing, wanted: ListRange
) -> tuple[list[ListedEvent], int]:
    """The only event that may be selected, for the page that has it, and how many there are."""
    event = await find_event(connection, selection.site, selection.kind, narrowing.number or 0)
    if event is None or (selection.customers is not None and event.customer not in selection.customers):
        return [], 0
    if not selection.since <= event.at <= selection.until:
        return [], 0
    (item,) = await read(connection, selection.site, [event])
    if not all(test(item) for _, test in narrowing.tests):
        return [], 0
    return ([event] if not wanted.skip and _is_behind(event, wanted) else []), 1


async def _tested(
    connection: Connection,
    selection: EventSelection,
    read: Read[Listed],
    tests: Sequence[Test[Listed]],
    wanted: ListRange,
) -> tuple[list[ListedEvent], int]:
    """The page of the events that meet all tests, and how many do. Reads all events, a slice at a time."""
    events, total, passed = list[ListedEvent](), 0, 0
    async for some in all_events(connection, selection, descending=wanted.descending):
        for item in await read(connection, selection.site, some):
            if all(test(item) for _, test in tests):
                total += 1
                if _is_behind(item.event, wanted):
                    passed += 1
                    if wanted.skip < passed <= wanted.skip + wanted.size:
                        events.append(item.event)
    return events, total


def _too_many(tests: Sequence[Test[Any]]) -> ParameterProblem:
    parameter = f"filter[{tests[0][0]}]"
    detail = f"{parameter} can look through at most {MOST_TESTED:,} events. Add filter[{CUSTOMER_ID}]."
    return ParameterProblem(parameter, detail)


def _is_behind(event: ListedEvent, wanted: ListRange) -> bool:
    if wanted.behind is None:
        return True
    return event.place < wanted.behind if wanted.descending else event.place > wanted.behind


async def _selection(
    connection: Connection, site: int, kind: str, query: ParsedQuery, caller: Caller
) -> EventSelection | None:
    """What the filters by site and customer select; None if nothing. Raises ParameterProblem."""
    found = await _of_customer(connection, site, kind, query, caller)
    for name, value in query.filters:
        if name != CUSTOMER_EMAIL or found is None:
            continue
        try:
            who = parse_who({"email": value.replace(" ", "+")})  # an address has no blanks: the + was sent bare
        except RefusedError:
            detail = f"filter[{name}] must be an email address."
            raise ParameterProblem(f"filter[{name}]", detail) from None
        card = await find_card(connection, found.site, who)
        numbers = None if card is None else await numbers_of(connection, found.site, card)
        if numbers is None or found.customers not in (None, numbers):
            return None
        found = EventSelection(found.site, kind, numbers)
    return found


async def _of_customer(
    connection: Connection, site: int, kind: str, query: ParsedQuery, caller: Caller
) -> EventSelection | None:
    asked = {value for name, value in query.filters if name == CUSTOMER_ID}
    if not asked:
        return EventSelection(site, kind)
    numbers = {whole_number(text.strip(), longest=16) for text in asked}
    if None in numbers:
        detail = f"filter[{CUSTOMER_ID}] must be the id of a customer, a number."
        raise ParameterProblem(f"filter[{CUSTOMER_ID}]", detail)
    number = numbers.pop()
    if numbers or number is None or number >= NUMBER_LIMIT:
        return None
    place, customer = split_number(number)
    names_site = any(name == SITE_ID for name, _ in query.filters)
    if place not in caller.sites or (names_site and place != site):
        return None
    whole = await number_after_merges(connection, place, customer)
    return None if whole is None else EventSelection(place, kind, await group_of(connection, place, whole))


async def find_item(call: Call, caller: Caller, listed: EventList, read: Read[Listed]) -> tuple[int, Listed]:
    """The site and the item that the path names. Raises Problem."""
    place = event_place(call.path("id"))
    if place is not None and place[0] in caller.sites:
        site, number = place
        async with call.services.store.snapshot() as connection:
            event = await find_event(connection, site, listed.kind, number)
            if event is not None:
                return site, (await read(connection, site, [event]))[0]
    raise Problem("object_not_found", f"No {listed.noun} has this id.")


def event_place(text: str) -> tuple[int, int] | None:
    """The site and the number of the event that a public id names."""
    known = whole_number(text.strip(), longest=16)
    return None if known is None or known >= NUMBER_LIMIT else split_number(known)


def shown_alone(
    call: Call, listed: EventList, query: ParsedQuery, shown: dict[str, Any], *, status: int = 200
) -> Response:
    """The document of one item, out of the document of a list."""
    (resource,) = shown["data"]
    home = origin(call.scope, call.services.settings.trusted_proxies)
    address = f"{home}/v1/{listed.path}/{resource['id']}"
    links = {"self": address, "current": address}
    headers = {"Location": address} if status == 201 else None
    return document(
        {**shown, "data": resource, "links": links}, warnings=query.warnings, status=status, headers=headers
    )


def flag(name: str, value: str) -> bool:
    """The value of a filter that is true or false. Raises ParameterProblem."""
    known = FLAGS.get(value.strip().lower())
    if known is None:
        raise ParameterProblem(f"filter[{name}]", f"filter[{name}] must be one of {', '.join(FLAGS)}.")
    return known


def bounds_of(query: ParsedQuery) -> tuple[int, int]:
    """The times (ms) between which the filters ask; a date as the end includes its day. Raises ParameterProblem."""
    since, until = -FOREVER, FOREVER
    for name, value in query.filters:
        if name not in (START, END, *CREATED):
            continue
        text = value.strip().replace(" ", "+")
        try:
            moment = parse_moment(text)
        except ValueError:
            detail = f"filter[{name}] must be a date such as 2026-01-31, an ISO 8601 time or Unix seconds."
            raise ParameterProblem(f"filter[{name}]", detail) from None
        if name in (START, CREATED[0]):
            since = max(since, moment)
        else:
            until = min(until, moment + (DAY - 1 if len(text) == _DATE and "-" in text else 0))
    return since, until
