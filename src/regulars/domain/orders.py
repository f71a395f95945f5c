"""Orders: an order is the sum of its distinct lines, however often and in which order they are reported.

Reports that bring ids of their own are lines of their own. Reports without one are the same line when they name the
same products, and a refund also the same time; the later report's amount is taken. Such a line that says what a line
with an id says is the same line.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from regulars.domain.limits import DEFAULT
from regulars.domain.money import parse_cents
from regulars.domain.references import Reference, parse_reference
from regulars.domain.text import is_blank

_LARGEST_PRODUCTS = 10_000


class Report(Struct, frozen=True):
    """One report of an order, taken from an event.

    uuid: the id that the caller gave the event, None if it gave none. at: when the caller says it was (ms), None if it
    does not say. amount: cents, None if none was told. products: those that the event names.
    """

    uuid: bytes | None
    at: int | None
    amount: int | None
    products: frozenset[Reference]


def total(event: str, reports: Iterable[Report]) -> int:
    """The sum of an order's lines (cents), from all reports of one event, "purchase" or "refund"."""
    known: dict[object, list[int | None]] = defaultdict(list)
    unnamed: dict[object, tuple[bool, float, int]] = {}
    named: set[bytes] = set()
    for report in reports:
        line: object = (report.products, report.at if event == "refund" else None)
        if report.uuid is None:
            rank = _rank(report)
            unnamed[line] = max(unnamed.get(line, rank), rank)
        elif report.uuid not in named:
            named.add(report.uuid)
            known[line].append(report.amount)
    found = sum(amount or 0 for amounts in known.values() for amount in amounts)
    for line, (has_amount, _, amount) in unnamed.items():
        others = known.get(line, ())
        if not has_amount or amount in others:
            continue
        found += amount  # also where a line with an id lacks its amount: it is told here
    return found


def _rank(report: Report) -> tuple[bool, float, int]:
    """The order of reports of the same line; the greatest counts: with an amount, then the latest, then the largest."""
    return report.amount is not None, float("-inf") if report.at is None else report.at, report.amount or 0


def report_of(uuid: bytes | None, at: int | None, detail: str | None) -> Report:
    """The report in a stored event: its own id, its own time, and its details as JSON."""
    body: dict[str, Any] = msgspec.json.decode(detail) if detail else {}
    return Report(uuid, at, _amount(body), _products(body))


def _amount(body: dict[str, Any]) -> int | None:
    for field in ("revenue", "amount"):
        value = body.get(field)
        if value is not None and not is_blank(value):
            try:
                return parse_cents(value)
            except ValueError:
                return None
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
