"""Finds, stores and reads pairs of customers who may be the same.

A job reads the site in a snapshot, on a thread, and keeps 8 bytes for each value of each customer. It is as if it had
compared the values themselves: pairs whose hashes are equal are read again and compared.
"""

import hashlib
from array import array
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import and_, bindparam, delete, exists, not_, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.domain.duplicates import MOST_ALIKE, REASONS, Pair, keys_of, pairs_of, reasons_of
from regulars.store.engine import Connection, Engine, Row
from regulars.store.merge_statements import is_listed
from regulars.store.schema import customers, duplicate_dismissals, duplicates
from regulars.store.statement import KeyedJoin, Statement, site_is
from regulars.store.statement import keys_of as listed_keys
from regulars.store.threads import off_loop

FIND_DUPLICATES: Final = "find_duplicates"
"""The kind of the job."""

MOST_PAIRS: Final = 100_000
"""Pairs that are kept for a site: the likeliest."""

_READ: Final = 5_000
_WRITTEN: Final = 500
_HASH: Final = 32
_NUMBER: Final = (1 << _HASH) - 1

_FIELDS: Final = [
    customers.c[name] for name in ("number", "email_key", "name", "phone_number", "mobile_phone_number", "address_city")
]
_READ_KEYS: Final = Statement(
    "duplicate_keys",
    select(*_FIELDS)
    .where(site_is(customers), customers.c.number > bindparam("after"), is_listed())
    .order_by(customers.c.number)
    .limit(bindparam("count")),
)
_listed, (_number,) = listed_keys(customers.c.number)
_KEYS_OF: Final = Statement(
    "duplicate_keys_of",
    select(*_FIELDS).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number, is_listed()))
    ),
)
_pair = upsert(duplicates)
_SAVE: Final = Statement(
    "save_duplicates",
    _pair.on_conflict_do_update(
        index_elements=["site_id", "first", "second"],
        set_={name: _pair.excluded[name] for name in ("score", "reasons", "found_at")},
    ),
)
_DELETE: Final = Statement(
    "delete_duplicate",
    delete(duplicates).where(
        site_is(duplicates),
        duplicates.c.first == bindparam("first_is"),
        duplicates.c.second == bindparam("second_is"),
    ),
)
_OLD: Final = Statement(
    "old_duplicates",
    select(duplicates.c.first, duplicates.c.second)
    .where(site_is(duplicates), duplicates.c.found_at < bindparam("before"))
    .limit(bindparam("count")),
)
_dismissed = exists(
    select(duplicate_dismissals.c.first)
    .where(
        site_is(duplicate_dismissals),
        duplicate_dismissals.c.first == duplicates.c.first,
        duplicate_dismissals.c.second == duplicates.c.second,
    )
    .correlate(duplicates)
)
_LIST: Final = Statement(
    "duplicates_of_site",
    select(duplicates.c.first, duplicates.c.second, duplicates.c.score, duplicates.c.reasons)
    .where(
        site_is(duplicates),
        duplicates.c.score <= bindparam("score_is"),
        or_(
            duplicates.c.score < bindparam("score_is"),
            duplicates.c.first < bindparam("first_is"),
            and_(duplicates.c.first == bindparam("first_is"), duplicates.c.second < bindparam("second_is")),
        ),
        not_(_dismissed),
    )
    .order_by(duplicates.c.score.desc(), duplicates.c.first.desc(), duplicates.c.second.desc())
    .limit(bindparam("count")),
)
_dismissal = upsert(duplicate_dismissals)
_DISMISS: Final = Statement(
    "dismiss_duplicate", _dismissal.on_conflict_do_nothing(index_elements=["site_id", "first", "second"])
)


class FoundPair(Struct, frozen=True):
    """A stored pair. Pairs are listed by score, first and second, each descending."""

    first: int
    second: int
    score: int
    reasons: tuple[str, ...]

    @property
    def place(self) -> tuple[int, int, int]:
        """Where the pair stands in the list."""
        return self.score, self.first, self.second


BEGINNING: Final = (101, 0, 0)
"""The place before the first pair."""


async def find_pairs(engine: Engine, site: int) -> list[Pair]:
    """The likeliest pairs of a site, read in one snapshot."""
    kept = [array("Q") for _ in REASONS]
    async with engine.snapshot() as connection:
        after = 0
        while rows := await connection.in_thread(_READ_KEYS, {"site": site, "after": after, "count": _READ}):
            await off_loop(_keep, rows, kept)
            after = rows[-1][0]
        numbers = await off_loop(_alike, kept)
        values: dict[tuple[str, str], list[int]] = {}
        for start in range(0, len(numbers), _READ):
            keys = msgspec.json.encode(numbers[start : start + _READ]).decode()
            rows = await connection.in_thread(_KEYS_OF, {"site": site, "keys": keys})
            await off_loop(_compare, rows, values)
    return await off_loop(_pairs, values)


def _keep(rows: Sequence[Row], kept: list["array[int]"]) -> None:
    for number, *fields in rows:
        for reason, value in keys_of(*fields):
            hashed = int.from_bytes(hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).digest())
            kept[REASONS.index(reason)].append(hashed << _HASH | number)


def _alike(kept: list["array[int]"]) -> list[int]:
    """The numbers with equal hashes, ascending; not those of hashes that too many have."""
    import numpy as np  # takes 0.1 s, needed only here

    found = []
    for values in kept:
        ordered = np.sort(np.array(values, dtype=np.uint64))
        hashes = ordered >> _HASH
        begins = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
        sizes = np.diff(begins, append=ordered.size)
        is_alike = np.repeat((sizes > 1) & (sizes <= 2 * MOST_ALIKE), sizes)
        found.append(ordered[is_alike] & _NUMBER)
    numbers: list[int] = np.unique(np.concatenate(found)).tolist()
    return numbers


def _compare(rows: Sequence[Row], values: dict[tuple[str, str], list[int]]) -> None:
    for number, *fields in rows:
        for key in keys_of(*fields):
            values.setdefault(key, []).append(number)


def _pairs(values: dict[tuple[str, str], list[int]]) -> list[Pair]:
    return pairs_of(((reason, numbers) for (reason, _), numbers in values.items()), MOST_PAIRS)


async def save_pairs(engine: Engine, site: int, pairs: Sequence[Pair], *, now: int) -> None:
    """Store pairs in place of those that were found before, some at a time."""
    for start in range(0, len(pairs), _WRITTEN):
        some = pairs[start : start + _WRITTEN]
        async with engine.transaction() as connection:
            rows = [(site, each.first, each.second, each.score, each.codes, now) for each in some]
            await connection.many(_SAVE, rows)
    while True:
        async with engine.transaction() as connection:
            old = await connection.all(_OLD, {"site": site, "before": now, "count": _WRITTEN})
            if not old:
                connection.discard()
                return
            await connection.many(_DELETE, [(site, *row) for row in old])


async def list_pairs(
    connection: Connection, site: int, *, behind: tuple[int, int, int] = BEGINNING, count: int
) -> list[FoundPair]:
    """The next pairs behind a place, the likeliest first, without those that were dismissed."""
    score, first, second = behind
    values: dict[str, Any] = {"site": site, "score_is": score, "first_is": first, "second_is": second, "count": count}
    rows = await connection.all(_LIST, values)
    return [FoundPair(row[0], row[1], row[2], reasons_of(row[3])) for row in rows]


async def dismiss(engine: Engine, site: int, first: int, second: int, *, now: int) -> None:
    """Note that two customers are not the same."""
    pair = min(first, second), max(first, second)
    async with engine.transaction() as connection:
        await connection.many(_DISMISS, [(site, *pair, now)])
        await connection.many(_DELETE, [(site, *pair)])
