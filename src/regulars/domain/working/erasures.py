"""Erasures of a transaction."""

from msgspec import Struct


class Erasure(Struct, frozen=True):
    """One erasure, without anything that names the person. reason: why, in the words of whoever asked for it.

    customers: how many were erased: 0 if only emails to the address were left.
    """

    reason: str | None
    channel: int
    actor: int | None
    customers: int
