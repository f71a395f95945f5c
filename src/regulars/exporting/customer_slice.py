"""A slice of exported customers, a column at a time: half the work of a customer at a time."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec

from regulars.domain.identity import public_number, uuid_text
from regulars.domain.moments import iso
from regulars.domain.money import decimal_text
from regulars.exporting.customer_columns import CustomerColumn, evidence
from regulars.exporting.people import PLACES, ExportedCustomer

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_NOTHING: Final = frozenset({None})


class CustomerSlice:
    """Customers, at least one, by columns. A column has a cell for each customer, which is None if it is empty."""

    def __init__(self, people: Sequence[ExportedCustomer]) -> None:
        self.people = people
        self.nothing: Sequence[Any] = (None,) * len(people)
        self._stored = tuple(zip(*(each.row for each in people), strict=True))
        self._texts = {"moment": _Texts(iso), "money": _Texts(decimal_text)}

    @property
    def ids(self) -> list[int]:
        """The public numbers."""
        site = self.people[0].site
        return [public_number(site, number) for number in self.stored("number")]

    def stored(self, field: str) -> Sequence[Any]:
        """A field of `Customer`, as it is stored."""
        return self._stored[PLACES[field]]

    def cells(self, column: CustomerColumn) -> Sequence[Any]:
        """A column as files show it."""
        if column.field is not None:
            return self._shown(self.stored(column.field), column.form)
        if column.relation is not None:
            return self._tied.get(column.relation, self.nothing)
        if column.form == "evidence":
            return [list(map(evidence, each.consents)) or None for each in self.people]
        return self.ids

    def attributes(self, names: Iterable[str]) -> tuple[list[list[Any]], list[dict[str, Any] | None]]:
        """The columns of these attributes, and the other attributes of each customer as an object."""
        found = {name: list(self.nothing) for name in names}
        others: list[dict[str, Any] | None] = list(self.nothing)
        for place, text in enumerate(self.stored("attributes")):
            for name, value in _decode(text).items() if text else ():
                cells = found.get(name)
                if cells is not None:
                    cells[place] = value
                else:
                    rest = others[place] = others[place] or {}
                    rest[name] = value
        return list(found.values()), others

    def _shown(self, values: Sequence[Any], form: str) -> Sequence[Any]:
        if _NOTHING.issuperset(values):
            return values
        if form == "uuid":
            return list(map(uuid_text, values))
        texts = self._texts.get(form)
        return values if texts is None else list(map(texts.__getitem__, values))

    @cached_property
    def _tied(self) -> dict[str, list[Any]]:
        """By relation: whether a flag holds, or the keys and numbers of the objects that customers are tied to."""
        found: dict[str, list[Any]] = {}
        for place, each in enumerate(self.people):
            for tie in each.ties:
                cells = found.get(tie.relation)
                if cells is None:
                    cells = found[tie.relation] = list(self.nothing)
                if tie.label is None:
                    cells[place] = tie.holds
                elif tie.holds:
                    cells[place] = [*(cells[place] or ()), tie.label.id]
        return found


class _Texts(dict[Any, str | None]):
    """Values as text. Those of a slice repeat: customers are often created and updated at the same moment."""

    def __init__(self, convert: Callable[[Any], str]) -> None:
        super().__init__({None: None})
        self._convert = convert

    def __missing__(self, value: Any) -> str:
        text = self[value] = self._convert(value)
        return text
