"""Which value each field of two merged customers gets.

Fields that only make sense together, such as the lines of an address, are one unit and come from one customer. Each
unit and each attribute has the time of its customer's last update; after a merge it keeps that time until it changes
again. So every order in which a group of customers is merged gives the same values.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from regulars.domain.customer import Customer
from regulars.domain.merge_records import MergeRecord, Rule

UNITS: Final[tuple[tuple[str, ...], ...]] = (
    ("name", "firstname", "lastname"),
    ("phone_number",),
    ("mobile_phone_number",),
    ("gender",),
    ("locale",),
    (
        *("address_line_1", "address_line_2", "address_city"),
        *("address_state", "address_country", "address_zip"),
    ),
    ("engagement_percentile",),
    ("purchase_percentile",),
    ("retention_percentile",),
)
"""The profile fields, in units."""

ATTRIBUTE: Final = "attributes."

Source = Literal["survivor", "other"]


class MergedValue(Struct, frozen=True):
    """What becomes of a field: the values of both customers and the merged one. source: whose value that is."""

    field: str
    survivor: Any
    other: Any
    merged: Any
    source: Source


class MergedFields(Struct, frozen=True):
    """The merged values. fields: of the customer, attributes included. values: for display. dates: see `MergeBody`."""

    fields: dict[str, Any]
    values: list[MergedValue]
    dates: dict[str, int]


class _Side:
    """One of the two customers: its attributes, and how old its values are."""

    def __init__(self, customer: Customer, last: MergeRecord | None) -> None:
        self.customer = customer
        self.attributes = decoded(customer.attributes)
        body = None if last is None else last.body
        self._dates: Mapping[str, int] = {} if body is None else body.dates
        self._after: Mapping[str, Any] = {} if body is None else body.after
        self._attributes_after = decoded(self._after.get("attributes"))

    def unit(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(getattr(self.customer, name) for name in names)

    def date_of_unit(self, names: tuple[str, ...]) -> int:
        is_unchanged = all(getattr(self.customer, name) == self._after.get(name) for name in names)
        return self._date(names[0], is_unchanged)

    def date_of_attribute(self, key: str) -> int:
        is_unchanged = key in self._attributes_after and self._attributes_after[key] == self.attributes.get(key)
        return self._date(ATTRIBUTE + key, is_unchanged)

    def _date(self, name: str, is_unchanged: bool) -> int:
        return self._dates.get(name, self.customer.updated_at) if is_unchanged else self.customer.updated_at


def merged_fields(
    survivor: Customer, gone: Customer, rule: Rule, *, survivors: MergeRecord | None, others: MergeRecord | None
) -> MergedFields:
    """The profile of two customers as one. survivors, others: the last merge of each."""
    ours, theirs = _Side(survivor, survivors), _Side(gone, others)
    fields: dict[str, Any] = {}
    values: list[MergedValue] = []
    dates: dict[str, int] = {}
    for names in UNITS:
        mine, other = ours.unit(names), theirs.unit(names)
        if not _has_any(mine) and not _has_any(other):
            continue
        dated = {"survivor": ours.date_of_unit(names), "other": theirs.date_of_unit(names)}
        source = _chosen(_rank(mine, dated["survivor"]), _rank(other, dated["other"]), rule)
        merged = mine if source == "survivor" else other
        dates[names[0]] = dated[source]
        fields.update(zip(names, merged, strict=True))
        values += [
            MergedValue(*each, source)
            for each in zip(names, mine, other, merged, strict=True)
            if each[1:3] != (None, None)
        ]
    attributes = {}
    for key in [*ours.attributes, *(key for key in theirs.attributes if key not in ours.attributes)]:
        own, foreign = ours.attributes.get(key), theirs.attributes.get(key)
        dated = {"survivor": ours.date_of_attribute(key), "other": theirs.date_of_attribute(key)}
        first = _rank((own,), dated["survivor"]) if key in ours.attributes else None
        second = _rank((foreign,), dated["other"]) if key in theirs.attributes else None
        source = _chosen(first, second, rule)
        attributes[key] = own if source == "survivor" else foreign
        dates[ATTRIBUTE + key] = dated[source]
        values.append(MergedValue(ATTRIBUTE + key, own, foreign, attributes[key], source))
    fields["attributes"] = encoded(attributes)
    return MergedFields(fields, values, dates)


def decoded(attributes: str | None) -> dict[str, Any]:
    """Attributes as a dictionary."""
    return msgspec.json.decode(attributes) if attributes else {}


def encoded(attributes: Mapping[str, Any]) -> str | None:
    """Attributes as they are stored."""
    return msgspec.json.encode(attributes).decode() if attributes else None


def _has_any(values: tuple[Any, ...]) -> bool:
    return any(value is not None for value in values)


def _rank(values: tuple[Any, ...], at: int) -> tuple[int, bytes] | None:
    """The order of values of one unit: the newest counts; of the same time, any order of merges has the same one."""
    return (at, msgspec.json.encode(values, order="sorted")) if _has_any(values) else None


def _chosen(mine: tuple[int, bytes] | None, other: tuple[int, bytes] | None, rule: Rule) -> Source:
    if mine is None or other is None:
        return "other" if mine is None else "survivor"
    return "survivor" if rule == "survivor" or mine >= other else "other"
