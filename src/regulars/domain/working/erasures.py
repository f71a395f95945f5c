"""Erasures of a transaction."""

from msgspec import Struct

from regulars.domain.working.addresses import Identifier


class Erasure(Struct, frozen=True):
    """One erasure. reason: why, in the words of whoever asked for it.

    customers: how many were erased: 0 if only emails to the address were left. numbers: their numbers, with those of
    the customers that were merged into them. identifiers: every one of the person; only keyed hashes are stored.
    """

    reason: str | None
    channel: int
    actor: int | None
    customers: int
    numbers: tuple[int, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
