"""The report of a broadcast: how many customers it reached at each status, by hour, and what they bought after a click.

The number of each status is that of the customers of a question, and so is each number of an hour.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.event_evaluation import counted, selected
from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Happened, Predicate, Selection
from regulars.audience.index import SiteIndex
from regulars.audience.questions.selecting import customers_of, predicate_of
from regulars.audience.questions.subjects.mails import selection_of
from regulars.audience.questions.tree import DidCondition, MailCondition, Node, SequenceCondition, SequenceStep
from regulars.audience.structures.bitmaps import distinct, to_ordinals
from regulars.audience.structures.event_facets import AMOUNT, CENTS
from regulars.audience.structures.events import AT, ORDINALS
from regulars.domain.moments import DAY

RATES: Final[dict[str, str | None]] = {
    "sent": None,
    "delivered": "sent",
    "opened": "delivered",
    "clicked": "delivered",
    "bounced": "sent",
    "dropped": "sent",
    "complained": "delivered",
    "unsubscribed": "delivered",
}
"""Every status, and the status of which its rate is a share. Without deliveries, `sent` stands for `delivered`."""

REVENUE: Final = "revenue"
PURCHASE: Final = "purchase"
MOST_HOURS: Final = 1_000
_HOUR: Final = 3_600_000
_QUARTER: Final = 900_000
"""Offsets of time zones change at such moments only."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Purchases(Struct, frozen=True):
    """What customers bought after a click. events: their number. cents: of those with an amount that counts."""

    customers: int
    events: int
    cents: int


class Hour(Struct, frozen=True):
    """The customers with a status in an hour, by status, and the cents of that hour. at: its begin (ms)."""

    at: int
    customers: dict[str, int]
    cents: int


class BroadcastReport(Struct, frozen=True):
    """The figures. purchases, hours: None if they are not asked for. left_out: hours beyond the first MOST_HOURS."""

    customers: dict[str, int]
    purchases: Purchases | None
    hours: list[Hour] | None
    left_out: int

    def rate(self, status: str) -> tuple[float | None, str | None]:
        """The rate of a status, and the status of which it is a share."""
        of = RATES[status]
        if of == "delivered" and not self.customers["delivered"]:
            of = "sent"
        return (None if of is None else share(self.customers[status], self.customers[of])), of


def share(part: int, whole: int) -> float | None:
    """part / whole; None of nothing."""
    return round(part / whole, 6) if whole else None


def status_node(status: str, broadcast: int) -> Node:
    """The customers that the broadcast reached at a status."""
    return MailCondition(status, (broadcast,))


def revenue_node(broadcast: int, days: int) -> Node:
    """The customers who purchased within so many days after a click."""
    clicked, purchase = MailCondition("clicked", (broadcast,)), DidCondition(PURCHASE)
    return SequenceCondition((SequenceStep(clicked), SequenceStep(purchase)), f"{days}d")


class Reporting(Struct, frozen=True):
    """What to report. days: for how long after a click purchases count. currency: of the site, as its number.

    asks_hours, asks_purchases: whether they are asked for: they need columns of events.
    """

    broadcast: int
    days: int
    zone: tzinfo
    currency: int
    asks_hours: bool
    asks_purchases: bool

    def sets(self, node: Node, moment: Moment) -> list[Predicate]:
        """The sets to study: the customers of a question, then those of each status. Others only tell what is read."""
        nodes = [status_node(status, self.broadcast) for status in RATES]
        found = [customers_of(node, moment), *(predicate_of(each, moment) for each in nodes)]
        selections = self._selections(moment)
        if selections:
            read = [Happened(selection) for selection in selections.values()]
            read.append(Happened(Selection((PURCHASE,)), "sum", AMOUNT, (None, None, True, True)))
            found += [p.All((p.Any(), each)) for each in read]  # nobody, at no cost
        return found

    def _selections(self, moment: Moment) -> dict[str, Selection]:
        """The events of each status that are looked at."""
        statuses = RATES if self.asks_hours else ["clicked"] if self.asks_purchases else []
        return {status: selection_of(MailCondition(status, (self.broadcast,)), moment) for status in statuses}

    def report(self, index: SiteIndex, found: Sequence[BitMap], moment: Moment) -> BroadcastReport:
        """Report on the sets of `sets`. Raises MissingColumnError if a column is not built."""
        customers = {status: len(found[0] & tied) for status, tied in zip(RATES, found[1:], strict=False)}
        selections = self._selections(moment)
        if not selections:
            return BroadcastReport(customers, None, None, 0)
        inside = np.zeros(index.size, dtype=np.bool_)
        inside[to_ordinals(found[0])] = True
        events = {status: _events(selection, index, inside) for status, selection in selections.items()}
        bought = _bought(index, inside, self.currency, *events["clicked"], within=self.days * DAY)
        purchases = Purchases(distinct(bought[0]).size, bought[0].size, int(bought[2].sum()))
        if not self.asks_hours:
            return BroadcastReport(customers, purchases, None, 0)
        hours = _by_hour(events, bought, self.zone, index.size)
        return BroadcastReport(customers, purchases, hours[:MOST_HOURS], max(len(hours) - MOST_HOURS, 0))


_Events = tuple[NDArray[Any], NDArray[Any]]
"""The ordinals and times of events."""

_Bought = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""The ordinals, times and cents of purchases; 0 cents for an amount that does not count."""


def _events(selection: Selection, index: SiteIndex, inside: NDArray[np.bool_]) -> _Events:
    found = [(picked[ORDINALS], picked[AT]) for _, picked, _ in selected(selection, index, None)]
    ordinals, at = (np.concatenate(each) for each in zip(*found, strict=True))
    kept = inside[ordinals]
    return ordinals[kept], at[kept]


def _bought(
    index: SiteIndex,
    inside: NDArray[np.bool_],
    currency: int,
    clickers: NDArray[Any],
    clicks: NDArray[Any],
    *,
    within: int,
) -> _Bought:
    """The purchases of customers within a time (ms) after one of their clicks."""
    ((_, picked, _),) = selected(replace(Selection((PURCHASE,)), currency=currency), index, None, [AMOUNT])
    ordinals, at = picked[ORDINALS], picked[AT]
    cents = np.where(counted(picked, currency), picked[CENTS], 0)
    clicked = np.zeros_like(inside)
    clicked[clickers] = True
    kept = clicked[ordinals]
    ordinals, at, cents = ordinals[kept], at[kept], cents[kept]
    if not ordinals.size:
        return ordinals, at, cents
    # Of all clicks before a purchase the latest is the nearest.
    times = distinct(np.concatenate([clicks, at]))
    keys = clickers.astype(np.int64) * times.size + np.searchsorted(times, clicks)
    order = np.argsort(keys)
    mine = ordinals.astype(np.int64) * times.size + np.searchsorted(times, at)
    latest = np.searchsorted(keys[order], mine) - 1
    after = latest >= 0
    nearest = order[np.maximum(latest, 0)]
    after &= (clickers[nearest] == ordinals) & (at - clicks[nearest] <= within)
    return ordinals[after], at[after], cents[after]


def _by_hour(events: Mapping[str, _Events], bought: _Bought, zone: tzinfo, size: int) -> list[Hour]:
    """The hours in which there was something, in order."""
    times = [at for _, at in events.values()] + [bought[1]]
    begins = _hours(times, zone)
    starts = distinct(np.concatenate([distinct(each) for each in begins]))
    *places, sold = (np.searchsorted(starts, each) for each in begins)
    counts = []
    for (ordinals, _), hours in zip(events.values(), places, strict=True):
        if ordinals.size and int(np.bincount(ordinals).max()) > 1:
            hours = distinct(hours * size + ordinals) // size
        counts.append(np.bincount(hours, minlength=starts.size).tolist())
    cents = [0] * starts.size
    for hour, amount in zip(sold.tolist(), bought[2].tolist(), strict=True):
        cents[hour] += amount
    rows = zip(starts.tolist(), zip(*counts, strict=True), cents, strict=True)
    return [
        Hour(at, {status: count for status, count in zip(events, row, strict=True) if count}, sum_of)
        for at, row, sum_of in rows
    ]


def _hours(times: Sequence[NDArray[np.int64]], zone: tzinfo) -> list[NDArray[np.int64]]:
    """When the local hour of each moment begins."""
    quarters = [at // _QUARTER for at in times]
    known = distinct(np.concatenate([distinct(each) for each in quarters]))
    offsets = np.array([_offset(each * _QUARTER, zone) for each in known.tolist()], dtype=np.int64)
    return [
        at - (at + offsets[np.searchsorted(known, quarter)]) % _HOUR
        for at, quarter in zip(times, quarters, strict=True)
    ]


@lru_cache(maxsize=16_384)
def _offset(moment: int, zone: tzinfo) -> int:
    """How far the zone is ahead of UTC, in ms."""
    try:
        local = (_EPOCH + timedelta(milliseconds=moment)).astimezone(zone)
    except OverflowError:  # in the first or last hours of the calendar
        return 0
    return round((local.utcoffset() or timedelta()) / timedelta(milliseconds=1))
