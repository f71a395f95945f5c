"""Guessing passwords: sign-ins have to wait after failures in a row, by address and by network."""

import math
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from starlette.types import Scope

from regulars.http.errors import Problem
from regulars.http.jsonapi.origin import client_address
from regulars.http.services import Services
from regulars.store.sign_in_failures import FailureSubject, clear_failures, count_failure, subject, wait_of

_NETWORK_BITS: Final = {4: 24, 6: 56}
"""What one attacker is likely to have of the addresses of each version."""


def subjects_of(scope: Scope, address_key: str) -> tuple[FailureSubject, ...]:
    """What an attempt is counted by: the address that was typed, and the network that it comes from."""
    services: Services = scope["services"]
    client = client_address(scope, services.settings.trusted_proxies)
    return subject("address", address_key), subject("network", network_of(client))


async def require_patience(services: Services, subjects: Sequence[FailureSubject]) -> None:
    """Raise Problem while the next attempt has to wait."""
    async with services.store.snapshot() as connection:
        wait = await wait_of(connection, subjects, now=services.clock())
    if wait > 0:
        seconds = math.ceil(wait / 1_000)
        raise Problem(
            "rate_limited",
            f"There were too many failed attempts. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


async def failed(services: Services, subjects: Sequence[FailureSubject]) -> None:
    """Note a failed attempt."""
    await count_failure(services.store.engine, subjects, now=services.clock())


async def succeeded(services: Services, subjects: Sequence[FailureSubject]) -> None:
    """Note a successful one: the address starts anew. The network does not: one good password would free the rest."""
    await clear_failures(services.store.engine, subjects[:1])


def network_of(client: str) -> str:
    """The network of a client's address, as text."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return str(ip_network((address, _NETWORK_BITS[address.version]), strict=False))
