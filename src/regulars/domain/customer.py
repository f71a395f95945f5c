"""The customer: a row with identity, profile, revenue and times of the latest activity."""

import hashlib
import random
from operator import attrgetter
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from regulars.domain import changes
from regulars.domain.identity import new_uuid
from regulars.domain.relations import BY_NAME, FLAG, Tie

CONTROL_BUCKETS: Final = 100
"""Buckets of the control-group draw ("1" to "100"), fixed when a customer is created."""


class Customer(Struct):
    """One customer as it is stored: the fields are the columns, in order.

    number: within the site. uuid: 16 bytes. email: as displayed (lower case); email_key: as compared.
    attributes: a JSON object as text, None when empty. Moments (*_at): ms since 1970, UTC. Money: cents.
    updated_at: when the profile was last updated, by the time that its caller gives. changed_at: the moment of the
    commit that last changed what is shown of the customer; None only for what older programs have stored. merged_into:
    the customer that this one was merged into; its own number if others were merged into it. ignored_events: how many
    events were not kept, as the customer was forgotten; None: none.
    """

    number: int
    uuid: bytes
    created_at: int
    updated_at: int
    bucket: int
    email: str | None = None
    email_key: str | None = None
    customer_id: str | None = None
    joined_at: int | None = None
    last_request_at: int | None = None
    name: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    phone_number: str | None = None
    mobile_phone_number: str | None = None
    gender: str | None = None
    locale: str | None = None
    address_line_1: str | None = None
    address_line_2: str | None = None
    address_city: str | None = None
    address_state: str | None = None
    address_country: str | None = None
    address_zip: str | None = None
    attributes: str | None = None
    net_revenue: int = 0
    lifetime_revenue: int = 0
    lifetime_orders: int = 0
    lifetime_visits: int = 0
    last_purchase_at: int | None = None
    subscribed_at: int | None = None
    unsubscribed_at: int | None = None
    manually_unsubscribed_at: int | None = None
    opted_out_at: int | None = None
    complained_at: int | None = None
    bounced_at: int | None = None
    last_sent_at: int | None = None
    last_delivered_at: int | None = None
    last_opened_at: int | None = None
    last_clicked_at: int | None = None
    engagement_percentile: int | None = None
    purchase_percentile: int | None = None
    retention_percentile: int | None = None
    changed_at: int | None = None
    merged_into: int | None = None
    ignored_events: int | None = None


IDENTITY_FIELDS: Final = ("uuid", "email", "email_key", "customer_id")
"""The fields that identify a customer. Each has a unique index, so they are written only when they change."""

NOT_SHOWN: Final = ("last_sent_at", "last_delivered_at", "last_opened_at", "last_clicked_at", "ignored_events")
"""Fields that no list shows: questions are about the times, and the last one is in what is kept of one person."""

_shown_fields: Final = attrgetter(*(name for name in Customer.__struct_fields__ if name not in NOT_SHOWN))


Shown = TypeVar("Shown")
"""A `Customer`, or some of its fields with the same names."""


class Picture(Struct, Generic[Shown]):
    """A customer with its flags, groups and newsletters, by (relation, object)."""

    customer: Shown
    ties: dict[tuple[int, int], Tie]

    def has(self, relation: str, number: int = FLAG) -> bool:
        """Whether the tie holds now."""
        if not self.ties:
            return False
        tie = self.ties.get((BY_NAME[relation].code, number))
        return tie is not None and tie.holds

    def held(self) -> dict[int, list[tuple[int, str | None]]]:
        """{code of a relation: (number, key) of every object the customer is tied to by it}, for those with any."""
        found: dict[int, list[tuple[int, str | None]]] = {}
        for (code, number), tie in self.ties.items():
            if tie.holds:
                found.setdefault(code, []).append((number, tie.label))
        return found

    def tied_to(self, relation: str) -> list[tuple[int, str | None]]:
        """(number, key) of every object the customer is tied to by `relation`, by number."""
        if not self.ties:
            return []
        code = BY_NAME[relation].code
        found = [(number, tie.label) for (kind, number), tie in self.ties.items() if kind == code and tie.holds]
        return sorted(found) if found else found


class Person(Picture[Customer]):
    """A customer together with these ties.

    part: the number of the customer that was merged into this one, if a report names that one.
    """

    part: int | None = None

    @property
    def origin(self) -> int:
        """The number under which a report about the customer is kept: that of the customer whom the report names."""
        return self.customer.number if self.part is None else self.part


def new_customer(number: int, now: int) -> Customer:
    """A new customer, created at `now` (ms), with a new uuid and control bucket."""
    return Customer(
        number=number,
        uuid=new_uuid(),
        created_at=now,
        updated_at=now,
        bucket=int(random.random() * CONTROL_BUCKETS) + 1,  # noqa: S311 - a draw, not a secret
    )


def is_shown_change(before: Customer | None, after: Customer) -> bool:
    """Whether a changed row differs in what replies show of a customer."""
    if before is None:
        return True
    return _shown_fields(before) != _shown_fields(after)


def shown_name(name: str | None, email: str | None, customer_id: str | None) -> str | None:
    """The name lists show, search and sort by: the name, else the address's local part, else the customer_id."""
    if name:
        return name
    if email:
        return email.rpartition("@")[0]
    return customer_id


def email_hash(email: str | None) -> str | None:
    """The MD5 of the address in hex, by which some vendors match customers; not a protection of it."""
    return None if email is None else hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()


def attributes_json(stored: str | None) -> msgspec.Raw:
    """A customer's attributes as a JSON object."""
    return msgspec.Raw(stored or "{}")


def index_columns(customer: Customer) -> tuple[int, ...]:
    """The customer's values in the order of `changes.COLUMNS`, NULL where unset; joined_at falls back to created_at."""
    null = changes.NULL
    return tuple([null if value is None else value for value in _columns_of(customer)])


def _columns_of(c: Customer) -> tuple[int | None, ...]:
    """The same, None where unset."""
    return (
        c.created_at,
        c.created_at if c.joined_at is None else c.joined_at,
        c.last_request_at,
        c.net_revenue,
        c.subscribed_at,
        c.unsubscribed_at,
        c.manually_unsubscribed_at,
        c.opted_out_at,
        c.complained_at,
        c.bounced_at,
        c.last_sent_at,
        c.last_delivered_at,
        c.last_opened_at,
        c.last_clicked_at,
        c.created_at if c.changed_at is None else c.changed_at,
    )


def index_texts(customer: Customer) -> tuple[str | None, ...]:
    """The customer's texts in the order of `changes.TEXTS`, as displayed."""
    c = customer
    return (
        shown_name(c.name, c.email, c.customer_id),
        c.email,
        c.phone_number,
        c.mobile_phone_number,
        c.address_line_1,
        c.address_line_2,
        c.address_city,
        c.address_state,
        c.address_country,
        c.address_zip,
    )


def entry_of(before: Customer | None, after: Customer) -> changes.Entry | None:
    """The changes of a customer's row that the index needs; None if there are none."""
    new_columns, new_texts = _columns_of(after), index_texts(after)
    if before is None:
        return changes.Entry(
            after.number,
            columns=[(code, value) for code, value in enumerate(new_columns) if value is not None],
            texts=[code for code, text in enumerate(new_texts) if text is not None],
            attributes=after.attributes is not None,
        )
    old_columns, old_texts = _columns_of(before), index_texts(before)
    columns = (
        []
        if old_columns == new_columns
        else [
            (code, changes.NULL if new is None else new)
            for code, (old, new) in enumerate(zip(old_columns, new_columns, strict=True))
            if old != new
        ]
    )
    texts = (
        []
        if old_texts == new_texts
        else [code for code, (old, new) in enumerate(zip(old_texts, new_texts, strict=True)) if old != new]
    )
    attributes = before.attributes != after.attributes
    if not (columns or texts or attributes):
        return None
    return changes.Entry(after.number, columns=columns, texts=texts, attributes=attributes)
