"""Breakdowns: how the customers that match spread over the values of one or two dimensions."""

from collections.abc import Sequence
from datetime import date, tzinfo
from itertools import pairwise
from typing import Any as AnyValue
from typing import Final

import numpy as np
from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.index import CODED, SiteIndex
from regulars.audience.questions.faults import BadValueError, unknown_name
from regulars.audience.questions.subjects.attributes import LONGEST, read_path
from regulars.audience.questions.subjects.field_kinds import TIME
from regulars.audience.questions.subjects.fields import ALIASES, FIELDS
from regulars.audience.questions.subjects.mails import STATUSES
from regulars.audience.questions.subjects.ties import TIES
from regulars.audience.questions.tree import (
    All,
    AttributeCondition,
    FieldCondition,
    MailCondition,
    Node,
    Not,
    StateCondition,
    TieCondition,
)
from regulars.audience.questions.windows import PERIODS, Window, local_day, midnight, period_start
from regulars.audience.structures.attribute_values import Path, Scalar
from regulars.audience.structures.bitmaps import Ordinals, from_ordinals, to_ordinals, union
from regulars.audience.structures.coded import CodedColumn
from regulars.audience.structures.columns import Values
from regulars.domain.changes import NULL
from regulars.domain.relations import BY_NAME

MOST_ROWS: Final = 100
MOST_BUCKETS: Final = 2_000
MEASURES: Final = ("count", "sum", "average")

_SUBSCRIBED: Final = StateCondition("subscribed")
_EVER: Final = FieldCondition("subscribed_at", "set")
CONSENT: Final[dict[str, Node]] = {
    "subscribed": _SUBSCRIBED,
    "unsubscribed": All((Not(_SUBSCRIBED), _EVER)),
    "never_subscribed": All((Not(_SUBSCRIBED), Not(_EVER))),
}
"""The states of consent, each customer in exactly one."""

DIMENSIONS: Final = (*sorted(CODED), "consent", *TIES, "mail")
"""What can be named without more; a field that is a time needs a period."""


class Dimension(Struct, frozen=True):
    """What to break down by.

    kind: coded, time, consent, tie, mail or attribute. name: the field, the kind of tie or "".
    period: of PERIODS, for a time. broadcast: for mail. path: of the attribute.
    """

    kind: str
    name: str
    period: str = ""
    broadcast: int | str = 0
    path: Path = ()

    @property
    def is_multivalued(self) -> bool:
        """Whether a customer may have several values, so that shares add up to more than one."""
        return self.kind in ("tie", "mail")


class Group(Struct, frozen=True):
    """The customers with one value. node: selects them. sample: the ordinal of one of them."""

    value: Scalar
    customers: BitMap
    node: Node

    @property
    def sample(self) -> int:
        """The ordinal of one of the customers."""
        return int(self.customers[0])


def read_dimension(value: AnyValue) -> Dimension:
    """From a name such as "address_country", {"field": "created_at", "per": "month"}, {"mail": 8} or an attribute.

    Raises BadValueError.
    """
    if isinstance(value, dict) and value.keys() == {"mail"} and isinstance(value["mail"], int | str):
        return Dimension("mail", "", broadcast=value["mail"])
    if isinstance(value, dict) and value.keys() == {"attribute"}:
        return Dimension("attribute", "", path=read_path(value["attribute"]))
    if isinstance(value, dict) and value.keys() == {"field", "per"}:
        name = ALIASES.get(str(value["field"]), str(value["field"]))
        if name not in FIELDS or FIELDS[name].kind is not TIME:
            raise BadValueError("must name a field that is a time as its field")
        if value["per"] not in PERIODS:
            raise BadValueError(f"must have one of these as per: {', '.join(PERIODS)}", allowed=PERIODS)
        return Dimension("time", name, period=value["per"])
    name = ALIASES.get(value, value) if isinstance(value, str) else ""
    if name in CODED:
        return Dimension("coded", name)
    if name in TIES:
        return Dimension("tie", name)
    if name == "consent":
        return Dimension("consent", "")
    if name in FIELDS and FIELDS[name].kind is TIME:
        raise BadValueError(f'needs a period: {{"field": "{name}", "per": "month"}}')
    raise unknown_name("dimension", str(value), DIMENSIONS)


def sets_of(dimension: Dimension) -> list[Node]:
    """The sets that the groups of a dimension are made of, where they are questions themselves."""
    if dimension.kind == "consent":
        return list(CONSENT.values())
    if dimension.kind == "mail":
        return [MailCondition(status, (dimension.broadcast,)) for status in STATUSES]
    if dimension.kind == "attribute":
        return [AttributeCondition(dimension.path, "set")]
    return []


def groups_of(
    dimension: Dimension, index: SiteIndex, matches: BitMap, sets: Sequence[BitMap], zone: tzinfo
) -> list[Group]:
    """The groups of the matches, largest first; periods in order. sets: those of `sets_of`.

    Raises BadValueError for more periods than MOST_BUCKETS.
    """
    match dimension.kind:
        case "coded":
            found = _coded(dimension.name, index, matches)
        case "tie":
            found = _tied(dimension.name, index, matches)
        case "time":
            return _periods(dimension, index, matches, zone)
        case "attribute":
            found = _attributes(dimension.path, index, matches)
        case "consent":
            found = _named(list(CONSENT), sets_of(dimension), sets, matches)
        case _:
            return _named(list(STATUSES), sets_of(dimension), sets, matches)
    return sorted(found, key=lambda group: -len(group.customers))


def _named(names: Sequence[str], nodes: Sequence[Node], sets: Sequence[BitMap], matches: BitMap) -> list[Group]:
    rows = ((name, customers & matches, node) for name, node, customers in zip(names, nodes, sets, strict=True))
    return [Group(name, customers, node) for name, customers, node in rows if customers]


def _coded(name: str, index: SiteIndex, matches: BitMap) -> list[Group]:
    column = index.texts[name]
    assert isinstance(column, CodedColumn)
    return [
        Group(text, customers, FieldCondition(name, "eq", (text,)))
        for text, customers in column.groups(matches, MOST_ROWS)
    ]


def _attributes(path: Path, index: SiteIndex, matches: BitMap) -> list[Group]:
    """Groups of texts, numbers and booleans, alike as `eq` compares them. Lists and objects are in no group."""
    return [
        Group(value, customers, AttributeCondition(path, "eq", (value,)))
        for value, customers in index.attributes.column(path).groups(matches, MOST_ROWS)
        if not isinstance(value, str) or len(value) <= LONGEST
    ]


def _tied(name: str, index: SiteIndex, matches: BitMap) -> list[Group]:
    code = BY_NAME[TIES[name].relation].code
    found = [
        (customers, item)
        for (relation, item), bitmap in index.ties.items()
        if relation == code and (customers := bitmap & matches)
    ]
    found.sort(key=lambda each: (-len(each[0]), each[1]))
    return [Group(item, customers, TieCondition(name, "any_of", (item,))) for customers, item in found[:MOST_ROWS]]


def _periods(dimension: Dimension, index: SiteIndex, matches: BitMap, zone: tzinfo) -> list[Group]:
    ordinals, column = to_ordinals(matches), index.columns[dimension.name]
    values = column.values[ordinals]
    if not values.size or (highest := int(values.max())) == NULL:
        return []
    if (lowest := int(values.min())) == NULL:
        is_set = values != NULL
        ordinals, values = ordinals[is_set], values[is_set]
        lowest = int(values.min())
    starts = _starts(dimension.period, local_day(lowest, zone), local_day(highest, zone))
    bounds = [midnight(day, zone) for day in starts]
    if column.is_ascending:  # then each period is a range of ordinals
        parts = [column.between(begin, end - 1, matches) for begin, end in pairwise(bounds)]
    else:
        parts = _split(ordinals, values, bounds)
    found = []
    for (start, end), customers in zip(pairwise(starts), parts, strict=True):
        window = Window("from", (start.isoformat(), end.isoformat()))
        found.append(Group(start.isoformat(), customers, FieldCondition(dimension.name, "when", when=window)))
    return found


def _split(ordinals: Ordinals, values: Values, bounds: Sequence[int]) -> list[BitMap]:
    """The ordinals whose value is from each bound to before the next."""
    places = np.searchsorted(bounds, values, side="right").astype(np.uint16)  # of 16 bits, sorted in one pass
    ordered = ordinals[np.argsort(places, kind="stable")]
    ends = np.cumsum(np.bincount(places, minlength=len(bounds)))[1:-1]
    return [from_ordinals(part) for part in np.split(ordered, ends)]


def _starts(period: str, first: date, last: date) -> list[date]:
    """The first days of the periods from that of `first` to the one after that of `last`."""
    day, found = period_start(period, first, 0), []
    while True:
        found.append(day)
        if day > last:
            return found
        if len(found) > MOST_BUCKETS:
            raise BadValueError(f"has more than {MOST_BUCKETS} periods; use a longer one")
        day = period_start(period, day, 1)


def _with_value(dimension: Dimension, index: SiteIndex, matches: BitMap, groups: Sequence[Group]) -> BitMap:
    """The matches that have any value, also one that is in no group."""
    match dimension.kind:
        case "attribute":
            return index.attributes.column(dimension.path).present(matches)
        case "coded":
            return index.texts[dimension.name].present(matches)
        case "tie":
            code = BY_NAME[TIES[dimension.name].relation].code
            return union(bitmap for (relation, _), bitmap in index.ties.items() if relation == code) & matches
        case _:
            return union(group.customers for group in groups)


class Measured(Struct, frozen=True):
    """The measure of a group: how many customers, and the sum of their net revenue in cents."""

    customers: int
    cents: int

    def value(self, measure: str) -> int | str:
        """The measure by name, of MEASURES; amounts as decimal texts."""
        if measure == "count":
            return self.customers
        cents = self.cents if measure == "sum" else round(self.cents / self.customers) if self.customers else 0
        sign, rest = ("-", -cents) if cents < 0 else ("", cents)
        return f"{sign}{rest // 100}.{rest % 100:02d}"


def measured(index: SiteIndex, customers: BitMap, measure: str) -> Measured:
    """Measure a group; the revenue is added up only if the measure needs it."""
    if measure == "count":
        return Measured(len(customers), 0)
    return Measured(len(customers), int(index.columns["net_revenue"].values[to_ordinals(customers)].sum()))


def tabulate(
    index: SiteIndex,
    found: Sequence[BitMap],
    dimensions: Sequence[Dimension],
    sets: Sequence[Sequence[Node]],
    node: Node,
    zone: tzinfo,
    *,
    measure: str,
    top: int,
) -> dict[str, AnyValue]:
    """The table. found: the customers that match, then those of the `sets` of each dimension, in order.

    rows: value (a list of two for two dimensions), customers, share, measure, question (a tree). other: customers in
    no row but with a value; unset: customers without a value. Raises BadValueError.
    """
    matches, at = found[0], 1
    every: list[list[Group]] = []
    for dimension, nodes in zip(dimensions, sets, strict=True):
        every.append(groups_of(dimension, index, matches, found[at : at + len(nodes)], zone))
        at += len(nodes)
    is_time = dimensions[0].kind == "time"
    shown = every[0] if is_time else every[0][:top]
    with_value = _with_value(dimensions[0], index, matches, every[0])
    in_rows = union(group.customers for group in shown)
    rows: list[dict[str, AnyValue]] = []
    for group in shown:
        if len(dimensions) == 1:
            rows.append(_row(index, group.value, group.customers, (node, group.node), len(matches), measure))
            continue
        for second in every[1] if dimensions[1].kind == "time" else every[1][:top]:
            if both := group.customers & second.customers:
                nodes = (node, group.node, second.node)
                rows.append(_row(index, [group.value, second.value], both, nodes, len(matches), measure))
    return {
        "rows": rows,
        "other": len(with_value - in_rows),
        "unset": len(matches - with_value),
        "multivalued": any(dimension.is_multivalued for dimension in dimensions),
        "total": len(matches),
    }


def _row(
    index: SiteIndex, value: AnyValue, customers: BitMap, nodes: tuple[Node, ...], total: int, measure: str
) -> dict[str, AnyValue]:
    row = {
        "value": value,
        "customers": len(customers),
        "share": round(len(customers) / total, 6),
        "question": All(nodes),
    }
    return row if measure == "count" else {**row, measure: measured(index, customers, measure).value(measure)}
