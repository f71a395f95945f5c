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


def count(scope: Scope, caller: Caller) -> None:
    """Count a request against the rate of the caller's key. Raises Problem if it has no more.

    The items of a batch are counted by `count_items` before any of them is carried out.
    """
    if "batch" not in scope:
        _count(scope, caller, 1, counted=0)


def count_items(scope: Scope, caller: Caller, items: int) -> None:
    """Count what one call carries: the calls of a batch, or events or customers in bulk. Each counts as a request.

    The call itself has been counted as one. Raises Problem if the key may not make so many requests, now or ever.
    """
    if items > 1:
        _count(scope, caller, items, counted=1)


def _count(scope: Scope, caller: Caller, cost: int, *, counted: int) -> None:
    services: Services = scope["services"]
    rate = services.settings.rate_limit if caller.key.rate is None else caller.key.rate
    if not rate:
        return
    if cost > rate:
        detail = f"This key is limited to {rate} requests per second, and each item counts as one."
        raise Problem("too_many", f"{detail} Send at most {rate} in a call.")
    admission = services.rates.admit(caller.key.id, rate, cost, counted=counted)
    seconds = max(math.ceil(admission.seconds), 1)
    # The reply of a batch says what is left after its bulk calls.
    scope.get("batch", scope)[_SCOPE] = [
        (b"ratelimit-policy", b'"%s";q=%d;w=1' % (POLICY.encode(), rate)),
        (b"ratelimit", b'"%s";r=%d;t=%d' % (POLICY.encode(), admission.remaining, seconds)),
    ]
    if not admission.is_admitted:
        detail = f"This key is limited to {rate} requests per second. Try again in {seconds} s."
        raise Problem("rate_limited", detail, headers={"Retry-After": str(seconds)})
