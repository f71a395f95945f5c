"""Changing the settings of a site, and what follows from it.

Figures count the currency of the site. When that changes, customers with amounts in the old or the new currency are
counted anew: slice by slice in the site's own order of writes, by whoever changed it and by a job that is enqueued with
the change. Each slice finds out what is left, so both may work at once, and nothing is lost if one of them ends.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Integer, bindparam, case, literal_column, select, update

from regulars.domain.commands import CountRevenue
from regulars.domain.origin import COMMAND_LINE, Origin
from regulars.store import jobs
from regulars.store import statements as sql
from regulars.store.audit import record_change
from regulars.store.control import SITE_COLUMNS, ControlError, Site, find_site
from regulars.store.control_schema import jobs as jobs_table
from regulars.store.engine import Connection, Engine
from regulars.store.revenue_statements import ANY_REVENUE, CURRENCY, LOST_REVENUES, WRONGLY_COUNTED
from regulars.store.schema import sites
from regulars.store.statement import Statement
from regulars.store.store import Store

COUNT_REVENUE: Final = "count_revenue"
"""The kind of the job."""

COUNT_ATTEMPTS: Final = 20
SLICE: Final = 200
"""Rows of revenue counted per transaction."""

CHANGEABLE: Final = ("title", "country", "currency", "time_zone", "language", "accent_color")
"""What can be changed of a site."""

_CHANGE: Final = Statement(
    "change_site",
    update(sites)
    .where(sites.c.id == bindparam("site"))
    .values(**{name: bindparam(f"new_{name}") for name in CHANGEABLE}, updated_at=bindparam("now"))
    .returning(*SITE_COLUMNS),
)

_ROTATE: Final = Statement(
    "rotate_link_key",
    update(sites)
    .where(sites.c.id == bindparam("site"))
    .values(
        link_key=sites.c.link_key + literal_column("1"),
        oldest_link_key=case(
            (bindparam("revoke", type_=Integer) == literal_column("1"), sites.c.link_key + literal_column("1")),
            else_=sites.c.oldest_link_key,
        ),
        updated_at=bindparam("now"),
    )
    .returning(*SITE_COLUMNS),
)
_COUNTING: Final = Statement(
    "revenue_being_counted",
    select(jobs_table.c.id)
    .where(
        jobs_table.c.site == bindparam("site"),
        jobs_table.c.kind == literal_column(f"'{COUNT_REVENUE}'"),
        jobs_table.c.state.in_([literal_column(f"'{state}'") for state in ("waiting", "running")]),
    )
    .limit(literal_column("1")),
)


async def change_site(
    engine: Engine, site: int, changes: Mapping[str, str | None], *, now: int, origin: Origin = COMMAND_LINE
) -> Site:
    """Change a site; `changes` has valid values of some of CHANGEABLE, and None to clear. Raises ControlError.

    If its figures have to be counted anew, a job does so; `count_revenue` does it at once.
    """
    async with engine.transaction() as connection:
        await connection.one(sql.LOCK_HEAD, {"site": site})  # no write may still go by the old currency
        before = await find_site(connection, site)
        if before is None:
            raise ControlError(f"there is no site {site}")
        changed = {name: value for name, value in changes.items() if getattr(before, name) != value}
        if "currency" in changed and changed["currency"] is None:
            raise ControlError("the currency of a site can be changed, but not cleared")
        if not changed:
            connection.discard()
            return before
        values = {f"new_{name}": changed.get(name, getattr(before, name)) for name in CHANGEABLE}
        row = await connection.one(_CHANGE, {**values, "site": site, "now": now})
        assert row is not None
        await record_change(
            connection, before.account_id, origin, "sites.change", f"sites/{site}", *sorted(changed), now=now
        )
        if "currency" in changed and await connection.one(ANY_REVENUE, {"site": site}):
            await jobs.enqueue_within(connection, COUNT_REVENUE, now=now, attempts=COUNT_ATTEMPTS, site=site)
    return Site(*row)


async def rotate_link_key(engine: Engine, site: int, *, revoke: bool, now: int, origin: Origin = COMMAND_LINE) -> Site:
    """Sign links to customers with a new key. revoke: links that were signed before are no longer accepted."""
    async with engine.transaction() as connection:
        values = {"site": site, "now": now, "revoke": int(revoke)}
        row = await connection.one(_ROTATE, values)
        if row is None:
            raise ControlError(f"there is no site {site}")
        changed = Site(*row)
        field = "oldest_link_key" if revoke else "link_key"
        await record_change(connection, changed.account_id, origin, "sites.change", f"sites/{site}", field, now=now)
    return changed


async def count_some_revenue(store: Store, site: int, after: int = 0) -> int | None:
    """Count the revenue of the next customers after this number in the currency of the site.

    Returns the number of the last of them, None if no customer was left to count.
    """
    async with store.snapshot() as connection:
        row = await connection.one(CURRENCY, {"site": site})
        if row is None or row[0] is None:
            return None
        values = {"site": site, "currency": row[0], "after": after, "count": SLICE}
        rows = await connection.in_thread(WRONGLY_COUNTED, values)
    customers = tuple(dict.fromkeys(number for (number,) in rows))
    if not customers:
        return None
    await store.ledger.submit(site, CountRevenue(customers))
    return int(customers[-1])


async def count_revenue(store: Store, site: int, *, slices: int | None = None) -> None:
    """Count the revenue of all customers in the currency of the site, or of so many slices of them."""
    after: int | None = 0
    while after is not None and slices != 0:
        after = await count_some_revenue(store, site, after)
        slices = None if slices is None else slices - 1


async def revenue_problems(connection: Connection, site: int, count: int) -> list[str]:
    """The first inconsistencies of revenue by currency, one sentence each.

    While a job counts the figures anew, it is none that some still count another currency.
    """
    lost = await connection.in_thread(LOST_REVENUES, {"site": site, "count": count})
    problems = [f"customer {number}: there is no such customer, but its revenue in {name}" for number, name in lost]
    row = await connection.one(CURRENCY, {"site": site})
    if row is None or row[0] is None or await connection.one(_COUNTING, {"site": site}):
        return problems
    values = {"site": site, "currency": row[0], "after": 0, "count": count}
    wrong = dict.fromkeys(number for (number,) in await connection.in_thread(WRONGLY_COUNTED, values))
    return [*problems, *(f"customer {number}: the figures do not count amounts in {row[0]} alone" for number in wrong)]
