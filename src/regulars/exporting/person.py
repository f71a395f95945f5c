"""Everything that is kept of one person, as one JSON object."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from regulars.domain.identity import Who, address_key, parse_address
from regulars.domain.limits import DEFAULT
from regulars.domain.moments import iso
from regulars.domain.notes import CustomerNote
from regulars.domain.relations import BY_CODE
from regulars.domain.text import composed
from regulars.exporting.customer_columns import evidence
from regulars.exporting.customer_lines import whole_lines
from regulars.exporting.history import ExportedLog, read_activity, read_logs, with_events
from regulars.exporting.history_tables import event_line, log_line
from regulars.exporting.reading import read_people
from regulars.store.customer_history import HistoryEntry, HistoryRange, read_history
from regulars.store.engine import Connection
from regulars.store.merges import group_of
from regulars.store.notes import notes_of
from regulars.store.reads import find_card, logs_of
from regulars.store.threads import off_loop

_MOST_LOGS: Final = 100_000
_SLICE: Final = 500
_encode: Final = msgspec.json.Encoder().encode


async def read_person(connection: Connection, site: int, named: str) -> dict[str, Any] | None:
    """The object about an address or customer_id; None if nothing is kept."""
    chunks = [chunk async for chunk in person_chunks(connection, site, who_named(named))]
    found: dict[str, Any] = msgspec.json.decode(b"".join(chunks))
    return found if found["customer"] is not None or found["emails"] else None


async def person_chunks(
    connection: Connection, site: int, who: Who, audiences: Sequence[Mapping[str, Any]] | None = None
) -> AsyncIterator[bytes]:
    """The JSON in pieces: customer, changes of the profile, newsletters, events, notes, and emails.

    audiences: those that the person is in, None where nobody has asked the index for them.

    With an address it includes the emails to it whose customer was deleted, or had the address before.
    """
    card = await find_card(connection, site, who)
    numbers = [] if card is None else [card.number]
    email_key = who.email_key or (None if card is None else card.email_key)
    customer: Any = None
    async for people in read_people(connection, site, numbers):
        customer = whole_lines(people)[0]
    yield b'{"customer":' + _encode(customer)
    yield b',"profile_changes":['
    kept_under = [] if card is None else await group_of(connection, site, card.number)
    if card is not None:
        async for chunk in _joined(_history(connection, site, kept_under, "profile", card.created_at), _change_line):
            yield chunk
    yield b'],"newsletter_consents":['
    if card is not None:
        async for chunk in _joined(_history(connection, site, kept_under, "newsletter"), _newsletter_line):
            yield chunk
    yield b'],"events":['
    async for chunk in _joined(read_activity(connection, site, numbers), event_line):
        yield chunk
    yield b'],"notes":['
    async for chunk in _joined(notes_of(connection, site, kept_under), _note_line):
        yield chunk
    yield b'],"emails":['
    async for chunk in _joined(_emails(connection, site, numbers, email_key), log_line):
        yield chunk
    yield b'],"audiences":' + _encode(audiences) + b"}"


async def _joined(slices: AsyncIterator[Iterable[Any]], line: Callable[[Any], Any]) -> AsyncIterator[bytes]:
    """The members of a JSON array, made on a thread."""
    between = b""
    async for items in slices:
        if members := await off_loop(_members, items, line):
            yield between + members
            between = b","


def _members(items: Iterable[Any], line: Callable[[Any], Any]) -> bytes:
    return _encode([line(item) for item in items])[1:-1]


async def _history(
    connection: Connection, site: int, customers: list[int], kind: str, created_at: int = 0
) -> AsyncIterator[list[HistoryEntry]]:
    """One kind of entry of a history, newest first, in slices."""
    span: HistoryRange | None = HistoryRange(_SLICE)
    while span is not None:
        entries, following = await read_history(connection, site, customers, created_at, span, kinds=(kind,))
        yield entries
        span = None if following is None else span._replace(behind=following)


def _change_line(entry: HistoryEntry) -> dict[str, Any]:
    change: Any = entry.record
    return {
        "at": iso(entry.place.at),
        "created": change.is_new,
        "fields": change.fields,
        "ties": [
            {"relation": BY_CODE[tie.relation].name, "number": tie.item, "holds": tie.holds}
            for tie in change.ties
            if tie.relation in BY_CODE
        ],
    }


def _newsletter_line(entry: HistoryEntry) -> dict[str, Any]:
    consent: Any = entry.record
    return {"newsletter": consent.newsletter, **evidence(consent)}


def _note_line(note: CustomerNote) -> dict[str, Any]:
    return {"created_at": iso(note.created_at), "updated_at": iso(note.updated_at), "body": note.body}


async def _emails(
    connection: Connection, site: int, numbers: list[int], email_key: str | None
) -> AsyncIterator[list[ExportedLog]]:
    """The emails of the customer, then the others to the address, in slices."""
    told = set[int]()
    async for logs in read_logs(connection, site, numbers):
        told.update(each.log.number for each in logs)
        yield logs
    if email_key is not None:
        to_address = await logs_of(connection, site, email_key=email_key, count=_MOST_LOGS)
        more = sorted((log for log in to_address if log.number not in told), key=lambda log: log.number)
        for start in range(0, len(more), _SLICE):
            yield await with_events(connection, site, more[start : start + _SLICE])


def who_named(named: str) -> Who:
    """The identifier that a text is: an address, else a customer_id."""
    if "@" not in named:
        return Who(customer_id=composed(named.strip()))
    try:
        email, key = parse_address(named, longest=DEFAULT.email)
    except ValueError:
        email, key = named, address_key(named)
    return Who(email=email, email_key=key)
