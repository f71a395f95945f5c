"""Change records: what the audience index needs to know about one commit.

A record has customers, relations, objects, numbers and times, and the NAMES of changed text fields, but never
text or addresses. So it can be kept and passed on, and contains nothing that would have to be erased.
Field codes are stored: append only.
"""

from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

FORMAT: Final = 1
"""The format number at the start of every record. A reader that finds another one rebuilds from the store."""

PART_BYTES: Final = 256 * 1024
"""A longer record is stored in several parts of at most this size (bytes)."""

NULL: Final = -(2**63)
"""The value of an unset number or time in a record and in an index column."""

COLUMNS: Final[tuple[str, ...]] = (
    "created_at",
    "joined_at",
    "last_request_at",
    "net_revenue",
    "subscribed_at",
    "unsubscribed_at",
    "manually_unsubscribed_at",
    "opted_out_at",
    "complained_at",
    "bounced_at",
    "last_sent_at",
    "last_delivered_at",
    "last_opened_at",
    "last_clicked_at",
    "updated_at",
)
"""The numbers (cents) and times (ms since 1970, UTC) in the index. The position is the code.

updated_at is `Customer.changed_at`, or created_at where that is unset."""

TEXTS: Final[tuple[str, ...]] = (
    "name",
    "email",
    "phone_number",
    "mobile_phone_number",
    "address_line_1",
    "address_line_2",
    "address_city",
    "address_state",
    "address_country",
    "address_zip",
)
"""The text fields in the index. The position is the code."""


class Head(NamedTuple):
    """The newest change of a site: its number (0: none yet) and its random token."""

    number: int
    token: int


Name = tuple[str, str]
"""(kind, key) of an object, or (identifier, key) of a customer, where the identifier is one of CUSTOMER_NAMES."""

CUSTOMER_NAMES: Final = ("customer_id", "uuid")
"""Identifiers of customers that only the store can resolve. A uuid is in its canonical form."""

SITE_CURRENCY: Final[Name] = ("currency", "")
"""The name whose number is the currency of the site, as `currency_number` gives it."""


def currency_number(code: str | None) -> int:
    """A currency code as a number; 0 stands for none."""
    return 0 if code is None else int.from_bytes(code.encode("ascii"))


def currency_code(number: int) -> str | None:
    """The currency code of a number of `currency_number`; None for none."""
    return number.to_bytes(3).decode("ascii") if number else None


class Look(NamedTuple):
    """A site at one moment: its head (None: there is no such site), the numbers of those of the names that are known,
    and what else was read, in the order in which it was asked for."""

    head: Head | None
    numbers: dict[Name, int]
    read: list[Any]


class ChangeRow(NamedTuple):
    """One part of one change. `token` is the change's own, `previous` its predecessor's.

    A change may have several parts; they come in order and `last` is True on the last one.
    """

    number: int
    token: int
    previous: int
    last: bool
    body: bytes


class CustomerRow(NamedTuple):
    """One customer as the index loads it: values in the order of COLUMNS and TEXTS.

    Unset columns are NULL, unset texts None. Texts are as they are shown, not folded. merged: the customer was
    merged into another one: no list has it.
    """

    number: int
    columns: tuple[int, ...]
    texts: tuple[str | None, ...]
    merged: bool = False


class AttributeRows(NamedTuple):
    """The attributes of several customers: two JSON arrays of the same length, as a database makes them quickly.

    numbers: those of the customers. documents: their attributes, each an object.
    """

    numbers: str
    documents: str


class ValueRows(NamedTuple):
    """One attribute of several customers, as a database makes it quickly.

    numbers: those of the customers, a JSON array. values: one for each, as JSON text in a line; null for no value.
    """

    numbers: str
    values: str


class EventRow(NamedTuple):
    """One event as event columns read it. log: the number of its email. detail: its other fields as JSON text."""

    number: int
    customer: int
    name: str
    at: int
    log: int | None
    detail: str | None


class Entry(Struct, array_like=True):
    """What a commit changed about one customer.

    number: the customer's number within its site. gone: the customer was deleted.
    columns: (column code, new value or NULL). texts: codes of the text fields to read again.
    ties: (relation code, object number, holds). attributes: they changed, and are read anew. moved: (relation code,
    object number) of ties that held before and hold still, since another time. into: the customer that one who is gone
    was merged into. back: a merge was undone; the entry has the whole customer.
    """

    number: int
    gone: bool = False
    columns: list[tuple[int, int]] = []
    texts: list[int] = []
    ties: list[tuple[int, int, bool]] = []
    attributes: bool = False
    moved: list[tuple[int, int]] = []
    into: int = 0
    back: bool = False


class Record(Struct, array_like=True):
    """One part of a change. `rebuild` makes every reader drop its index and load it from the store.

    `cleared` lists (relation code, object number) whose object was deleted: nobody is tied to it any more but whom an
    entry ties to it anew. It comes before the entries, and of a change in parts, with the first. notes_attributes: the
    program that wrote it notes changed attributes; older ones did not. cleared_at: the new updated_at of everybody
    who is untied (ms), None if that leaves their updated_at as it is. activities: the largest number that an event of
    the site may have since; None: an older program wrote it, which told neither this nor `moved`.
    """

    format: int
    entries: list[Entry] = []
    cleared: list[tuple[int, int]] = []
    rebuild: bool = False
    notes_attributes: bool = False
    cleared_at: int | None = None
    activities: int | None = None


class UnknownFormatError(Exception):
    """A change record was written by a program with another record format."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def encode(
    entries: list[Entry],
    *,
    cleared: list[tuple[int, int]] | None = None,
    rebuild: bool = False,
    cleared_at: int | None = None,
    activities: int | None = None,
) -> list[bytes]:
    """The record in one or more parts of at most PART_BYTES."""
    whole = _encoder.encode(Record(FORMAT, entries, cleared or [], rebuild, True, cleared_at, activities))
    if len(whole) <= PART_BYTES:
        return [whole]
    if len(entries) < 2:
        if not entries or len(entries[0].ties) < 2:
            return [whole]
        entry = entries[0]
        middle = len(entry.ties) // 2
        entries = [
            replace(entry, ties=entry.ties[:middle]),
            Entry(entry.number, ties=entry.ties[middle:]),
        ]
    half = len(entries) // 2
    first = encode(entries[:half], cleared=cleared, rebuild=rebuild, cleared_at=cleared_at, activities=activities)
    return first + encode(entries[half:], activities=activities)


def decode(part: bytes) -> Record:
    """Read one part. Raises UnknownFormatError for a record of another format."""
    try:
        record = _decoder.decode(part)
    except msgspec.DecodeError:
        raise UnknownFormatError(f"change record in an unknown format: {part[:8]!r}") from None
    if record.format != FORMAT:
        raise UnknownFormatError(f"change record in format {record.format}; this program reads format {FORMAT}")
    return record
