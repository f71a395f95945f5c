"""Passwords: hashed with Argon2id on a thread, few at a time because each takes 64 MiB."""

import asyncio
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 1_000
_AT_A_TIME: Final = 2

hasher = PasswordHasher()
"""With the parameters of RFC 9106 for little memory: 64 MiB, three passes."""

_turns: Final = asyncio.Semaphore(_AT_A_TIME)


def fault_of(password: str) -> str | None:
    """What is wrong with a new password, as a sentence; None if nothing is. Any characters are allowed."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. Several words are easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    return None


async def hash_password(password: str) -> str:
    """The hash to store."""
    async with _turns:
        return await asyncio.to_thread(hasher.hash, password.encode("utf-8", "surrogatepass"))


async def is_password(stored: str | None, password: str) -> bool:
    """Whether a password is the one of a stored hash.

    Without one, another is verified: the time of the reply does not tell which addresses exist.
    """
    async with _turns:
        is_right = await asyncio.to_thread(_verify, stored or _nobodys(), password)
    return is_right and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with weaker parameters than those of today."""
    return hasher.check_needs_rehash(stored)


@cache
def _nobodys() -> str:
    return hasher.hash("")


def _verify(stored: str, password: str) -> bool:
    if len(password) > LONGEST:
        return False
    try:
        return hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
