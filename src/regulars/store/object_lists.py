"""Lists of objects: pages of object numbers, the objects themselves in chunks, and their counts."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from regulars.domain.objects import RelatedObject
from regulars.domain.relations import KIND_CODES, KINDS
from regulars.store import object_statements as sql
from regulars.store import statements
from regulars.store.engine import SLICE, Connection, Engine, WriteConnection
from regulars.store.statements import LOCK_HEAD

ORDERS: Final = tuple(sql.PAGES)
"""The sort orders: `id`, `title`, `created_at` and `updated_at`, each also with `-` for descending.

Titles are compared folded, by code point. Equal values are ordered by ascending number in both directions.
"""

MATCH_ORDERS: Final = tuple(sql.MATCHES)
"""The sort orders available when filtering by title."""


async def count_objects(connection: Connection, site: int, kind: str) -> int:
    """The number of objects of a kind, from a stored counter."""
    row = await connection.one(sql.OBJECT_COUNT, {"site": site, "kind": KIND_CODES[kind]})
    return 0 if row is None else int(row[0])


async def page_of_objects(
    connection: Connection, site: int, kind: str, order: str, *, skip: int, count: int, total: int
) -> list[int]:
    """A page of object numbers of a kind, in an order of ORDERS. total: number of objects of the kind.

    Deep pages are read on a thread.
    """
    if skip >= total:
        return []
    values = {"site": site, "kind": KIND_CODES[kind], "skip": skip, "count": count}
    is_short = total <= SLICE or (skip + count <= SLICE and order in ("id", "-id", "title"))
    read = connection.all if is_short else connection.in_thread
    return [number for (number,) in await read(sql.PAGES[order], values)]


async def titled_objects(connection: Connection, site: int, kind: str, order: str, text: str) -> list[int]:
    """The numbers of a kind's objects whose titles contain a folded text, in an order of MATCH_ORDERS.

    The titles are scanned on a thread, in an index that contains nothing else.
    """
    values = {"site": site, "kind": KIND_CODES[kind], "text": text}
    return [number for (number,) in await connection.in_thread(sql.MATCHES[order], values)]


async def objects_after(
    connection: Connection, site: int, kind: str, after: int = -1, count: int = SLICE
) -> list[RelatedObject]:
    """The next objects of a kind after a given number, by number."""
    values = {"site": site, "kind": KIND_CODES[kind], "after": after, "count": count}
    keys = [(KIND_CODES[kind], number) for (number,) in await connection.all(sql.NUMBERS_AFTER, values)]
    if not keys:
        return []
    given = {"site": site, "keys": msgspec.json.encode(keys).decode()}
    return [RelatedObject(*row) for row in await connection.all(statements.OBJECTS_BY_NUMBER, given)]


async def objects_in_slices(connection: Connection, site: int, kind: str) -> AsyncIterator[list[RelatedObject]]:
    """All objects of a kind by number, in chunks of up to SLICE."""
    after = -1
    while found := await objects_after(connection, site, kind, after):
        yield found
        if len(found) < SLICE:
            return
        after = found[-1].number


class TitleCheck(msgspec.Struct, frozen=True):
    """A chunk of a site's objects: number of rows, the (kind, number) after which the next chunk starts (None: this is
    the last), and incorrect stored titles as (kind, number, correct title, None if there should be none)."""

    rows: int
    next: tuple[int, int] | None
    wrong: list[tuple[int, int, str | None]]


START: Final = (0, -1)


async def check_titles(connection: Connection, site: int, after: tuple[int, int], count: int) -> TitleCheck:
    """Compare the stored titles with the objects after (kind, number)."""
    kind, number = after
    values = {"site": site, "kind": kind, "number": number, "count": count}
    rows = await connection.all(sql.OBJECTS_SLICE, values)
    wrong = []
    for code, item, key, name, deleted_at, kept in rows:
        found = RelatedObject(code, item, key, name, None, None, 0, 0, deleted_at)
        title = None if deleted_at is not None else found.title_key
        if title != kept:
            wrong.append((code, item, title))
    return TitleCheck(len(rows), (rows[-1][0], rows[-1][1]) if len(rows) == count else None, wrong)


async def mend_titles(connection: WriteConnection, site: int, wrong: list[tuple[int, int, str | None]]) -> None:
    """Write the corrections found by `check_titles`."""
    await connection.many(sql.SAVE_TITLES, [(site, *each) for each in wrong if each[2] is not None])
    await connection.many(sql.DELETE_TITLES, [(site, kind, number) for kind, number, title in wrong if title is None])


async def wrong_titles(connection: Connection, site: int) -> AsyncIterator[str]:
    """Incorrect stored titles of objects, one sentence each."""
    after: tuple[int, int] | None = START
    while after is not None:
        span = await check_titles(connection, site, after, SLICE)
        for kind, number, title in span.wrong:
            problem = "deleted, but still in lists" if title is None else "lists have a different title for it, or none"
            yield f"{KINDS[kind - 1]} {number}: {problem}"
        after = span.next


async def restore_titles(engine: Engine, site: int) -> int:
    """Correct the titles and counts that disagree with the objects; returns the number of corrected titles.

    Writes only where something is wrong, one slice per transaction.
    """
    restored = 0
    after: tuple[int, int] | None = START
    while after is not None:
        async with engine.snapshot() as reading:
            span = await check_titles(reading, site, after, SLICE)
        if span.wrong:
            async with engine.transaction() as connection:
                await connection.one(LOCK_HEAD, {"site": site})
                wrong = (await check_titles(connection, site, after, span.rows)).wrong
                await mend_titles(connection, site, wrong)
                restored += len(wrong)
        after = span.next
    async with engine.snapshot() as reading:
        problems = await wrong_counts(reading, site)
    if problems:
        async with engine.transaction() as connection:
            await connection.one(LOCK_HEAD, {"site": site})
            await recount(connection, site)
    return restored


async def recount(connection: WriteConnection, site: int) -> None:
    """Store the number of objects of each kind."""
    rows = await connection.in_thread(sql.TITLES_PRESENT, {"site": site})
    await connection.all(sql.FORGET_COUNTS, {"site": site})
    await connection.many(sql.INSERT_COUNTS, [(site, kind, count) for kind, count in rows])


async def wrong_counts(connection: Connection, site: int) -> list[str]:
    """Stored counts that disagree with the titles, one sentence each."""
    there: dict[int, int] = dict(await connection.in_thread(sql.TITLES_PRESENT, {"site": site}))
    kept: dict[int, int] = dict(await connection.all(sql.COUNTS, {"site": site}))
    return [
        f"{KINDS[kind - 1]}: the stored count is {kept.get(kind, 0)}, the actual count {there.get(kind, 0)}"
        for kind in sorted({*there, *kept})
        if kept.get(kind, 0) != there.get(kind, 0)
    ]
