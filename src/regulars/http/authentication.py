"""Authentication: whose key a request brings, found once a request and before its path, headers or body are judged."""

from starlette.types import Scope

from regulars.http import credentials, rate_limits
from regulars.http.errors import Problem
from regulars.http.keyring import Caller
from regulars.http.services import Services


async def authenticate(scope: Scope) -> Caller:
    """The caller whose key the request brings. Raises Problem where there is none, nobody has it, or it asks too often.

    Kept in the scope: an error that follows is told in the dialect of the key.
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
