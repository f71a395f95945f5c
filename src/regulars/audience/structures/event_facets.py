"""Facets: what an event column knows of each event besides the customer and the time, each in arrays of its own.

A facet is a tuple of names, so that it can be told in a predicate. Only the facets that questions ask about are built.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from msgspec import Struct

from regulars.audience.structures.attribute_values import value_at
from regulars.audience.structures.value_codes import UNSET, ValueCodes
from regulars.domain.changes import NULL, Name, currency_number
from regulars.domain.events import MAIL_REFERENCES, REFERENCE_FIELDS
from regulars.domain.limits import DEFAULT
from regulars.domain.orders import amount_in
from regulars.domain.references import parse_reference

Facet = tuple[str, ...]

LOG: Final[Facet] = ("log",)
"""The number of the email."""

AMOUNT: Final[Facet] = ("amount",)
"""The money of the event in cents, and the currency that it names."""

CENTS: Final = "cents"
CURRENCY: Final = "currency"
"""The arrays of AMOUNT."""

MAIL_KINDS: Final = tuple(REFERENCE_FIELDS[field] for field in MAIL_REFERENCES)
"""What an email can be sent for."""

NO_OBJECT: Final = 0


def of_object(kind: str) -> Facet:
    """The number of the object of a kind that the event names."""
    return ("object", kind)


ArrayKinds = Mapping[str, tuple[Any, int]]
"""By name: the type of an array, and the value for nothing."""


def of_property(path: Sequence[str]) -> Facet:
    """The value at a path of the event's details."""
    return ("property", *path)


def array_of(facet: Facet) -> str:
    """The name of the array of a property."""
    return "\0".join(facet)


class Happening(Struct, frozen=True):
    """What facets are made of. detail: the decoded details of the event. numbers: of the objects that they name."""

    log: int | None
    detail: Mapping[str, Any]
    numbers: Mapping[Name, int]


class FacetKind(Protocol):
    """How one facet is kept: its arrays, and their values for one event."""

    @property
    def arrays(self) -> ArrayKinds:
        """The arrays."""
        ...

    def values(self, happening: Happening) -> tuple[int, ...]:
        """One value for each array."""
        ...


class _Log:
    arrays: Final[ArrayKinds] = {"log": (np.int64, 0)}

    def values(self, happening: Happening) -> tuple[int, ...]:
        return (happening.log or 0,)


class _Amount:
    arrays: Final[ArrayKinds] = {CENTS: (np.int64, NULL), CURRENCY: (np.uint32, 0)}

    def values(self, happening: Happening) -> tuple[int, ...]:
        cents, currency = amount_in(happening.detail)
        return NULL if cents is None else cents, currency_number(currency)


class _Object:
    def __init__(self, kind: str) -> None:
        self.arrays: ArrayKinds = {kind: (np.int64, NO_OBJECT)}
        self._kind = kind

    def values(self, happening: Happening) -> tuple[int, ...]:
        named = object_named(happening.detail, self._kind)
        return ((named if isinstance(named, int) else happening.numbers.get((self._kind, named), NO_OBJECT)),)


class Property:
    """The values at a path, as codes."""

    def __init__(self, path: Sequence[str]) -> None:
        self.codes = ValueCodes()
        self._path = tuple(path)
        self.arrays: ArrayKinds = {array_of(of_property(path)): (np.int32, UNSET)}

    def values(self, happening: Happening) -> tuple[int, ...]:
        """The code of the value."""
        return (self.codes.code(value_at(happening.detail, self._path)),)


def facet_kind(facet: Facet) -> FacetKind:
    """How a facet is kept."""
    match facet:
        case ("log",):
            return _Log()
        case ("amount",):
            return _Amount()
        case ("object", kind):
            return _Object(kind)
        case (_, *path):
            return Property(path)
    raise ValueError(facet)


def object_named(detail: Mapping[str, Any], kind: str) -> int | str:
    """The object of a kind that an email event was sent for, by number or key; NO_OBJECT if it names none."""
    value = detail.get(f"{kind}_id")
    if value is None:
        return NO_OBJECT
    try:
        return parse_reference(value, kind, longest=DEFAULT.object_key)
    except ValueError:  # the limits of today are stricter
        return NO_OBJECT
