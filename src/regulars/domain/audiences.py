"""Saved audiences: named questions and lists of customers, and which of them refer to each other."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

KIND: Final = "audience"
"""The kind of object that a saved audience is."""

MEMBER: Final = "audience.member"
"""Ties a customer to the lists that it is in."""

AudienceKind = Literal["dynamic", "list"]
KINDS: Final[tuple[AudienceKind, ...]] = ("dynamic", "list")
"""A dynamic audience is the customers that match its question; a list has members that callers add and remove."""

MOST_NESTING: Final = 8
"""Audiences may refer to each other in chains of up to this many."""


class Definition(Struct, frozen=True):
    """What an audience is; the fields are the columns, in order.

    question: of a dynamic audience, its canonical JSON form. refers: the numbers of the audiences that the question
    names. version: 1 for a new audience, and one more for each change of the question. changed_at: the time of the
    newest version (ms). is_seed_list, source: of lists of Blueshift's clients, which are told what they sent.
    """

    audience: int
    kind: AudienceKind
    question: str | None
    refers: tuple[int, ...]
    watched: bool
    version: int
    changed_at: int
    is_seed_list: bool = False
    source: str | None = None


def etag_of(version: int, updated_at: int) -> str:
    """What tells the states of an audience apart. updated_at: of the object (ms)."""
    return f"{version}-{updated_at}"


class StoredAudience(Struct, frozen=True):
    """An audience with what it is called. label: its key, or its number where it has none."""

    label: str
    name: str
    definition: Definition


class Referring(Struct, frozen=True):
    """An audience whose question names others. refers: their numbers."""

    label: str
    refers: tuple[int, ...]


Graph = Mapping[int, Referring]
"""The audiences that refer to others, by number."""


def users_of(graph: Graph, audience: int) -> list[str]:
    """The labels of the audiences that refer to this one."""
    return sorted(each.label for each in graph.values() if audience in each.refers)


def path_between(graph: Graph, start: Sequence[int], end: int) -> list[int] | None:
    """A way from one of the audiences `start` to `end` along references, both ends included; None if there is none."""
    came_from: dict[int, int | None] = dict.fromkeys(start)
    waiting = list(came_from)
    while waiting:
        here = waiting.pop()
        if here == end:
            way: list[int] = []
            at: int | None = here
            while at is not None:
                way.append(at)
                at = came_from[at]
            return way[::-1]
        for following in graph[here].refers if here in graph else ():
            if following not in came_from:
                came_from[following] = here
                waiting.append(following)
    return None


def nesting(graph: Graph) -> int:
    """How many audiences the longest chain of references has. The graph must be free of cycles."""
    depths: dict[int, int] = {}

    def depth(audience: int) -> int:
        if audience not in depths:
            below = graph[audience].refers if audience in graph else ()
            depths[audience] = 1 + max(map(depth, below), default=0)
        return depths[audience]

    return max(map(depth, graph), default=0)


def encode_refers(refers: tuple[int, ...]) -> str | None:
    """References as they are stored: a JSON array, None if there are none."""
    return msgspec.json.encode(refers).decode() if refers else None


def decode_refers(text: str | None) -> tuple[int, ...]:
    """Stored references."""
    return () if text is None else msgspec.json.decode(text, type=tuple[int, ...])
