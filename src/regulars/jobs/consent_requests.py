"""The job that closes requests for consent that nobody confirmed in time."""

from typing import Any, Final

from regulars.domain.commands import ExpireConsentRequests
from regulars.jobs.kind import Work
from regulars.store import control
from regulars.store.consent_requests import expired_requests

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
