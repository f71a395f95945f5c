"""The outbox: what happened to the customers of a site, commit by commit, for external consumers.

The change feed, outgoing webhooks and watched audiences read it. It names customers, objects, mails and fields by
number and name, never by an address or any other text of a customer, so nothing in it has to be erased. It only feeds:
the history of a customer and the evidence of consent are tables of their own, and the outbox is pruned.

Codes are stored: append only, and new fields of a struct go to its end, with a default.
"""

from typing import Any, ClassVar, Final, NamedTuple, get_args

import msgspec
from msgspec import Struct

from regulars.domain.audience_watches import CAUSES
from regulars.domain.mail import STATUSES
from regulars.domain.relations import BY_CODE, FLAG
from regulars.domain.text import whole_number

FORMAT: Final = 1
"""The format number at the start of every part. A reader cannot continue if it finds another one."""

PART_SIZE: Final = 200
"""The most happenings in one stored part: so many are read and decoded at a time. It never grows."""

WHOLE: Final = 2**31 - 1
"""As a position: the whole change was read."""

FIELDS: Final[tuple[str, ...]] = (
    "uuid",
    "created_at",
    "email",
    "customer_id",
    "joined_at",
    "last_request_at",
    "name",
    "firstname",
    "lastname",
    "phone_number",
    "mobile_phone_number",
    "gender",
    "locale",
    "address_line_1",
    "address_line_2",
    "address_city",
    "address_state",
    "address_country",
    "address_zip",
    "attributes",
    "net_revenue",
    "lifetime_revenue",
    "lifetime_orders",
    "lifetime_visits",
    "last_purchase_at",
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
    "engagement_percentile",
    "purchase_percentile",
    "retention_percentile",
)
"""The customer fields whose changes are recorded. The position is the code."""

NOT_TOLD: Final = frozenset(
    {"number", "bucket", "updated_at", "changed_at", "email_key", "merged_into", "ignored_events"}
)
"""The fields of a customer that never change, or only together with others."""


class CustomerCreated(Struct, frozen=True, array_like=True, tag=1):
    """A new customer."""

    type: ClassVar[str] = "customer.created"
    customer: int


class CustomerUpdated(Struct, frozen=True, array_like=True, tag=2):
    """Fields of a customer changed: their codes in FIELDS."""

    type: ClassVar[str] = "customer.updated"
    customer: int
    codes: tuple[int, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(FIELDS[code] for code in self.codes)


class CustomerDeleted(Struct, frozen=True, array_like=True, tag=3):
    """A customer was deleted, with ties, history and evidence. uuid: 16 bytes, which can no longer be looked up."""

    type: ClassVar[str] = "customer.deleted"
    customer: int
    uuid: bytes


class CustomerMerged(Struct, frozen=True, array_like=True, tag=4):
    """Another customer, `gone` with its uuid, became part of this one."""

    type: ClassVar[str] = "customer.merged"
    customer: int
    gone: int
    uuid: bytes


class ConsentChanged(Struct, frozen=True, array_like=True, tag=5):
    """Consent was reported to be given or ended.

    number: of the evidence, which says when and why. holds: whether the customer consents after this commit.
    """

    type: ClassVar[str] = "consent.changed"
    customer: int
    number: int
    granted: bool
    holds: bool


class TieAdded(Struct, frozen=True, array_like=True, tag=6):
    """A tie was added: the code of the relation and the number of the object, 0 for a flag."""

    type: ClassVar[str] = "tie.added"
    customer: int
    code: int
    object: int = FLAG

    @property
    def relation(self) -> str:
        """The name of the relation, such as "tag.has"."""
        return BY_CODE[self.code].name


class TieEnded(Struct, frozen=True, array_like=True, tag=7):
    """A tie ended."""

    type: ClassVar[str] = "tie.ended"
    customer: int
    code: int
    object: int = FLAG

    @property
    def relation(self) -> str:
        """The name of the relation, such as "tag.has"."""
        return BY_CODE[self.code].name


class MailStatus(Struct, frozen=True, array_like=True, tag=8):
    """An email is new or its status advanced: the number of its log and the code of the status."""

    type: ClassVar[str] = "mail.status"
    customer: int
    log: int
    code: int

    @property
    def status(self) -> str:
        """The status, such as "delivered"."""
        return STATUSES[self.code]


class ActivityRecorded(Struct, frozen=True, array_like=True, tag=9):
    """An event entered the customer's history under a number. name: empty for one that is not of the catalogue."""

    type: ClassVar[str] = "activity.recorded"
    customer: int
    number: int
    name: str


class TiesCleared(Struct, frozen=True, array_like=True, tag=10):
    """An object was deleted: nobody has this tie to it any more, but whom the same commit ties to it after this."""

    type: ClassVar[str] = "ties.cleared"
    code: int
    object: int

    @property
    def relation(self) -> str:
        """The name of the relation, such as "tag.has"."""
        return BY_CODE[self.code].name


class AudienceEntered(Struct, frozen=True, array_like=True, tag=11):
    """A customer entered a watched audience: its number.

    seen: the newest change that was taken into account. as_of: the moment of which it is so (ms). cause_code: the
    position in CAUSES. leaf: for the cause clock, the JSON pointer of the condition whose window of time moved on.
    """

    type: ClassVar[str] = "audience.entered"
    customer: int
    audience: int
    seen: int
    as_of: int
    cause_code: int
    leaf: str = ""

    @property
    def cause(self) -> str:
        """Why: change, clock, definition or merge."""
        return CAUSES[self.cause_code]


class AudienceLeft(Struct, frozen=True, array_like=True, tag=12):
    """A customer left a watched audience; the fields are those of AudienceEntered."""

    type: ClassVar[str] = "audience.left"
    customer: int
    audience: int
    seen: int
    as_of: int
    cause_code: int
    leaf: str = ""

    @property
    def cause(self) -> str:
        """Why: change, clock, definition or merge."""
        return CAUSES[self.cause_code]


class CustomerSplit(Struct, frozen=True, array_like=True, tag=13):
    """A merge was undone: another customer, `back` with its uuid, is no longer part of this one."""

    type: ClassVar[str] = "customer.split"
    customer: int
    back: int
    uuid: bytes


class ConsentRequested(Struct, frozen=True, array_like=True, tag=14):
    """A customer was asked for consent and can confirm it by a link, which somebody has to send.

    number: of the request. newsletter: its number, 0: it is about marketing email.
    """

    type: ClassVar[str] = "consent.requested"
    customer: int
    number: int
    newsletter: int


Happening = (
    CustomerCreated
    | CustomerUpdated
    | CustomerDeleted
    | CustomerMerged
    | ConsentChanged
    | TieAdded
    | TieEnded
    | MailStatus
    | ActivityRecorded
    | TiesCleared
    | AudienceEntered
    | AudienceLeft
    | CustomerSplit
    | ConsentRequested
)
TYPES: Final[dict[str, Any]] = {each.type: each for each in get_args(Happening)}
"""Every type of happening by its name."""


class Part(NamedTuple):
    """Some of the happenings of a commit, encoded; `position` is that of the first of `size`."""

    position: int
    size: int
    body: bytes


class Cursor(NamedTuple):
    """A reader's position: through `position` of `change`. The token tells it from a change of another history.

    The tuple (change, position) can be compared: a later cursor is larger.
    """

    change: int
    position: int
    token: int

    def __str__(self) -> str:
        return f"{self.change}.{self.position}.{self.token}"


BEGINNING: Final = Cursor(0, WHOLE, 0)
"""The cursor at the beginning, before anything was read."""


def parse_cursor(text: str) -> Cursor | None:
    """Parse the text form of a cursor; None for any other text."""
    numbers = [number for part in text.split(".") if (number := whole_number(part, longest=19)) is not None]
    if len(numbers) != 3 or text.count(".") != 2:
        return None
    found = Cursor(*numbers)
    return found if max(found) < 2**63 else None


class UnknownFormatError(Exception):
    """A part of the outbox was written by a program with another format."""


class _Body(Struct, array_like=True):
    format: int
    happenings: list[Happening]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def encode(happenings: list[Happening]) -> list[Part]:
    """The happenings of one commit in parts; one empty part if there are none."""
    return [
        Part(start, len(some), _encoder.encode(_Body(FORMAT, some)))
        for start in range(0, max(len(happenings), 1), PART_SIZE)
        for some in (happenings[start : start + PART_SIZE],)
    ]


def decode(body: bytes) -> list[Happening]:
    """The happenings of a part. Raises UnknownFormatError for a part of another format."""
    try:
        found = _decoder.decode(body)
    except msgspec.DecodeError:
        raise UnknownFormatError(f"outbox part in an unknown format: {body[:8]!r}") from None
    if found.format != FORMAT:
        raise UnknownFormatError(f"outbox part in format {found.format}; this program reads format {FORMAT}")
    return found.happenings
