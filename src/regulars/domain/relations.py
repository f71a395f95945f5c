"""Relations: the kinds of tie between customer and object, and which of two reports wins.

A flag (hidden, suppressed, ...) is a tie to object 0. The codes are stored in the database and in change
records: a code is never reused and never changes its meaning.
"""

from enum import Enum
from typing import Final

from msgspec import Struct

from regulars.domain.object_kinds import OBJECT_KINDS

FLAG: Final = 0
"""The object number of ties that are flags."""

PROFILE_RELATIONS_END: Final = 16
"""Relations with a code below this are part of the customer as it is shown, and are read with it."""


class Relation(Struct, frozen=True):
    """One kind of tie. `kind` is the kind of object, None for a flag.

    `restrictive` is the state that wins when two reports carry the same time: False (not tied), unless being tied is
    the restriction.
    """

    code: int
    name: str
    kind: str | None
    restrictive: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether the tie is part of what is shown of a customer. Emails and membership in lists are not."""
        return self.kind not in _NOT_SHOWN


_NOT_SHOWN: Final = frozenset({"broadcast", "audience"})

RELATIONS: Final[tuple[Relation, ...]] = (
    Relation(1, "hidden", None, restrictive=True),
    Relation(2, "suppressed", None, restrictive=True),
    Relation(3, "hard_bouncing", None, restrictive=True),
    Relation(4, "spam_reported", None, restrictive=True),
    Relation(5, "subscribed", None),
    Relation(6, "pending", None),
    Relation(7, "forgotten", None, restrictive=True),
    Relation(8, "group.member", "group"),
    Relation(9, "newsletter.subscribed", "newsletter"),
    Relation(10, "newsletter.unsubscribed", "newsletter", restrictive=True),
    Relation(16, "tag.has", "tag"),
    Relation(17, "offer.granted", "offer"),
    Relation(18, "product.owned", "product"),
    Relation(19, "product.active", "product"),
    Relation(20, "product.previously_owned", "product", restrictive=True),
    Relation(21, "coupon.used", "coupon"),
    Relation(22, "form.submitted", "form"),
    Relation(23, "event.registered", "event"),
    Relation(24, "assessment.completed", "assessment"),
    Relation(25, "assessment.passed", "assessment"),
    Relation(26, "assessment.failed", "assessment", restrictive=True),
    Relation(27, "sequence.subscribed", "sequence"),
    Relation(32, "broadcast.sent", "broadcast"),
    Relation(33, "broadcast.delivered", "broadcast"),
    Relation(34, "broadcast.opened", "broadcast"),
    Relation(35, "broadcast.clicked", "broadcast"),
    Relation(36, "broadcast.bounced", "broadcast"),
    Relation(37, "broadcast.dropped", "broadcast"),
    Relation(38, "audience.member", "audience"),
    Relation(39, "broadcast.complained", "broadcast"),
    Relation(40, "broadcast.unsubscribed", "broadcast"),
)

BY_NAME: Final = {relation.name: relation for relation in RELATIONS}
BY_CODE: Final = {relation.code: relation for relation in RELATIONS}
TIMED: Final = frozenset(each.code for each in RELATIONS if each.kind not in (None, "broadcast"))
"""The codes of relations that questions can ask the time of. For flags and broadcasts, other times are kept."""

KINDS: Final[tuple[str, ...]] = tuple(each.name for each in OBJECT_KINDS)
"""The names of the kinds of object. A kind's position + 1 is its stored code."""

KIND_CODES: Final = {kind: code for code, kind in enumerate(KINDS, 1)}


LIMITED: Final = frozenset({BY_NAME["group.member"].code, BY_NAME["newsletter.subscribed"].code})
"""The codes of relations of which a customer can have `MOST_TIES`, as they are read with each write to the customer."""

MOST_TIES: Final = 10_000


class Tie(Struct):
    """The state of one relation of one customer to one object, with the time of its last change (ms).

    `label` is the object's key where it has one; it is filled where the tie is going to be shown.
    """

    holds: bool
    at: int
    label: str | None = None


class ReportKind(Enum):
    """The kind of report of a tie."""

    BACKDATED = "it came about at a time of its own: it loses against what came later"
    IMMEDIATE = "it comes about at this moment: it wins, also against what is reported late"
    ASSERTED = "it is so at this moment, since whenever: it wins, and leaves what is so already as it is"
    BELIEVED = "somebody believes it and does not say since when: it only tells what nothing is known of"


_UNDATED: Final = 0
"""The time of a tie reported without a time by a file: every dated report is later."""


def merge_report(tie: Tie | None, relation: Relation, holds: bool, at: int, report: ReportKind) -> Tie | None:
    """The tie after a report that `relation` holds (or not) since `at` (ms); None if the report changes nothing.

    Of two reports of the same time, the restrictive one wins.
    """
    if report is ReportKind.BELIEVED:
        return Tie(holds, _UNDATED) if tie is None else None
    if tie is None:
        return Tie(holds, at)
    if report is not ReportKind.BACKDATED and tie.holds != holds:
        return Tie(holds, max(at, tie.at + 1), tie.label)
    if (
        report is ReportKind.ASSERTED
        or at < tie.at
        or (at == tie.at and (holds == tie.holds or holds != relation.restrictive))
    ):
        return None
    return Tie(holds, at, tie.label)
