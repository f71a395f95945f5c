"""Failed sign-ins: counted for each address and each network, so that passwords cannot be guessed.

After some failures in a row the next attempt has to wait, and each further failure doubles the wait.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from regulars.store.engine import Connection, Engine
from regulars.store.statement import Statement
from regulars.store.user_schema import sign_in_failures as failures

FREE_FAILURES: Final = {"address": 5, "network": 25}
"""Failures in a row after which the next attempt has to wait. Many people may share a network."""

LONGEST_WAIT: Final = 15 * 60_000
_FIRST_WAIT: Final = 1_000
_FORGOTTEN_AFTER: Final = 24 * 3_600_000

_FAILURES = Statement(
    "sign_in_failures",
    select(failures.c.failures, failures.c.last_at).where(failures.c.subject == bindparam("subject")),
)
_COUNT = Statement(
    "count_sign_in_failure",
    insert(failures)
    .values(subject=bindparam("subject"), failures=1, last_at=bindparam("now"))
    .on_conflict_do_update(
        index_elements=["subject"], set_={"failures": failures.c.failures + 1, "last_at": bindparam("now")}
    ),
)
_CLEAR = Statement("clear_sign_in_failures", delete(failures).where(failures.c.subject == bindparam("subject")))
_FORGET = Statement("forget_sign_in_failures", delete(failures).where(failures.c.last_at < bindparam("before")))


class FailureSubject(Struct, frozen=True):
    """What failures are counted by. hash: of a kind and a text, which is not stored. free: failures without a wait."""

    hash: bytes
    free: int


def subject(kind: str, text: str) -> FailureSubject:
    """The subject of a kind of FREE_FAILURES."""
    return FailureSubject(
        hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).digest(), FREE_FAILURES[kind]
    )


async def wait_of(connection: Connection, subjects: Sequence[FailureSubject], *, now: int) -> int:
    """How many ms the next attempt has to wait; 0: it may be made at once."""
    longest = 0
    for each in subjects:
        row = await connection.one(_FAILURES, {"subject": each.hash})
        if row is not None and row[0] >= each.free:
            wait = min(_FIRST_WAIT << min(row[0] - each.free, 20), LONGEST_WAIT)
            longest = max(longest, row[1] + wait - now)
    return longest


async def count_failure(engine: Engine, subjects: Sequence[FailureSubject], *, now: int) -> None:
    """Count a failed sign-in."""
    async with engine.transaction() as connection:
        await connection.all(_FORGET, {"before": now - _FORGOTTEN_AFTER})
        for each in subjects:
            await connection.all(_COUNT, {"subject": each.hash, "now": now})


async def clear_failures(engine: Engine, subjects: Sequence[FailureSubject]) -> None:
    """Forget the failures, after a sign-in that succeeded."""
    async with engine.transaction() as connection:
        for each in subjects:
            await connection.all(_CLEAR, {"subject": each.hash})
