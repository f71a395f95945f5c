"""Reading the outbox: the events of a site after a cursor, in commit order, in bounded slices."""

from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from regulars.domain.changes import Head
from regulars.domain.outbox import PART_SIZE, WHOLE, Cursor, Happening, UnknownFormatError, decode
from regulars.store import outbox_statements as sql
from regulars.store import statements
from regulars.store.engine import Connection

_PARTS_AT_A_TIME: Final = 50
LARGEST_SLICE: Final = 1_000


class Item(NamedTuple):
    """One event with its change number, its position within the change, and its commit time (ms)."""

    change: int
    position: int
    at: int
    happening: Happening


class Slice(NamedTuple):
    """Events in order, and the cursor to continue from. has_more: more events were available when it was read.

    The cursor may be ahead of the last item, because commits without events are skipped.
    """

    items: list[Item]
    cursor: Cursor
    has_more: bool


class CursorError(Exception):
    """A cursor is outside the stored events. The reader must reload its state and continue from `head`."""

    def __init__(self, sentence: str, head: Cursor) -> None:
        super().__init__(sentence)
        self.head = head


class CursorExpiredError(CursorError):
    """Events after the cursor were pruned, or never written because the outbox was switched off."""


class CursorAheadError(CursorError):
    """The cursor belongs to another history or to a future change: the database was restored from a backup."""


class NoSuchSiteError(Exception):
    """No site has this number."""


class _Part(NamedTuple):
    number: int
    position: int
    size: int
    token: int
    previous: int
    last: int
    at: int
    body: bytes


async def newest_cursor(connection: Connection, site: int) -> Cursor:
    """The cursor after all current events. Raises NoSuchSiteError."""
    row = await connection.one(statements.HEAD, {"site": site})
    if row is None:
        raise NoSuchSiteError(site)
    head = Head(*row)
    return Cursor(head.number, WHOLE, head.token)


async def oldest_cursor(connection: Connection, site: int) -> Cursor:
    """The cursor before the oldest stored event. Raises NoSuchSiteError."""
    rows = await connection.all(sql.PARTS, {"site": site, "number": 0, "position": 0, "most": 1})
    if not rows:
        return await newest_cursor(connection, site)
    oldest = _Part(*rows[0])
    return Cursor(oldest.number - 1, WHOLE, oldest.previous)


async def read_outbox(connection: Connection, site: int, after: Cursor, limit: int = LARGEST_SLICE) -> Slice:
    """Up to `limit` events after a cursor.

    Never skips an event between slices: raises CursorExpiredError or CursorAheadError instead. Also raises
    NoSuchSiteError, and UnknownFormatError for data written by a newer program.
    """
    head = await newest_cursor(connection, site)
    await _require_kept(connection, site, after, head)
    items: list[Item] = []
    reached = after
    while reached < head:
        parts = await _parts_after(connection, site, reached)
        if not parts and not items:
            raise _expired(head)
        for part in parts:
            if not _follows(reached, part):
                if items:
                    return Slice(items, reached, has_more=True)  # the next call finds the gap
                raise _expired(head)
            items, reached = _take(items, reached, part, limit)
            if len(items) >= limit:
                return Slice(items, reached, has_more=reached < head)
        if len(parts) < _PARTS_AT_A_TIME:
            break
    return Slice(items, reached, has_more=reached < head)


async def problems(connection: Connection, site: int, head: Head) -> AsyncIterator[str]:
    """The problems in a site's outbox, one sentence each: unreadable parts and contradictions to the change log."""
    reached: _Part | None = None
    place = (0, 0)
    while True:
        values = {"site": site, "number": place[0], "position": place[1], "most": _PARTS_AT_A_TIME}
        parts = [_Part(*row) for row in await connection.all(sql.PARTS, values)]
        if parts:
            of_these = {"site": site, "first": parts[0].number, "last": parts[-1].number}
            for (number,) in await connection.all(sql.FOREIGN, of_these):
                yield f"outbox of change {number}: its token differs from that of the change"
        for part in parts:
            wrong = _wrong(reached, part, head)
            if wrong is not None:
                yield f"outbox of change {part.number}: {wrong}"
            reached = part
        if len(parts) < _PARTS_AT_A_TIME:
            break
        place = (parts[-1].number, parts[-1].position + 1)
    if reached is not None and not reached.last:
        yield f"outbox of change {reached.number}: it is incomplete"


def _wrong(before: _Part | None, part: _Part, head: Head) -> str | None:
    """The problem with a part, given the part stored before it; None if there is none."""
    if part.number > head.number:
        return f"it is ahead of the head, {head.number}"
    starts = before is None or part.number != before.number
    if before is not None and starts and not before.last:
        return f"it follows the incomplete outbox of change {before.number}"
    if part.position != (0 if starts or before is None else before.position + before.size):
        return f"gap before position {part.position}"
    if before is not None and starts and part.number == before.number + 1 and part.previous != before.token:
        return f"it does not follow that of change {before.number}: the tokens differ"
    try:
        if len(decode(part.body)) != part.size:
            return f"it states {part.size} entries, but has another number"
    except UnknownFormatError as error:
        return f"it cannot be read: {error}"
    return None


async def _require_kept(connection: Connection, site: int, after: Cursor, head: Cursor) -> None:
    """Raise a CursorError if the cursor is ahead of the head, or if its token is not that of the stored change."""
    if after.change == head.change:
        if after.token != head.token:
            raise _ahead(head)
        return
    if after.change > head.change:
        raise _ahead(head)
    row = await connection.one(sql.TOKEN, {"site": site, "number": after.change, "position": 0})
    if row is not None and row[0] != after.token:
        raise _ahead(head)


async def _parts_after(connection: Connection, site: int, reached: Cursor) -> list[_Part]:
    if reached.position == WHOLE:
        number, position = reached.change + 1, 0
    else:  # start at the part that contains the next position
        number, position = reached.change, max(reached.position + 2 - PART_SIZE, 0)
    values = {"site": site, "number": number, "position": position, "most": _PARTS_AT_A_TIME}
    return [_Part(*row) for row in await connection.all(sql.PARTS, values)]


def _follows(reached: Cursor, part: _Part) -> bool:
    """Whether the part directly follows the cursor, with nothing missing."""
    if part.number == reached.change:
        return part.token == reached.token
    return part.number == reached.change + 1 and part.previous == reached.token and reached.position == WHOLE


def _take(items: list[Item], reached: Cursor, part: _Part, limit: int) -> tuple[list[Item], Cursor]:
    """Append the part's events after the cursor, up to the limit; returns the items and the new cursor."""
    seen = reached.position + 1 if part.number == reached.change else 0
    start = max(seen - part.position, 0)
    end = min(part.size, start + limit - len(items))
    if start < end:
        happenings = decode(part.body)
        items += [Item(part.number, part.position + each, part.at, happenings[each]) for each in range(start, end)]
    if end >= part.size and part.last:
        return items, Cursor(part.number, WHOLE, part.token)
    return items, Cursor(part.number, max(seen, part.position + end) - 1, part.token)


def _expired(head: Cursor) -> CursorExpiredError:
    return CursorExpiredError("the rows after the cursor have been pruned", head)


def _ahead(head: Cursor) -> CursorAheadError:
    return CursorAheadError("the cursor belongs to another history of the site", head)
