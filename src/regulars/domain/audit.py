"""The audit trail: one entry for each request that changed something, chained by hashes. No values of people."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
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


def is_audited(origin: Origin) -> bool:
    """Whether changes from there get entries. Those of a bulk action do not: it has one entry, when it begins."""
    return origin.actor.channel in AUDITED and origin.import_run is None


NO_HASH: Final = bytes(32)
"""Stands for the hash before the first entry."""

CHANGING: Final = frozenset({"created", "updated", "deleted", "anonymous"})
"""The verdicts on commands that changed something."""


Fields = Mapping[Origin, Iterable[str]]


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


Columns = tuple[int, int, int, int | None, str, str | None, bytes]
"""The columns of an entry before its hash."""


def sealed(
    previous: bytes, owner: int, at: int, position: int, origin: Origin, body: AuditBody
) -> tuple[Columns, bytes]:
    """The columns of the entry that follows the one with the hash `previous`, and its hash. owner: site or account."""
    actor = origin.actor
    row = (at, position, actor.channel, actor.number, origin.operation, origin.request_id, _encode(body))
    return row, chained(previous, owner, row)


def chained(previous: bytes, owner: int, row: Columns) -> bytes:
    """The hash of an entry: SHA-256 of the hash before it and of its columns."""
    return hashlib.sha256(previous + _encode((owner, *row))).digest()


def is_chained(previous: bytes, owner: int, event: AuditEvent) -> bool:
    """Whether an entry is as it was written, behind the entry with the hash `previous`."""
    row = (event.at, event.position, event.channel, event.actor, event.operation, event.request_id, event.body)
    return chained(previous, owner, row) == event.hash


def audited(site: int, done: Sequence[tuple[Origin, Outcome]], fields: Fields) -> list[tuple[Origin, AuditBody]]:
    """What each request did, of what its commands came to, in order. fields: the names of what each changed."""
    found: list[tuple[Origin, AuditBody]] = []
    place = 0
    while place < len(done):
        origin, outcome = done[place]
        place += 1
        if outcome.parts or (place < len(done) and done[place][0] is origin):
            outcomes = list(outcome.parts or (outcome,))
            while place < len(done) and done[place][0] is origin:
                outcomes += done[place][1].parts or (done[place][1],)
                place += 1
            body = _several(site, outcomes, fields.get(origin, ()))
            if body is not None:
                found.append((origin, body))
        elif outcome.verdict in CHANGING:
            body = AuditBody(_target(site, outcome), {outcome.verdict: 1}, tuple(fields.get(origin, ())))
            found.append((origin, body))
    return found


def _several(site: int, outcomes: Iterable[Outcome], fields: Iterable[str]) -> AuditBody | None:
    """What a request with several commands did; None if nothing."""
    results: dict[str, int] = {}
    targets: set[str | None] = set()
    for outcome in outcomes:
        if outcome.refusal is None and outcome.verdict in CHANGING:
            results[outcome.verdict] = results.get(outcome.verdict, 0) + 1
            targets.add(_target(site, outcome))
    target = targets.pop() if len(targets) == 1 else None
    return AuditBody(target, results, tuple(dict.fromkeys(fields))) if results else None


def _target(site: int, outcome: Outcome) -> str | None:
    if outcome.person is not None:
        return f"customers/{public_number(site, outcome.person.customer.number)}"
    if outcome.object is not None:
        return f"{KINDS[outcome.object.kind - 1]}s/{outcome.object.number}"
    return None
