"""Rows of a table as events: one row an event, or the rows of an order as one purchase, and a refund."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec

from regulars.domain.faults import Fault, RefusedError
from regulars.importing.columns.amounts import read_number
from regulars.importing.columns.cells import cleaned, is_plain, null_words
from regulars.importing.columns.lists import read_list
from regulars.importing.columns.mapping import TableColumn, TableMapping, Wishes
from regulars.importing.columns.order_exports import payment_of
from regulars.importing.reading.delimited import Row

_AMOUNTS: Final = ("revenue", "refunded")
_OF_BOTH: Final = ("email", "customer_id", "uuid", "order_id", "currency", "timestamp")
PURCHASE: Final = "purchase"
REFUND: Final = "refund"


class RowEvent(NamedTuple):
    """An event in JSON with the row that it comes from, or why that is refused. rest: further rows of its order."""

    row: Row
    body: bytes
    refusal: RefusedError | None = None
    rest: tuple[Row, ...] = ()


class EventConverter:
    """Converts the rows of one table. event: the name of events whose row has none; orders are purchases."""

    def __init__(self, mapping: TableMapping, wishes: Wishes, *, event: str | None = None) -> None:
        self._columns = [column for column in mapping.columns if column.target.field != "ignore"]
        self._order = mapping.column_of("order_id") if mapping.exporter is not None else None
        self._event = event or (PURCHASE if mapping.exporter is not None else None)
        self._nulls = null_words(wishes.nulls)

    def convert(self, rows: Iterator[Row]) -> Iterator[RowEvent]:
        """The events of rows, in order. Neighbouring rows of one order belong together."""
        if self._order is None:
            for row in rows:
                yield from self._events((row,))
            return
        place = self._order.place
        for _, several in groupby(rows, key=lambda row: (row.problem, row.cells[place : place + 1] or row.line)):
            yield from self._events(tuple(several))

    def _events(self, rows: tuple[Row, ...]) -> Iterator[RowEvent]:
        row, *rest = rows
        if row.problem is not None:
            yield RowEvent(row, b"{}", RefusedError("invalid", (Fault("", row.problem),)), tuple(rest))
            return
        faults: list[Fault] = []
        body: dict[str, Any] = {}
        for each in rows:
            for column in self._columns:
                cell = each.cells[column.place]
                if cell and (value := cell if is_plain(cell) else cleaned(cell)) and value not in self._nulls:
                    self._take(body, column, value, faults)
        status, refunded = body.pop("status", None), body.pop("refunded", None)
        if status is not None and self._order is None and self._event is None:
            body["status"] = status  # it says nothing here about payment
        elif status is not None:
            paid = payment_of(status)
            if paid is None:
                faults.append(Fault("status", "must be a status that is known, such as paid, pending or refunded"))
            elif paid == "unpaid":
                return
        body.setdefault("event", self._event)
        if body["event"] is None:
            faults.append(Fault("event", "is missing: say which column has it, or which event all lines are"))
        if faults:
            yield RowEvent(row, b"{}", RefusedError("invalid", tuple(faults)), tuple(rest))
            return
        yield self._happening(row, body, tuple(rest))
        if refunded:
            back: dict[str, Any] = {key: body[key] for key in _OF_BOTH if key in body}
            yield self._happening(row, {**back, "event": REFUND, "revenue": refunded})

    def _happening(self, row: Row, body: dict[str, Any], rest: tuple[Row, ...] = ()) -> RowEvent:
        try:
            return RowEvent(row, msgspec.json.encode(body), None, rest)
        except (UnicodeEncodeError, msgspec.EncodeError):
            fault = Fault("", "The line is not of the encoding of the file: save it as UTF-8.")
            return RowEvent(row, b"{}", RefusedError("invalid", (fault,)), rest)

    def _take(self, body: dict[str, Any], column: TableColumn, value: str, faults: list[Fault]) -> None:
        field = column.target.key or column.target.field
        if field == "product_ids":
            held = body.setdefault(field, [])
            held.extend(each for each in read_list(value, column.separator) if each not in held)
        elif field in body:
            return  # the first line of an order says it
        elif column.date is not None:
            at = column.date.read(value)
            if at is None:
                faults.append(Fault(column.name, f"{value!r} is no date that can be read"))
            else:
                body[field] = at
        elif field in _AMOUNTS or column.target.kind == "number":
            number = read_number(value)
            if number is None:
                faults.append(Fault(column.name, f"{value!r} is no amount that can be read"))
            else:
                body[field] = number
        elif column.target.kind == "list":
            body[field] = read_list(value, column.separator)
        else:
            body[field] = value
