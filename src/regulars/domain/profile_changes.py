"""Profile changes: which fields and ties of a customer a call changed. Only names are kept, never values."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

_LONGEST: Final = 16_384
"""Attributes whose JSON is longer than this are not compared key by key."""

ATTRIBUTES: Final = "attributes"


class ProfileTie(Struct, frozen=True, array_like=True):
    """A tie that was added or ended: the code of the relation and the number of the object."""

    relation: int
    item: int
    holds: bool


class ProfileChange(Struct, frozen=True):
    """What one command changed of a customer's profile.

    is_new: it created the customer. fields: names of columns; of attributes also "attributes.<key>". ties: without
    those that events report, which the events themselves tell. channel, actor: as in `Actor`.
    """

    customer: int
    is_new: bool
    fields: tuple[str, ...]
    ties: tuple[ProfileTie, ...]
    channel: int | None
    actor: int | None

    def body(self) -> bytes:
        """The fields and ties as they are stored."""
        return _encode((self.fields, self.ties))


def read_body(body: bytes) -> tuple[tuple[str, ...], tuple[ProfileTie, ...]]:
    """The fields and ties in a stored body."""
    found = _decode(body)
    return found.fields, found.ties


class _Body(Struct, array_like=True):
    """Stored as MessagePack: new fields go to the end."""

    fields: tuple[str, ...]
    ties: tuple[ProfileTie, ...] = ()


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Body).decode
_decode_json: Final = msgspec.json.Decoder(dict[str, Any]).decode


def changed_attributes(before: str | None, after: str | None, patch: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of the attributes that differ: "attributes.<key>", or just "attributes" if there is much to compare.

    patch: the only ones that may differ, with their values; None means that there is none.
    """
    if len(before or "") > _LONGEST:
        return (ATTRIBUTES,)
    old = {} if before is None else _decode_json(before)
    if patch is None:
        new = {} if after is None else _decode_json(after)
        patch = {key: new.get(key) for key in sorted(old.keys() | new.keys())}
    return tuple([f"{ATTRIBUTES}.{key}" for key, value in patch.items() if old.get(key) != value])
