"""The table of exported customers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from regulars.exporting.customer_columns import ATTRIBUTE_PREFIX, BY_NAME
from regulars.exporting.customer_lines import former_line, lines_of, tie_line
from regulars.exporting.customer_slice import CustomerSlice
from regulars.exporting.people import ExportedCustomer
from regulars.exporting.tables import Form, as_objects, refuse_unknown
from regulars.store.export_reads import ALL_PARTS, CustomerPart

ATTRIBUTES: Final = "custom_attributes"
"""The field with all attributes: an object in lines, a column for each in tables."""

OTHERS: Final = "other_attributes"
"""The column with the attributes that have no column of their own."""

FIELDS: Final = (*BY_NAME, ATTRIBUTES, "ties", "former_addresses")
"""What `fields` may name."""

_ONLY_IN_LINES: Final = ("ties", "former_addresses")


class CustomerTable:
    """Customers as columns and lines.

    fields: of FIELDS, or `attributes.NAME`; None for all. attributes: those that get a column of their own.
    Raises BadFieldError.
    """

    def __init__(self, fields: Sequence[str] | None = None, attributes: Sequence[str] = ()) -> None:
        refuse_unknown([name for name in fields or () if not is_attribute(name)], FIELDS)
        self._fields = fields
        columns = [name for name in fields or (*BY_NAME, ATTRIBUTES) if name not in _ONLY_IN_LINES]
        named = [*(f"{ATTRIBUTE_PREFIX}{name}" for name in attributes), OTHERS]
        self.header = [each for name in columns for each in (named if name == ATTRIBUTES else (name,))]
        self.forms: list[Form] = [BY_NAME[name].form if name in BY_NAME else "json" for name in self.header]

    def parts(self, *, as_lines: bool) -> frozenset[CustomerPart]:
        """What has to be read of the customers."""
        if self._fields is None and as_lines:
            return ALL_PARTS
        return frozenset().union(*(_PARTS.get(name) or _shown_in(name) for name in self._fields or BY_NAME))

    def columns(self, items: Sequence[ExportedCustomer]) -> list[Sequence[Any]]:
        """The columns of customers."""
        return _columns(self.header, CustomerSlice(items))

    def lines(self, items: Sequence[ExportedCustomer]) -> Iterable[Any]:
        """The lines of customers."""
        if self._fields is None:
            return lines_of(items)
        return as_objects(self._fields, _columns(self._fields, CustomerSlice(items)))


_PARTS: Final[Mapping[str, frozenset[CustomerPart]]] = {
    "ties": frozenset({"ties", "mail_ties"}),
    "former_addresses": frozenset({"former"}),
}


def _shown_in(name: str) -> frozenset[CustomerPart]:
    """What a column is made of, beside the row."""
    column = BY_NAME.get(name)
    if column is None:
        return frozenset()
    if column.relation is not None:
        return frozenset({"ties"})
    return frozenset({"consents"}) if column.form == "evidence" else frozenset()


def is_attribute(field: str) -> bool:
    """Whether a field is one attribute, as in `attributes.plan`."""
    return field.startswith(ATTRIBUTE_PREFIX) and field != ATTRIBUTE_PREFIX


def _columns(names: Sequence[str], customers: CustomerSlice) -> list[Sequence[Any]]:
    """The columns of these names, each a field or in a header."""
    found: dict[str, Sequence[Any]] = {}
    attributes = list(dict.fromkeys(filter(is_attribute, names)))
    if attributes or OTHERS in names:
        values, others = customers.attributes(name.removeprefix(ATTRIBUTE_PREFIX) for name in attributes)
        found = {**dict(zip(attributes, values, strict=True)), OTHERS: others}
    return [found[name] if name in found else _column(name, customers) for name in names]


def _column(name: str, customers: CustomerSlice) -> Sequence[Any]:
    if name == ATTRIBUTES:
        return [msgspec.Raw(text or "{}") for text in customers.stored("attributes")]
    if name == "ties":
        return [list(map(tie_line, each.ties)) for each in customers.people]
    if name == "former_addresses":
        return [list(map(former_line, each.former)) for each in customers.people]
    return customers.cells(BY_NAME[name])
