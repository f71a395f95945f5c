"""Customers as NDJSON: everything that is kept of a person, in lines that `importing/own_lines.py` restores."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final

import msgspec

from regulars.domain.identity import public_number, uuid_text
from regulars.domain.moments import iso, iso_or_none
from regulars.exporting.customer_columns import COLUMNS, CONVERTED, ID, evidence
from regulars.exporting.people import ExportedCustomer, ExportedTie

_FIELDS: Final = tuple(column for column in COLUMNS if column.field is not None)
_PLAN: Final = tuple((column.name, CONVERTED.get(column.form)) for column in _FIELDS)
_values = attrgetter(*(column.field for column in _FIELDS if column.field is not None))

MOST_TIES: Final = 5_000
"""Ties in one line. A customer with more has several lines."""


def whole_line(each: ExportedCustomer) -> dict[str, Any]:
    """Everything about a customer as one JSON object."""
    line: dict[str, Any] = {ID: each.id}
    for (name, convert), value in zip(_PLAN, _values(each.customer), strict=True):
        if value is not None:
            line[name] = value if convert is None else convert(value)
    if each.customer.attributes:
        line["custom_attributes"] = msgspec.Raw(each.customer.attributes)
    if each.ties:
        line["ties"] = list(map(tie_line, each.ties))
    if each.consents:
        line["consents"] = list(map(evidence, each.consents))
    if each.former:
        line["former_addresses"] = former_lines(each)
    return line


def lines_of(each: ExportedCustomer) -> Iterator[dict[str, Any]]:
    """The lines of a customer; mostly one."""
    line = whole_line(each)
    ties = line.get("ties", ())
    if len(ties) > MOST_TIES:
        line["ties"] = ties[:MOST_TIES]
    yield line
    for start in range(MOST_TIES, len(ties), MOST_TIES):
        yield {**who_line(each.site, each.customer), "ties": ties[start : start + MOST_TIES]}


def tie_line(tie: ExportedTie) -> dict[str, Any]:
    """A tie as files have it."""
    line: dict[str, Any] = {"relation": tie.relation}
    if tie.label is not None:
        line["id"] = tie.label.id
        if tie.label.name is not None:
            line["name"] = tie.label.name
    line["holds"] = tie.holds
    line["at"] = iso(tie.at)
    return line


def former_lines(each: ExportedCustomer) -> list[dict[str, Any]]:
    """The former addresses of a customer as files have them."""
    return [
        {
            "email": row.email_key,
            "hard_bouncing": row.hard_bouncing,
            "hard_at": iso_or_none(row.hard_at),
            "bounced_at": iso_or_none(row.bounced_at),
            "complained_at": iso_or_none(row.complained_at),
        }
        for row in each.former
    ]


def who_line(site: int, customer: Any) -> dict[str, Any]:
    """The identifiers of a customer as files have them. customer: anything that has them under the usual names."""
    line: dict[str, Any] = {ID: public_number(site, customer.number)}
    if customer.email is not None:
        line["email"] = customer.email
    if customer.customer_id is not None:
        line["customer_id"] = customer.customer_id
    line["uuid"] = uuid_text(customer.uuid)
    return line
