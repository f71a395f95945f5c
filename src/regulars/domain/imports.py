"""Imports that can be undone: their records, and what each of their transactions changed of a customer."""

from collections.abc import Mapping, Sequence
from itertools import compress
from operator import attrgetter, is_not
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from regulars.domain.customer import NOT_SHOWN, Customer
from regulars.domain.relations import BY_CODE, Tie
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import FormerAddress

State = Literal["running", "done", "stopped", "undone"]

UNDOABLE: Final = ("customers", "bulk_action")
"""The kinds of imports that keep what they replace. A bulk action is kept like an import of customers."""

SILENCE: Final = 30_000
"""A running import that has not been heard of for this long (ms) was killed."""


class ImportRecord(Struct, kw_only=True):
    """One import; the fields are the columns, in order.

    number: within the site. origin: who imported it. summary, undo: the figures as JSON; undo is None until it was
    undone. seen_at: when it last reported progress. Moments: ms.
    """

    number: int
    kind: str
    file: str
    origin: str
    state: State
    summary: str
    undo: str | None
    started_at: int
    seen_at: int
    finished_at: int | None
    undone_at: int | None

    def state_at(self, now: int) -> State:
        """The state, in which an import that was killed counts as stopped."""
        return "stopped" if self.state == "running" and now - self.seen_at > SILENCE else self.state


class TieChange(Struct, frozen=True, array_like=True):
    """A tie that an import changed. before: None if there was none. Both are (holds, at)."""

    relation: int
    item: int
    before: tuple[bool, int] | None
    after: tuple[bool, int]


class AddressChange(Struct, frozen=True, array_like=True):
    """What an import changed of the former addresses of a customer. before: None if there was nothing."""

    before: FormerAddress | None
    after: FormerAddress


class Before(Struct, array_like=True):
    """What a transaction replaced; its MessagePack form is stored and final: new fields go at the end.

    fields: the former values of the changed fields. unshown: the new values of those among them that no reply shows,
    as changed_at does not tell whether they changed again. consents: numbers of the added evidence. hidden_ties: how
    many ties the change made that no reply shows. has_events: the customer got events, which cannot be taken back.
    requests: numbers of the added requests for consent. parts: numbers of the added parts of a merged customer.
    """

    fields: dict[str, Any] = {}
    unshown: dict[str, int | None] = {}
    ties: list[TieChange] = []
    consents: list[int] = []
    addresses: list[AddressChange] = []
    hidden_ties: int = 0
    has_events: bool = False
    requests: list[int] = []
    parts: list[int] = []


class ImportChange(Struct, frozen=True):
    """What one transaction of an import changed of a customer; the fields are the columns, in order.

    change: its number. moment, base: the customer's changed_at after and before. created: the customer is new.
    next_consent: evidence of consent with this number or a later one came afterwards. undone: the customer's
    changed_at after this was undone. before: None if there is nothing to restore.
    """

    import_number: int
    customer: int
    change: int
    moment: int | None
    base: int | None
    created: bool
    next_consent: int
    undone: int | None
    before: Before | None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Before).decode
_NOTHING: Final = Before()
_KEPT: Final = frozenset({"number", "changed_at", "merged_into"})
_FIELDS: Final = tuple(name for name in Customer.__struct_fields__ if name not in _KEPT)
_PLACES: Final = range(len(_FIELDS))
_values: Final = attrgetter(*_FIELDS)


def change_of_row(row: Sequence[Any]) -> ImportChange:
    """A stored change, whose last column is the encoded `Before`."""
    *columns, body = row
    number, customer, change, moment, base, created, next_consent, undone = columns
    before = None if body is None else _decode(body)
    return ImportChange(number, customer, change, moment, base, bool(created), next_consent, undone, before)


def changed_customers(
    work: WorkingSet, first_consent: int, former: Mapping[tuple[str, int], FormerAddress]
) -> list[tuple[int, int | None, int | None, int, bytes | None]]:
    """(customer, moment, base, created, body) of each customer that a transaction creates or changes, by number.

    first_consent: the number of the first evidence of consent that it adds. former: the former addresses that it
    changes, as they are stored.
    """
    images = _images(work, first_consent, former)
    new = work.people.before
    rows: list[tuple[int, int | None, int | None, int, bytes | None]] = []
    for number in images.keys() | {before_and_after[1].number for before_and_after in work.people.changed()}:
        customer = work.people.by_number[number].customer
        before, image = new.get(number, customer), images.get(number)
        if before is None:
            body = None if image is None or image == _NOTHING else _encode(image)
            rows.append((number, customer.changed_at, None, 1, body))
            continue
        image = image or Before()
        if before is not customer:
            _note_fields(image, before, customer)
        rows.append((number, customer.changed_at, before.changed_at, 0, _encode(image)))
    rows.sort()
    return rows


def _note_fields(image: Before, before: Customer, after: Customer) -> None:
    """Note the fields that differ. What was not touched is the same object, so few values are compared."""
    old, new = _values(before), _values(after)
    places = compress(_PLACES, map(is_not, old, new))
    image.fields = {_FIELDS[place]: old[place] for place in places if old[place] != new[place]}
    image.unshown = {name: getattr(after, name) for name in NOT_SHOWN if name in image.fields}


def _images(work: WorkingSet, first_consent: int, former: Mapping[tuple[str, int], FormerAddress]) -> dict[int, Before]:
    """What is to be restored beside the fields; of a new customer only what tells whether it may be deleted."""
    images: dict[int, Before] = {}
    stored = work.ties.before or {}
    for (number, relation, item), tie in work.ties.saved.items():
        is_new = work.people.before.get(number, 0) is None
        if not BY_CODE[relation].is_shown:
            images.setdefault(number, Before()).hidden_ties += stored.get((number, relation, item)) is None
        if not is_new:
            before = stored.get((number, relation, item))
            image = images.setdefault(number, Before())
            image.ties.append(TieChange(relation, item, None if before is None else state_of(before), state_of(tie)))
    added = (*work.history.consents, *work.history.newsletter_consents)
    for place, consent in enumerate(added, first_consent):
        customer = work.people.merged.whole(consent.customer)
        if work.people.before.get(customer, 0) is not None:
            images.setdefault(customer, Before()).consents.append(place)
    for request in work.consent_requests.added.values():
        images.setdefault(work.people.merged.whole(request.customer), Before()).requests.append(request.number)
    for part, before_merge in work.people.merged.before.items():
        if before_merge is None and work.people.before.get(customer := work.people.merged.whole(part)) is not None:
            images.setdefault(customer, Before()).parts.append(part)
    for key in work.addresses.changed:
        if work.people.before.get(key[1], 0) is not None and key[1] in work.people.by_number:
            change = AddressChange(former.get(key), msgspec.structs.replace(work.addresses.former[key]))
            images.setdefault(key[1], Before()).addresses.append(change)
    for activity in work.history.activities:
        customer = work.people.merged.whole(activity.customer)
        if customer in work.people.by_number:
            images.setdefault(customer, Before()).has_events = True
    return images


def state_of(tie: Tie) -> tuple[bool, int]:
    """(holds, at) of a tie."""
    return tie.holds, tie.at
