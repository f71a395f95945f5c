"""Sales and submissions of forms, as they are read from the events that tell them.

An order is what the purchases with its order id tell, or one purchase without such an id. Its events have numbers; the
order has that of the first. Merged customers have their orders together.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.orders import Report, Sums, amount_in, growth, report_of, total
from regulars.domain.working import LACKS_TIME, LACKS_UUID
from regulars.store import sale_statements as sql
from regulars.store.engine import Connection, Row
from regulars.store.list_ranges import ListPlace, ListRange, read_range
from regulars.store.merge_statements import PARTS, REPORTS
from regulars.store.reads import FOREVER
from regulars.store.threads import off_loop

_SLICE: Final = 500
_OTHER: Final = {"purchase": "refund", "refund": "purchase"}


class ListedEvent(Struct, frozen=True):
    """One event of a list. customer: the one whom it is about, after merges. at: when it was (ms)."""

    number: int
    customer: int
    name: str
    at: int
    uuid: bytes | None
    order_id: str | None
    detail: dict[str, Any]
    lacks: int

    @property
    def place(self) -> ListPlace:
        """Where it stands in lists."""
        return ListPlace(self.at, self.number)


class EventSelection(Struct, frozen=True):
    """Which events are listed. kind: one of `sale_statements.KINDS`. customers: the numbers of one customer, None for
    all. since, until: inclusive (ms)."""

    site: int
    kind: str
    customers: Sequence[int] | None = None
    since: int = -FOREVER
    until: int = FOREVER

    @property
    def is_bounded(self) -> bool:
        """Whether events of some times only are listed."""
        return (self.since, self.until) != (-FOREVER, FOREVER)

    def values(self) -> dict[str, Any]:
        """The parameters of the statements."""
        found: dict[str, Any] = {"site": self.site, "since": self.since, "until": self.until}
        return found if self.customers is None else {**found, "keys": _json(self.customers)}


async def read_events(connection: Connection, selection: EventSelection, wanted: ListRange) -> list[ListedEvent]:
    """A range of a list of events."""
    statements = (sql.OF_SITE if selection.customers is None else sql.OF_CUSTOMERS)[selection.kind]
    if selection.customers is not None:  # they may be far behind events of other names
        return [
            _event(row)
            for row in await connection.in_thread(
                statements[wanted.descending], {**selection.values(), **wanted.values()}
            )
        ]
    return [_event(row) for row in await read_range(connection, statements, selection.values(), wanted)]


async def count_events(connection: Connection, selection: EventSelection) -> int:
    """How many events a selection has."""
    values = selection.values()
    if selection.customers is None and selection.kind == "purchases" and not selection.is_bounded:
        return await _count_purchases(connection, selection.site)
    if selection.customers is None:
        ((count,),) = await connection.in_thread(sql.COUNT[selection.kind], values)
        return int(count)
    statement = sql.COUNT_OF_CUSTOMER[selection.kind]
    counted = [await connection.in_thread(statement, {**values, "customer": each}) for each in selection.customers]
    return sum(int(rows[0][0]) for rows in counted)


async def _count_purchases(connection: Connection, site: int) -> int:
    """How many purchases a site has. An order counts once for all who reported it and were merged."""
    ((count,),) = await connection.in_thread(sql.COUNT_ALL_PURCHASES, {"site": site})
    parts = sorted(await connection.in_thread(sql.PARTS_OF_SITE, {"site": site}))
    groups: list[list[tuple[int, int]]] = []
    for whole, members in groupby(parts, key=itemgetter(0)):
        groups.append([(whole, whole), *((whole, number) for _, number in members)])
    for start in range(0, len(groups), _SLICE):
        keys = _json([pair for group in groups[start : start + _SLICE] for pair in group])
        reported = set(await connection.in_thread(sql.ORDERS_OF_PARTS, {"site": site, "keys": keys}))
        count -= len(reported) - len({(group, order) for group, order, _ in reported})
    return int(count)


async def all_events(
    connection: Connection, selection: EventSelection, *, descending: bool
) -> AsyncIterator[list[ListedEvent]]:
    """All events of a selection in their order, in slices."""
    wanted = ListRange(_SLICE, descending)
    while found := await read_events(connection, selection, wanted):
        yield found
        if len(found) < _SLICE:
            return
        wanted = wanted._replace(behind=found[-1].place)


async def find_event(connection: Connection, site: int, kind: str, number: int) -> ListedEvent | None:
    """The event of a list with this number, None if it is in no such list."""
    row = await connection.one(sql.ONE[kind], {"site": site, "event": number})
    return None if row is None else _event(row)


async def number_of_event(connection: Connection, site: int, uuid: bytes) -> int | None:
    """The number of the event with this id."""
    row = await connection.one(sql.BY_UUID, {"site": site, "uuid_is": uuid})
    return None if row is None else int(row[0])


class Order(Struct, frozen=True):
    """One order: the numbers of its purchases and refunds in ascending order, and what was bought, by currency.

    shares: by event, what it added to the sum of the order, or of its refunds; of the events that were asked for.
    """

    purchases: list[int]
    refunds: list[int]
    total: Sums
    shares: dict[int, Sums]


async def read_orders(
    connection: Connection, site: int, events: Sequence[ListedEvent], *, shares: bool = False
) -> dict[int, Order]:
    """{number of the event: the order that it is of}. shares: whether to find out what each of the events added."""
    asked: dict[tuple[int, str], list[ListedEvent]] = {}
    for event in events:
        if event.order_id is not None:
            asked.setdefault((event.customer, event.order_id), []).append(event)
    found: dict[tuple[int, str], Order] = {}
    if asked:
        wholes = sorted({customer for customer, _ in asked})
        parts = await connection.all(PARTS, {"site": site, "keys": _json(wholes)})
        whole = {**{number: number for number in wholes}, **{part: owner for owner, part in parts}}
        keys = [
            (number, name, order)
            for number, owner in whole.items()
            for customer, order in asked
            if customer == owner
            for name in _OTHER
        ]
        rows = await connection.in_thread(REPORTS, {"site": site, "keys": _json(keys)})
        found = await off_loop(_orders, rows, whole, asked if shares else {})
    return {
        event.number: _alone(event) if event.order_id is None else found[event.customer, event.order_id]
        for event in events
    }


def _orders(
    rows: list[Row], whole: dict[int, int], shared: dict[tuple[int, str], list[ListedEvent]]
) -> dict[tuple[int, str], Order]:
    """The orders of the reports. Takes long where one has very many. shared: events whose shares are asked for."""
    reports: dict[tuple[int, str], dict[str, list[tuple[int, Report]]]] = {}
    for number, customer, name, order, at, uuid, detail, lacks in sorted(rows, key=lambda row: row[0]):
        report = report_of(None if lacks & LACKS_UUID else uuid, None if lacks & LACKS_TIME else at, detail)
        of_order = reports.setdefault((whole[customer], order), {each: [] for each in _OTHER})
        of_order[name].append((number, report))
    return {key: _order(of_order, shared.get(key, ())) for key, of_order in reports.items()}


def _order(reports: dict[str, list[tuple[int, Report]]], shared: Sequence[ListedEvent]) -> Order:
    shares = {}
    for event in shared:
        before = [report for number, report in reports[event.name] if number < event.number]
        after = [report for number, report in reports[event.name] if number <= event.number]
        shares[event.number] = growth(total(event.name, before), total(event.name, after))
    purchases, refunds = ([number for number, _ in reports[name]] for name in ("purchase", "refund"))
    return Order(purchases, refunds, total("purchase", [report for _, report in reports["purchase"]]), shares)


def _alone(event: ListedEvent) -> Order:
    """What an event without an order tells."""
    amount, currency = amount_in(event.detail)
    sums = total(event.name, [Report(None, event.at, amount, frozenset(), currency)])
    is_purchase = event.name == "purchase"
    numbers = [event.number]
    return Order(
        numbers if is_purchase else [],
        [] if is_purchase else numbers,
        sums if is_purchase else {},
        {event.number: sums},
    )


def _event(row: Row) -> ListedEvent:
    number, customer, name, at, uuid, order_id, detail, lacks = row
    return ListedEvent(number, customer, name, at, uuid, order_id, msgspec.json.decode(detail or "{}"), lacks)


def _json(keys: Any) -> str:
    return msgspec.json.encode(keys).decode()
