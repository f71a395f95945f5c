"""A slice of exported customers, a column at a time: half the work of a customer at a time."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import repeat
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np

from regulars.domain.identity import public_number
from regulars.domain.moments import iso
from regulars.domain.money import decimal_text
from regulars.exporting.customer_columns import CustomerColumn, evidence
from regulars.exporting.people import PLACES, ExportedCustomer
from regulars.exporting.tables import is_empty

_decode = msgspec.json.Decoder(list[dict[str, Any]]).decode
_UUID_LENGTH: Final = 36
_UUID_DIGITS: Final = [place for place in range(_UUID_LENGTH) if place not in (8, 13, 18, 23)]
"""The places of a uuid's digits in its text; the others are hyphens."""

_row = attrgetter("row")
_ties = attrgetter("ties")


class CustomerSlice:
    """Customers, at least one, by columns. A column has a cell for each customer, which is None if it is empty."""

    def __init__(self, people: Sequence[ExportedCustomer]) -> None:
        self.people = people
        self.nothing: Sequence[Any] = (None,) * len(people)
        self._stored = tuple(zip(*map(_row, people), strict=True))
        self._texts = {"moment": _Texts(iso), "money": _Texts(decimal_text)}

    @property
    def ids(self) -> list[int]:
        """The public numbers."""
        return list(map(public_number, repeat(self.people[0].site), self.stored("number")))

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
            return self.listed("consents", evidence)
        return self.ids

    def listed(self, name: str, show: Callable[[Any], Any]) -> Sequence[list[Any] | None]:
        """The items of a sequence that each customer has, such as `ties`, as files show them. None if it is empty."""
        found = list(map(attrgetter(name), self.people))
        return [list(map(show, items)) or None for items in found] if any(found) else self.nothing

    def attributes(self, names: Iterable[str]) -> tuple[list[list[Any]], list[dict[str, Any] | None]]:
        """The columns of these attributes, and the other attributes of each customer as an object."""
        documents = _decode(f"[{','.join([text or '{}' for text in self.stored('attributes')])}]")
        named = list(names)
        columns = [[each.get(name) for each in documents] for name in named]
        if set().union(*documents) <= set(named):
            return columns, list(self.nothing)
        left_out = set(named)
        others = ({name: value for name, value in each.items() if name not in left_out} for each in documents)
        return columns, [each or None for each in others]

    def _shown(self, values: Sequence[Any], form: str) -> Sequence[Any]:
        if is_empty(values):
            return values
        if form == "uuid":
            return uuid_texts(values)
        texts = self._texts.get(form)
        return values if texts is None else texts.of(values)

    @cached_property
    def _tied(self) -> dict[str, list[Any]]:
        """By relation: whether a flag holds, or the keys and numbers of the objects that customers are tied to."""
        found: dict[str, list[Any]] = {}
        for place, ties in enumerate(map(_ties, self.people)):
            for tie in ties:
                cells = found.get(tie.relation)
                if cells is None:
                    cells = found[tie.relation] = list(self.nothing)
                if tie.label is None:
                    cells[place] = tie.holds
                elif tie.holds:
                    cells[place] = [*(cells[place] or ()), tie.label.id]
        return found


class _Texts:
    """Values as text. Those of a slice repeat: customers are often created and updated at the same moment."""

    def __init__(self, convert: Callable[[Any], str]) -> None:
        self._known: dict[Any, str | None] = {None: None}
        self._convert = convert

    def of(self, values: Sequence[Any]) -> list[str | None]:
        """The texts of a column."""
        new = set(values).difference(self._known)
        self._known.update(zip(new, map(self._convert, new), strict=True))
        return list(map(self._known.__getitem__, values))


def uuid_texts(values: Sequence[bytes]) -> list[str]:
    """`uuid_text` of each of many uuids, in a third of the time."""
    digits = np.frombuffer(b"".join(values).hex().encode(), np.uint8)
    texts = np.full((len(values), _UUID_LENGTH), ord("-"), np.uint8)
    texts[:, _UUID_DIGITS] = digits.reshape(len(values), len(_UUID_DIGITS))
    joined = texts.tobytes().decode()
    return [joined[start : start + _UUID_LENGTH] for start in range(0, len(joined), _UUID_LENGTH)]
