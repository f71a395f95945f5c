"""The table of exported customers."""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from regulars.exporting.customer_columns import ATTRIBUTE_PREFIX, BY_NAME, CONVERTED
from regulars.exporting.customer_lines import former_lines, lines_of, tie_line
from regulars.exporting.people import PLACES, ExportedCustomer
from regulars.exporting.tables import refuse_unknown

ATTRIBUTES: Final = "custom_attributes"
"""The field with all attributes: an object in lines, a column for each in tables."""

OTHERS: Final = "other_attributes"
"""The column with the attributes that have no column of their own."""

FIELDS: Final = (*BY_NAME, ATTRIBUTES, "ties", "former_addresses")
"""What `fields` may name."""

_ONLY_IN_LINES: Final = ("ties", "former_addresses")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class CustomerTable:
    """Customers as rows and lines.

    fields: of FIELDS, or `attributes.NAME`; None for all. attributes: those that get a column of their own.
    Raises BadFieldError.
    """

    def __init__(self, fields: Sequence[str] | None = None, attributes: Sequence[str] = ()) -> None:
        refuse_unknown([name for name in fields or () if not is_attribute(name)], FIELDS)
        self._fields = fields
        columns = [name for name in fields or (*BY_NAME, ATTRIBUTES) if name not in _ONLY_IN_LINES]
        named = [*(f"{ATTRIBUTE_PREFIX}{name}" for name in attributes), OTHERS]
        self.header = [each for name in columns for each in (named if name == ATTRIBUTES else (name,))]
        places = {name: place for place, name in enumerate(self.header)}
        shown = [BY_NAME[name] for name in columns if name in BY_NAME]
        self.is_moment = [name in BY_NAME and BY_NAME[name].form == "moment" for name in self.header]
        stored = {column.name: column.field for column in shown if column.field is not None}
        # A cell that no column of the customer fills is taken from the place behind them, which is empty.
        self._values: Callable[[tuple[Any, ...]], tuple[Any, ...]] = itemgetter(
            *(PLACES[stored[name]] if name in stored else -1 for name in self.header), -1, -1
        )
        self._conversions = [(places[each.name], CONVERTED[each.form]) for each in shown if each.form in CONVERTED]
        self._relations = {column.relation: places[column.name] for column in shown if column.relation is not None}
        self._computed = [(places[each.name], each) for each in shown if each.field is None and each.relation is None]
        self._attributes = {
            name.removeprefix(ATTRIBUTE_PREFIX): place for name, place in places.items() if is_attribute(name)
        }
        self._others = places.get(OTHERS)

    def row(self, item: ExportedCustomer) -> list[Any]:
        """The cells of a customer."""
        cells: list[Any] = [*self._values((*item.row, None))]
        del cells[-2:]
        for place, convert in self._conversions:
            if (value := cells[place]) is not None:
                cells[place] = convert(value)
        for place, column in self._computed:
            cells[place] = column.value(item)
        relations = self._relations
        for tie in item.ties:
            if tie.relation in relations:
                place = relations[tie.relation]
                if tie.label is None:
                    cells[place] = tie.holds
                elif tie.holds:
                    cells[place] = [*(cells[place] or ()), tie.label.id]
        if item.attributes and (self._attributes or self._others is not None):
            self._fill_attributes(cells, _decode(item.attributes))
        return cells

    def _fill_attributes(self, cells: list[Any], attributes: dict[str, Any]) -> None:
        rest = {}
        for name, value in attributes.items():
            if name in self._attributes:
                cells[self._attributes[name]] = value
            else:
                rest[name] = value
        if self._others is not None:
            cells[self._others] = rest or None

    def lines(self, item: ExportedCustomer) -> Iterable[dict[str, Any]]:
        """The lines of a customer."""
        return lines_of(item) if self._fields is None else [{name: _field(name, item) for name in self._fields}]


def is_attribute(field: str) -> bool:
    """Whether a field is one attribute, as in `attributes.plan`."""
    return field.startswith(ATTRIBUTE_PREFIX) and field != ATTRIBUTE_PREFIX


def _field(name: str, item: ExportedCustomer) -> Any:
    if is_attribute(name):
        attributes = _decode(item.attributes) if item.attributes else {}
        return attributes.get(name.removeprefix(ATTRIBUTE_PREFIX))
    if name == ATTRIBUTES:
        return msgspec.Raw(item.attributes or "{}")
    if name == "ties":
        return [tie_line(tie) for tie in item.ties]
    if name == "former_addresses":
        return former_lines(item)
    return BY_NAME[name].value(item)
