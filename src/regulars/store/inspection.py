"""What a check of a site looks at beside its changes: the numbers it will hand out next, and those in use."""

from typing import NamedTuple

from sqlalchemy import Table, func, select
from sqlalchemy.sql.elements import ColumnElement

from regulars.store.engine import Connection
from regulars.store.schema import activities, consents, customers, logs, site_heads
from regulars.store.statement import Statement, site_is

_NUMBERED = {"customer": customers, "activity": activities, "log": logs, "consent": consents}


def _largest(table: Table) -> ColumnElement[int]:
    return select(func.max(table.c.number)).where(site_is(table)).scalar_subquery()


_NUMBERS = Statement(
    "numbers",
    select(
        *(site_heads.c[f"next_{name}"] for name in _NUMBERED), *(_largest(table) for table in _NUMBERED.values())
    ).where(site_is(site_heads)),
)


class Numbers(NamedTuple):
    """The next number of a kind of row, and the largest in use; 0 where there is none."""

    kind: str
    next: int
    largest: int


async def numbers_of(connection: Connection, site: int) -> list[Numbers]:
    """What the site hands out next, for each kind of row it numbers; empty if there is no such site."""
    row = await connection.one(_NUMBERS, {"site": site})
    if row is None:
        return []
    count = len(_NUMBERED)
    rows = zip(_NUMBERED, row[:count], row[count:], strict=True)
    return [Numbers(kind, following, largest or 0) for kind, following, largest in rows]
