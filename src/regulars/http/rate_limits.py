"""Rate limits per key, and their response headers (draft-ietf-httpapi-ratelimit-headers-11)."""

import math
from typing import Final

from starlette.types import Scope

from regulars.http.errors import Problem
from regulars.http.keyring import Caller
from regulars.http.services import Services

POLICY: Final = "requests"
"""The name of the only limit."""

_SCOPE: Final = "rate_limit_headers"
Headers = list[tuple[bytes, bytes]]


def headers_of(scope: Scope) -> Headers:
    """The headers about the key's limit; none if the key has no limit."""
    found: Headers = scope.get(_SCOPE, [])
    return found


def count(scope: Scope, caller: Caller, cost: int = 1, *, counted: int = 0) -> None:
    """Count `cost` requests against the rate of the caller's key. Raises Problem where that is more than it may ask.

    counted: how many of them have been counted already. The parts of a batch are counted with the batch, before any of
    them is carried out.
    """
    services: Services = scope["services"]
    rate = services.settings.rate_limit if caller.key.rate is None else caller.key.rate
    if not rate or scope.get("is_part_of_batch"):
        return
    admission = services.rates.admit(caller.key.id, rate, cost, counted=counted)
    seconds = max(math.ceil(admission.seconds), 1)
    scope[_SCOPE] = [
        (b"ratelimit-policy", b'"%s";q=%d;w=1' % (POLICY.encode(), rate)),
        (b"ratelimit", b'"%s";r=%d;t=%d' % (POLICY.encode(), admission.remaining, seconds)),
    ]
    if not admission.is_admitted:
        detail = f"This key is limited to {rate} requests per second. Try again in {seconds} s."
        raise Problem("rate_limited", detail, headers={"Retry-After": str(seconds)})
