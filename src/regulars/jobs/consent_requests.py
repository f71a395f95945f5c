"""The jobs on requests for consent that nobody confirmed in time: they are closed, and later dropped."""

from typing import Any, Final

from regulars.domain.commands import DropUnconfirmed, ExpireConsentRequests
from regulars.domain.moments import DAY
from regulars.jobs.kind import Work
from regulars.store import control
from regulars.store.consent_requests import expired_requests, unconfirmed_requests

_AT_A_TIME: Final = 200


async def expire_requests(work: Work) -> dict[str, Any]:
    """Close them, one site after another. A repeat finds what is left."""
    store, expired = work.context.store, 0
    async with store.snapshot() as connection:
        sites = await control.site_numbers(connection)
    for done, site in enumerate(sites, 1):
        while True:
            async with store.snapshot() as connection:
                found = await expired_requests(connection, site, work.context.clock(), _AT_A_TIME)
            if found:
                await store.ledger.submit(site, ExpireConsentRequests(tuple(found)))
                await work.tell(done, len(sites))
                expired += len(found)
            if len(found) < _AT_A_TIME:
                break
    return {"expired": expired}


async def drop_unconfirmed(work: Work) -> dict[str, Any]:
    """Drop those that are older than the setting, one site after another. A repeat finds what is left."""
    store, requests, customers = work.context.store, 0, 0
    before = work.context.clock() - work.context.settings.unconfirmed_retention_days * DAY
    async with store.snapshot() as connection:
        sites = await control.site_numbers(connection)
    for done, site in enumerate(sites, 1):
        reached = 0
        while True:
            async with store.snapshot() as connection:
                found = await unconfirmed_requests(connection, site, before, reached, _AT_A_TIME)
            if found:
                outcome = await store.ledger.submit(site, DropUnconfirmed(tuple(found)))
                requests += sum(len(numbers) for _, numbers in found)
                customers += outcome.count
                reached = found[-1][0]
            await work.tell(done, len(sites))
            if len(found) < _AT_A_TIME:
                break
    return {"requests": requests, "customers": customers}
