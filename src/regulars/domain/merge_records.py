"""The record of a merge: what it joined, and what undoes it."""

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

Rule = Literal["newest", "survivor"]
RULES: Final[tuple[str, ...]] = get_args(Rule)
"""Whose value a field gets where both customers have one: the one updated last, or the survivor's."""

StoredTie = tuple[int, int, bool, int]
"""(code of the relation, object, whether it holds, since when)."""


class MergeBody(Struct, array_like=True):
    """What undoes a merge; its MessagePack form is stored and final: new fields go at the end.

    survivor: the fields of the survivor before. after: those that the merge changed, as it left them. ties: all ties of
    the survivor before. revenues: its revenue before: (currency, net, lifetime, whether it counts). email, email_key,
    customer_id: of the other customer before. parts: the customers that were part of the other one before. consents:
    the numbers of the evidence that the merge added. dates: the time from which each field's value is (ms), by the
    first field of its unit, or by `attributes.` and the name of an attribute.
    """

    survivor: dict[str, Any]
    after: dict[str, Any]
    ties: list[StoredTie]
    revenues: list[tuple[str, int, int, bool]]
    email: str | None
    email_key: str | None
    customer_id: str | None
    parts: list[int]
    consents: list[int]
    dates: dict[str, int]


class MergeRecord(Struct, frozen=True):
    """A merge; the fields are the columns, in order.

    gone: the customer that was merged into the survivor. first_activity, first_consent: the first numbers that an event
    and a piece of evidence of after the merge may have. body: None when it is no longer kept.
    """

    number: int
    survivor: int
    gone: int
    rule: str
    merged_at: int
    undone_at: int | None
    first_activity: int
    first_consent: int
    body: MergeBody | None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(MergeBody).decode


def record_of_row(row: Sequence[Any]) -> MergeRecord:
    """A stored merge, whose last column is the encoded body."""
    number, survivor, gone, rule, merged_at, undone_at, activity, consent, body = row
    decoded = None if body is None else _decode(body)
    return MergeRecord(number, survivor, gone, rule, merged_at, undone_at, activity, consent, decoded)


def row_of_record(record: MergeRecord) -> tuple[Any, ...]:
    """The columns of a merge."""
    *columns, _ = msgspec.structs.astuple(record)
    return (*columns, None if record.body is None else _encode(record.body))
