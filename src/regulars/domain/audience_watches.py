"""Watched audiences: what is kept of one, and who entered or left it."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

CAUSES: Final = ("change", "clock", "definition", "merge")
"""Why a customer entered or left: a write, a window of time that moved on, another question, a merge of customers.

The position is stored.
"""

MOST_MOVEMENTS: Final = 2_000
"""Movements that are recorded in one commit."""

NOT_KEPT: Final = 0
"""The `as_of` of an audience whose members are not kept."""


class Watch(Struct, frozen=True):
    """What is kept of a watched audience; the fields are the columns, in order.

    revision: one more with each recording. seen, event: the newest change and the largest number of an event that the
    kept members reflect. as_of: the moment of which they are (ms); NOT_KEPT: there are none. definition: a hash of the
    question. entered, left: how many customers did, ever.
    """

    audience: int
    revision: int
    seen: int
    event: int
    as_of: int
    definition: int
    entered_count: int
    left_count: int


class Movement(Struct, frozen=True):
    """A customer entered an audience, or left it. cause: one of CAUSES.

    leaf: for the cause clock, the JSON pointer of the condition whose window moved on; else empty.
    """

    customer: int
    has_entered: bool
    cause: str
    leaf: str = ""


def advanced(before: Watch, after: Watch | None, movements: Sequence[Movement]) -> Watch:
    """The watch once movements are recorded. after: what it reflects then; None: more movements follow."""
    entered = sum(each.has_entered for each in movements)
    return replace(
        after or before,
        revision=before.revision + 1,
        entered_count=before.entered_count + entered,
        left_count=before.left_count + len(movements) - entered,
    )


class AudiencePoint(Struct, frozen=True):
    """The figures of an audience at a moment (ms); the fields are the columns, in order.

    entered_count, left_count: as in Watch; None if it was not watched.
    """

    audience: int
    at: int
    version: int
    matched: int
    reachable: int
    entered_count: int | None
    left_count: int | None
