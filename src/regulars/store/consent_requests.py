"""Reads and writes requests for consent."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import astuple

from regulars.domain.working import WorkingSet
from regulars.domain.working.consent_requests import ConsentRequest
from regulars.store import consent_request_statements as sql
from regulars.store.engine import Connection


async def read_requests(connection: Connection, site: int, numbers: Iterable[int]) -> list[ConsentRequest]:
    """The requests with these numbers that there are."""
    keys = msgspec.json.encode(sorted(numbers)).decode()
    return [ConsentRequest(*row) for row in await connection.all(sql.BY_NUMBER, {"site": site, "keys": keys})]


async def expired_requests(connection: Connection, site: int, now: int, count: int) -> list[tuple[int, int]]:
    """(number, customer) of open requests whose time is over, the oldest first."""
    rows = await connection.all(sql.EXPIRED, {"site": site, "now": now, "count": count})
    return [(number, customer) for number, customer in rows]


async def unconfirmed_requests(
    connection: Connection, site: int, before: int, after: int, count: int
) -> list[tuple[int, tuple[int, ...]]]:
    """(customer, their requests) of customers all of whose unconfirmed requests were made before this time (ms).

    And are closed. after: the customer behind whom to go on. count: of customers.
    """
    values = {"site": site, "before": before, "after": after, "count": count}
    customers = [customer for (customer,) in await connection.all(sql.UNCONFIRMED_CUSTOMERS, values)]
    if not customers:
        return []
    keys = msgspec.json.encode(customers).decode()
    found: dict[int, list[int]] = {customer: [] for customer in customers}
    for customer, number in await connection.all(sql.UNCONFIRMED, {"site": site, "keys": keys}):
        found[customer].append(number)
    return [(customer, tuple(sorted(numbers))) for customer, numbers in found.items()]


async def write_requests(connection: Connection, site: int, work: WorkingSet) -> None:
    """Write what a transaction adds and changes."""
    requests = work.consent_requests
    if requests.added:
        await connection.many(sql.INSERT, [(site, *astuple(each)) for each in requests.added.values()])
    if requests.changed:
        rows = [(each.open_until, each.confirmed_at, site, each.number) for each in requests.changed.values()]
        await connection.many(sql.UPDATE, rows)
    if requests.removed:
        await connection.many(sql.DELETE_ONE, [(site, number) for number in sorted(requests.removed)])
