"""Authentication: finds the key of a request, once, before its path, headers or body are checked."""

from starlette.types import Scope

from regulars.http import credentials, rate_limits
from regulars.http.errors import Problem
from regulars.http.keyring import Caller
from regulars.http.services import Services


async def authenticate(scope: Scope) -> Caller:
    """The caller whose key the request has. Raises Problem if it is missing, unknown or over its rate limit.

    Stored in the scope, because the format of later errors depends on the key.
    """
    known: Caller | None = scope.get("caller")
    if known is not None:
        return known
    header = credentials.header_of(scope)
    if header is None:
        raise Problem("not_authenticated", "Not authorized: the request has no API key.")
    services: Services = scope["services"]
    caller = services.keyring.recall(header) or await services.keyring.find(header)
    if caller is None:
        raise Problem("key_unknown", "Not authorized")
    scope["caller"] = caller
    rate_limits.count(scope, caller)
    return caller
