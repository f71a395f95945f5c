"""Backfill of changed_at, for customers that are older than the column."""

from typing import Final

import msgspec
from sqlalchemy import BigInteger, bindparam, case, func, null, select, update

from regulars.domain.moments import now_ms
from regulars.store import statements as sql
from regulars.store.control import site_numbers
from regulars.store.engine import WriteConnection
from regulars.store.schema import customers, site_heads
from regulars.store.slices import Slice
from regulars.store.statement import Statement, site_is

_ROWS: Final = 5_000
_AFTER: Final = bindparam("after", type_=BigInteger)
_NOW: Final = bindparam("now", type_=BigInteger)

_PAGE: Final = (
    select(customers.c.number)
    .where(site_is(customers), customers.c.number > _AFTER)
    .order_by(customers.c.number)
    .limit(bindparam("count"))
    .subquery("page")
)
_END: Final = Statement("changed_at_page", select(func.count(), func.max(_PAGE.c.number)))
_SET: Final = Statement(
    "set_changed_at",
    update(customers)
    .where(
        site_is(customers),
        customers.c.number > _AFTER,
        customers.c.number <= bindparam("last"),
        customers.c.changed_at.is_(null()),
    )
    .values(changed_at=case((customers.c.updated_at > _NOW, _NOW), else_=customers.c.updated_at)),
)
_SET_MOMENT: Final = Statement(
    "set_moment",
    update(site_heads).where(site_is(site_heads), site_heads.c.moment < _NOW).values(moment=_NOW),
)


async def slice_of_changed_at(connection: WriteConnection, position: str | None) -> Slice:
    """Give a slice of customers the time of their last update, at most now. The position is [site, last customer]."""
    sites = await site_numbers(connection)
    site, after = (0, 0) if position is None else msgspec.json.decode(position, type=tuple[int, int])
    left = [each for each in sites if each >= site]
    if not left:
        return Slice(0, None)
    if left[0] != site:
        after = 0
    here = {"site": left[0], "after": after, "now": now_ms()}
    await connection.one(sql.LOCK_HEAD, {"site": left[0]})
    ((rows, last),) = await connection.all(_END, {**here, "count": _ROWS})
    if rows:
        await connection.all(_SET, {**here, "last": last})
        await connection.all(_SET_MOMENT, here)
    following = (left[0], last) if rows == _ROWS else (left[1], 0) if len(left) > 1 else None
    return Slice(rows, None if following is None else msgspec.json.encode(following).decode())
