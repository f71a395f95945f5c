"""The tables of exported events, email logs and evidence of consent.

The lines of events and logs have a member MARK with what the import needs beside the fields of POST /event, by which it
restores them as they were.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from regulars.domain.identity import uuid_text
from regulars.domain.mail import STATUSES, Log
from regulars.domain.moments import iso
from regulars.domain.working import LACKS_TIME, LACKS_UUID, ActivityRow
from regulars.domain.working.history import NewsletterConsent
from regulars.exporting.customer_columns import ID, evidence
from regulars.exporting.customer_lines import subscription_line, who_line
from regulars.exporting.history import ExportedConsent, ExportedEvent, ExportedLog
from regulars.exporting.people import ExportedSubscription
from regulars.exporting.tables import Form, as_objects, refuse_unknown
from regulars.store.export_reads import Identity

MARK: Final = "_regulars"
"""The member of a line by which an import recognises an exported event or email log."""

REPEATS: Final = "event_uuid"
"""The member of a stored event's details with the id of the event of which it told a larger amount."""

_T = TypeVar("_T")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


_FORMS: Final[Mapping[str, Form]] = {
    ID: "id",
    **dict.fromkeys(("uuid", "event_uuid"), "uuid"),
    **dict.fromkeys(("timestamp", "status_at", "created_at", "at"), "moment"),
    **dict.fromkeys(("opens", "clicks"), "number"),
    "granted": "flag",
    "details": "json",
}
"""What the columns hold that are not text."""


class HistoryTable(Generic[_T]):
    """Items as columns and as lines. fields: names of columns, None for all. Raises BadFieldError."""

    def __init__(
        self,
        columns: Mapping[str, Callable[[_T], Any]],
        line: Callable[[_T], dict[str, Any]],
        fields: Sequence[str] | None = None,
    ) -> None:
        refuse_unknown(fields, columns)
        self.header = list(columns if fields is None else fields)
        self.forms: list[Form] = [_FORMS.get(name, "text") for name in self.header]
        self._readers = [columns[name] for name in self.header]
        self._line = line
        self._fields = fields

    def columns(self, items: Sequence[_T]) -> list[list[Any]]:
        """The columns of the items."""
        return [list(map(read, items)) for read in self._readers]

    def lines(self, items: Sequence[_T]) -> Iterable[dict[str, Any]]:
        """The lines of the items."""
        return map(self._line, items) if self._fields is None else as_objects(self.header, self.columns(items))


def _who(name: str) -> Callable[[Any], Any]:
    def read(item: Any) -> Any:
        who: Identity | None = item.who
        if who is None:
            return None
        line = who_line(item.site, who)
        return line.get(name)

    return read


_WHO: Final = {name: _who(name) for name in (ID, "email", "customer_id", "uuid")}

EVENT_COLUMNS: Final[Mapping[str, Callable[[ExportedEvent], Any]]] = {
    **_WHO,
    "event": lambda each: each.row.name,
    "timestamp": lambda each: iso(each.row.at),
    "event_uuid": lambda each: uuid_text(event_uuid(each.row, each.who.uuid)),
    "order_id": lambda each: each.row.order_id,
    "log_id": lambda each: None if each.log is None else each.log.public_id(each.site),
    "details": lambda each: msgspec.Raw(each.row.detail) if each.row.detail else None,
}
LOG_COLUMNS: Final[Mapping[str, Callable[[ExportedLog], Any]]] = {
    **_WHO,
    "log_id": lambda each: each.log.public_id(each.site),
    "recipient_address": lambda each: each.log.recipient_address,
    "recipient_name": lambda each: each.log.recipient_name,
    "status": lambda each: STATUSES[each.log.status],
    "status_at": lambda each: iso(each.log.status_at),
    "created_at": lambda each: iso(each.log.created_at),
    "message": lambda each: each.log.shown_message,
    "email_id": lambda each: each.log.email_id,
    "email_name": lambda each: each.log.email_name,
    "email_version": lambda each: each.log.email_version,
    "opens": lambda each: each.log.opens,
    "clicks": lambda each: each.log.clicks,
}
CONSENT_COLUMNS: Final[Mapping[str, Callable[[ExportedConsent], Any]]] = {
    **_WHO,
    "newsletter": lambda each: None if each.label is None else str(each.label.id),
    "at": lambda each: iso(each.consent.at),
    "granted": lambda each: each.consent.granted,
    "cause": lambda each: each.consent.cause,
    "source": lambda each: each.consent.source,
    "wording": lambda each: each.consent.wording,
    "proof": lambda each: each.consent.proof,
}


def event_uuid(row: ActivityRow, owner: bytes) -> bytes:
    """The id of an event. One that has none gets the same in each export. owner: the uuid of its customer."""
    if row.uuid is not None:
        return row.uuid
    return hashlib.blake2b(b"%d" % row.number, digest_size=16, key=owner).digest()


def event_line(each: ExportedEvent) -> dict[str, Any]:
    """An event as a line."""
    mark = _event_mark(each.row) | _part_mark(each.who)
    if each.log is not None:
        mark["mail"] = _mail_mark(each.log)
    return {**who_line(each.site, each.who), **_event(each.row, each.who.uuid), **_detail(each.row, mark), MARK: mark}


def log_line(each: ExportedLog) -> dict[str, Any]:
    """An email log as a line, with its events."""
    log = each.log
    owner = log.identity if each.who is None else each.who.uuid
    events = []
    for row in each.events:
        mark = _event_mark(row)
        events.append({**_event(row, owner), **_detail(row, mark), MARK: mark})
    line = {
        "log_id": log.public_id(each.site),
        "recipient_address": log.recipient_address,
        "recipient_name": log.recipient_name,
        "status": STATUSES[log.status],
        "status_at": iso(log.status_at),
        "created_at": iso(log.created_at),
        "message": log.message or None,
        "email_id": log.email_id,
        "email_name": log.email_name,
        "email_version": log.email_version,
        "opens": log.opens,
        "clicks": log.clicks,
    }
    return {
        **(who_line(each.site, each.who) if each.who is not None else {ID: None}),
        **{name: value for name, value in line.items() if value is not None},
        "events": events,
        MARK: {"mail": _mail_mark(log), **({} if each.who is None else _part_mark(each.who))},
    }


def consent_line(each: ExportedConsent) -> dict[str, Any]:
    """A piece of evidence as a line that an import of customers takes."""
    who = who_line(each.site, each.who)
    if each.label is None:
        return {**who, "consents": [evidence(each.consent)]}
    assert isinstance(each.consent, NewsletterConsent)
    return {**who, "newsletter_consents": [subscription_line(ExportedSubscription(each.consent, each.label))]}


def _event(row: ActivityRow, owner: bytes) -> dict[str, Any]:
    return {"event": row.name, "timestamp": iso(row.at), "event_uuid": uuid_text(event_uuid(row, owner))}


def _event_mark(row: ActivityRow) -> dict[str, Any]:
    lacks = ["timestamp"] if row.lacks & LACKS_TIME else []
    if row.uuid is None or row.lacks & LACKS_UUID:
        lacks.append("event_uuid")
    return {"lacks": lacks} if lacks else {}


def _part_mark(who: Identity) -> dict[str, Any]:
    return {} if who.part is None else {"part": uuid_text(who.part)}


def _detail(row: ActivityRow, mark: dict[str, Any]) -> dict[str, Any]:
    """The details of an event. What would take the place of another member of the line is in the mark."""
    detail = _decode(row.detail) if row.detail else {}
    if REPEATS in detail:
        mark["repeats"] = detail.pop(REPEATS)
    if MARK in detail or ID in detail:
        mark["hidden"] = {name: detail.pop(name) for name in (MARK, ID) if name in detail}
    return detail


def _mail_mark(log: Log) -> dict[str, Any]:
    mark = {
        "key": log.key,
        "ref": log.identity.hex() if log.key is None else None,
        "address": log.recipient_address,
        "name": log.recipient_name,
        "id": log.email_id,
    }
    return {name: value for name, value in mark.items() if value is not None}
