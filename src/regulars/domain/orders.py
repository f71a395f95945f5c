"""Orders: an order is the sum of its distinct lines, however often and in which order they are reported.

The sum is one for each currency that amounts name, and one of those that name none (under None).

Reports that bring ids of their own are lines of their own; of several reports with one id, the one with the largest
amount counts, so that an amount may be told later. Reports without one are the same line when they name the
same products, and a refund also the same time; the later report's amount is taken. Such a line that says what a line
with an id says is the same line.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from regulars.domain.limits import DEFAULT
from regulars.domain.money import read_amount
from regulars.domain.references import Reference, parse_reference
from regulars.domain.site_settings import parse_currency
from regulars.domain.text import is_blank

_LARGEST_PRODUCTS = 10_000

_REPEATED = "event_uuid"
"""The member of an event's details with the id (hex) of the event that it repeats. Callers cannot set it."""


class Report(Struct, frozen=True):
    """One report of an order, taken from an event.

    uuid: the id that the caller gave the event, None if it gave none. at: when the caller says it was (ms), None if it
    does not say. amount: cents, None if none was told. products: those that the event names. currency: of the amount,
    None if it names none.
    """

    uuid: bytes | None
    at: int | None
    amount: int | None
    products: frozenset[Reference]
    currency: str | None = None


Sums = dict[str | None, int]
"""{currency: cents}; None is the key of amounts that name no currency."""


def total(event: str, reports: Iterable[Report]) -> Sums:
    """The sums of an order's lines, from all reports of one event, "purchase" or "refund"."""
    known: dict[object, list[Report]] = defaultdict(list)
    unnamed: dict[object, Report] = {}
    named: dict[bytes, Report] = {}
    for report in reports:
        if report.uuid is None:
            line = _line(event, report)
            unnamed[line] = max(unnamed.get(line, report), report, key=_rank)
        elif report.uuid not in named or _rank_of_repeat(report) > _rank_of_repeat(named[report.uuid]):
            named[report.uuid] = report
    for report in named.values():
        known[_line(event, report)].append(report)
    counted = [report for reports_of_line in known.values() for report in reports_of_line]
    # One without an id also counts where a line with an id lacks its amount: it is told here.
    counted += [report for line, report in unnamed.items() if not any(_is_same(report, each) for each in known[line])]
    found: Sums = defaultdict(int)
    for report in counted:
        found[report.currency] += report.amount or 0
    return {currency: cents for currency, cents in found.items() if cents}


def tells_more(repeat: Report, reports: Iterable[Report]) -> bool:
    """Whether the repeat of an event with an id of its own tells a larger amount than all reports with this id."""
    same = [_rank_of_repeat(each) for each in reports if each.uuid == repeat.uuid]
    return bool(same) and _rank_of_repeat(repeat) > max(same)


def growth(before: Sums, after: Sums) -> Sums:
    """By how much the sums of an order grew, or fell, in each currency."""
    grown = {currency: after.get(currency, 0) - before.get(currency, 0) for currency in {**before, **after}}
    return {currency: cents for currency, cents in grown.items() if cents}


def _is_same(one: Report, other: Report) -> bool:
    """Whether two reports tell the same amount. One without a currency may mean any."""
    return one.amount == other.amount and (None in (one.currency, other.currency) or one.currency == other.currency)


def _line(event: str, report: Report) -> object:
    """What reports without an id have in common if they are about the same line."""
    return report.products, report.at if event == "refund" else None


def _rank_of_repeat(report: Report) -> tuple[bool, int, str]:
    """The order of reports with one id; the greatest counts: with an amount, the largest, a named currency."""
    return report.amount is not None, report.amount or 0, report.currency or ""


def _rank(report: Report) -> tuple[bool, float, int, str]:
    """The order of reports of one line; the greatest counts: with an amount, the latest, largest, a named currency."""
    at = float("-inf") if report.at is None else report.at
    return report.amount is not None, at, report.amount or 0, report.currency or ""


def report_of(uuid: bytes | None, at: int | None, detail: str | None) -> Report:
    """The report in a stored event: its own id, its own time, and its details as JSON.

    A repeat that told more is a row without an id; its details have that of the event that it repeats.
    """
    body: dict[str, Any] = msgspec.json.decode(detail) if detail else {}
    amount, currency = amount_in(body)
    return Report(uuid or repeated_uuid(body), at, amount, _products(body), currency)


def amount_in(body: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """The amount (cents) in the details of an event and the currency that it names; None for what is not told."""
    amount = _amount(body)
    return amount, None if amount is None else _currency(body)


def with_event_uuid(detail: str | None, uuid: bytes) -> str:
    """The details of a repeat, with the id of the event that it repeats."""
    body: dict[str, Any] = msgspec.json.decode(detail) if detail else {}
    return msgspec.json.encode({**body, _REPEATED: uuid.hex()}).decode()


def repeated_uuid(body: dict[str, Any]) -> bytes | None:
    """The id of the event that a stored event repeats, from its details; None if it repeats none."""
    repeated = body.get(_REPEATED)
    return bytes.fromhex(repeated) if isinstance(repeated, str) else None


def _amount(body: Mapping[str, Any]) -> int | None:
    for field in ("revenue", "amount"):
        value = body.get(field)
        if value is not None and not is_blank(value):
            try:
                return read_amount(value).cents
            except ValueError:
                return None
    return None


def _currency(body: Mapping[str, Any]) -> str | None:
    value = body.get("currency")
    try:
        return None if value is None or is_blank(value) else parse_currency(value)
    except ValueError:
        return None


def _products(body: dict[str, Any]) -> frozenset[Reference]:
    listed = body.get("product_ids") or []
    values = [body.get("product_id"), *(listed if isinstance(listed, list) else [])]
    found = set()
    for value in values[:_LARGEST_PRODUCTS]:
        if value is not None and value != "":
            try:
                found.add(parse_reference(value, "product", longest=DEFAULT.object_key))
            except ValueError:
                continue
    return frozenset(found)
