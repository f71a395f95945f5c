"""Customers as NDJSON: everything that is kept of a person, in lines that `importing/own_lines.py` restores."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import defstruct

from regulars.domain.identity import public_number, uuid_text
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.working.addresses import FormerAddress
from regulars.exporting.customer_columns import COLUMNS, ID, evidence
from regulars.exporting.customer_slice import CustomerSlice
from regulars.exporting.people import ExportedCustomer, ExportedRequest, ExportedSubscription, ExportedTie, Label
from regulars.exporting.tables import is_empty

_FIELDS: Final = tuple(column for column in COLUMNS if column.field is not None)

MEMBERS: Final = (
    *(ID, *(column.name for column in _FIELDS)),
    *("custom_attributes", "ties", "consents", "newsletter_consents", "consent_requests"),
    *("former_addresses", "aliases"),
)
"""What a line may have, in its order."""

MOST_TIES: Final = 5_000
"""Ties in one line. A customer with more has several lines."""


def whole_lines(people: Sequence[ExportedCustomer]) -> list[Any]:
    """Everything about each customer, as a struct with the names of a line. Members that are None are left out."""
    found = CustomerSlice(people)
    members: tuple[Sequence[Any], ...] = (
        *(found.ids, *map(found.cells, _FIELDS)),
        [None if text is None else msgspec.Raw(text) for text in found.stored("attributes")],
        found.listed("ties", tie_line),
        found.listed("consents", evidence),
        found.listed("subscriptions", subscription_line),
        found.listed("requests", request_line),
        found.listed("former", former_line),
        found.listed("aliases", alias_line),
    )
    filled = {name: cells for name, cells in zip(MEMBERS, members, strict=True) if not is_empty(cells)}
    return list(map(_line_type(tuple(filled)), *filled.values()))


@lru_cache(maxsize=256)
def _line_type(members: tuple[str, ...]) -> type[Any]:
    """The struct of lines with these members. Most are empty in a whole slice, and cost nothing if left out."""
    fields = [(name, Any, None) for name in members]
    return defstruct("CustomerLine", fields, omit_defaults=True, gc=False)


def lines_of(people: Sequence[ExportedCustomer]) -> Iterator[Any]:
    """The lines of customers; mostly one each."""
    for each, line in zip(people, whole_lines(people), strict=True):
        if len(each.ties) <= MOST_TIES:
            yield line
        else:
            yield from _cut(each, line)


def _cut(each: ExportedCustomer, line: Any) -> Iterator[Any]:
    ties, line.ties = line.ties, line.ties[:MOST_TIES]
    yield line
    who = who_line(each.site, each.customer)
    for start in range(MOST_TIES, len(ties), MOST_TIES):
        yield {**who, "ties": ties[start : start + MOST_TIES]}


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


def subscription_line(each: ExportedSubscription) -> dict[str, Any]:
    """A piece of evidence about a newsletter as files have it."""
    return {**_newsletter(each.label), **evidence(each.consent)}


def request_line(request: ExportedRequest) -> dict[str, Any]:
    """A request for consent as files have it."""
    line = {
        "id": str(request.number),
        **({} if request.label is None else _newsletter(request.label)),
        "at": iso(request.at),
        "expires_at": iso(request.expires_at),
        "wording": request.wording,
    }
    return line if request.confirmed_at is None else {**line, "confirmed_at": iso(request.confirmed_at)}


def _newsletter(label: Label) -> dict[str, Any]:
    line: dict[str, Any] = {"newsletter": label.id}
    if label.name is not None:
        line["name"] = label.name
    return {**line, "deleted": True} if label.deleted else line


def former_line(row: FormerAddress) -> dict[str, Any]:
    """A former address as files have it."""
    return {
        "email": row.email_key,
        "hard_bouncing": row.hard_bouncing,
        "hard_at": iso_or_none(row.hard_at),
        "bounced_at": iso_or_none(row.bounced_at),
        "complained_at": iso_or_none(row.complained_at),
    }


def alias_line(alias: Any) -> dict[str, Any]:
    """The identifiers of a customer who was merged into another one as files have them."""
    named = {"email": alias.email, "customer_id": alias.customer_id, "uuid": uuid_text(alias.uuid)}
    return {name: value for name, value in named.items() if value is not None}


def who_line(site: int, customer: Any) -> dict[str, Any]:
    """The identifiers of a customer as files have them. customer: anything that has them under the usual names."""
    line: dict[str, Any] = {ID: public_number(site, customer.number)}
    if customer.email is not None:
        line["email"] = customer.email
    if customer.customer_id is not None:
        line["customer_id"] = customer.customer_id
    line["uuid"] = uuid_text(customer.uuid)
    return line
