"""Reach: how many of the customers that match can be mailed, and what keeps the others out."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.questions.tree import (
    All,
    Any,
    FieldCondition,
    Id,
    Node,
    Not,
    StateCondition,
    TieCondition,
)

PURPOSES: Final = ("marketing", "transactional")


class Reason(Struct, frozen=True):
    """Why a customer cannot be mailed. node: who is concerned, given the newsletter of the mailing, if it has one.

    transactional: it also keeps transactional email back.
    """

    name: str
    node: Callable[[Id | None], Node]
    transactional: bool


def _is(state: str) -> Callable[[Id | None], Node]:
    return lambda _: StateCondition(state)


def _left(newsletter: Id | None) -> Node:
    return Any() if newsletter is None else TieCondition("newsletter_left", "any_of", (newsletter,))


_EVER: Final = FieldCondition("subscribed_at", "set")
_NOW: Final = StateCondition("subscribed")
_NO_DOMAINS: Final = (".invalid", ".localhost")
"""Ends of domains that no email ever reaches (RFC 6761). Other addresses were checked when they came."""

_INVALID: Final = Any(tuple([FieldCondition("email", "ends", (each,)) for each in _NO_DOMAINS]))

REASONS: Final = (
    Reason("no_address", lambda _: Not(FieldCondition("email", "set")), transactional=True),
    Reason("invalid_address", lambda _: _INVALID, transactional=True),
    Reason("forgotten", _is("forgotten"), transactional=True),
    Reason("suppressed", _is("suppressed"), transactional=True),
    Reason("complained", _is("spam_reported"), transactional=False),
    Reason("hard_bouncing", _is("hard_bouncing"), transactional=True),
    Reason("unsubscribed", lambda _: All((_EVER, Not(_NOW))), transactional=False),
    Reason("newsletter_left", _left, transactional=False),
    Reason("never_subscribed", lambda _: All((Not(_EVER), Not(_NOW))), transactional=False),
)
"""Every reason, in the order in which they are counted."""


class Excluded(Struct, frozen=True):
    """Customers kept out for one reason. first: those without an earlier reason. any_: all of them."""

    reason: str
    first: int
    any_: int
    node: Node


class Reach(Struct, frozen=True):
    """matched = reachable + the sum of `first`."""

    matched: int
    reachable: int
    excluded: list[Excluded]


def reasons_for(purpose: str) -> list[Reason]:
    """The reasons that count for a purpose of PURPOSES."""
    return [reason for reason in REASONS if purpose == "marketing" or reason.transactional]


def reach(matches: BitMap, concerned: Sequence[BitMap], reasons: Sequence[Reason], newsletter: Id | None) -> Reach:
    """Count. concerned: the customers of each reason."""
    left, excluded = matches, []
    for reason, customers in zip(reasons, concerned, strict=True):
        first = len(left & customers)
        any_ = len(matches & customers)
        excluded.append(Excluded(reason.name, first, any_, reason.node(newsletter)))
        left = left - customers
    return Reach(len(matches), len(left), excluded)
