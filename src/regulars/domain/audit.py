"""The audit trail: one entry for each request that changed something, chained by hashes. No values of people."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from regulars.domain.identity import public_number
from regulars.domain.origin import Channel, Origin
from regulars.domain.outcome import Outcome
from regulars.domain.relations import KINDS

AUDITED: Final = frozenset(
    {Channel.CLASSIC, Channel.JSONAPI, Channel.COMMAND_LINE, Channel.ADMIN_PAGE, Channel.PUBLIC_PAGE}
)
"""The channels whose changes are recorded. An import is one entry, and jobs carry out what somebody else began."""

NO_HASH: Final = bytes(32)
"""Stands for the hash before the first entry."""

CHANGING: Final = frozenset({"created", "updated", "deleted", "anonymous"})
"""The verdicts on commands that changed something."""


class AuditBody(Struct, frozen=True, array_like=True):
    """What was done; stored as MessagePack, so new fields go to the end.

    target: what was changed, such as "customers/4294967297"; None if it was several things. results: how many commands
    came to each verdict. fields: the names of what was changed.
    """

    target: str | None = None
    results: dict[str, int] = {}
    fields: tuple[str, ...] = ()


class AuditEvent(Struct, frozen=True):
    """An entry as it is stored. at: the moment (ms) of the commit, position: the place within it.

    channel, actor, operation, request_id: as in `Origin`. body: an encoded `AuditBody`.
    """

    at: int
    position: int
    channel: int
    actor: int | None
    operation: str
    request_id: str | None
    body: bytes
    hash: bytes

    def read(self) -> AuditBody:
        """What was done."""
        return _decode(self.body)


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(AuditBody).decode


def sealed(previous: bytes, owner: int, at: int, position: int, origin: Origin, body: AuditBody) -> AuditEvent:
    """The entry that follows the one with the hash `previous`. owner: the site or account."""
    actor, encoded = origin.actor, _encode(body)
    row = (at, position, actor.channel.value, actor.number, origin.operation, origin.request_id, encoded)
    return AuditEvent(*row, chained(previous, owner, *row))


def chained(previous: bytes, owner: int, *row: object) -> bytes:
    """The hash of an entry: SHA-256 of the hash before it and of its columns."""
    return hashlib.sha256(previous + _encode((owner, *row))).digest()


def is_chained(previous: bytes, owner: int, event: AuditEvent) -> bool:
    """Whether an entry is as it was written, behind the entry with the hash `previous`."""
    row = (event.at, event.position, event.channel, event.actor, event.operation, event.request_id, event.body)
    return chained(previous, owner, *row) == event.hash


class AuditNotes:
    """What the commands of one transaction did, by request."""

    def __init__(self) -> None:
        self._outcomes: dict[Origin, list[Outcome]] = {}

    def note(self, origin: Origin, outcome: Outcome) -> None:
        """Note what a command came to."""
        if origin.actor.channel in AUDITED and (outcome.verdict in CHANGING or outcome.parts):
            self._outcomes.setdefault(origin, []).append(outcome)

    def bodies(self, site: int, changed: Mapping[Origin, Iterable[str]]) -> list[tuple[Origin, AuditBody]]:
        """What each request did. changed: the names of the fields that each changed; of attributes, only that some."""
        found = []
        for origin, outcomes in self._outcomes.items():
            results: dict[str, int] = {}
            targets: set[str] = set()
            for outcome in outcomes:
                for part in outcome.parts or (outcome,):
                    if part.refusal is None and part.verdict in CHANGING:
                        results[part.verdict] = results.get(part.verdict, 0) + 1
                        targets.add(_target(site, part))
            if results:
                target = targets.pop() if len(targets) == 1 else None
                fields = tuple(dict.fromkeys(name.partition(".")[0] for name in changed.get(origin, ())))
                found.append((origin, AuditBody(target or None, results, fields)))
        return found


def _target(site: int, outcome: Outcome) -> str:
    if outcome.person is not None:
        return f"customers/{public_number(site, outcome.person.customer.number)}"
    if outcome.object is not None:
        return f"{KINDS[outcome.object.kind - 1]}s/{outcome.object.number}"
    return ""
