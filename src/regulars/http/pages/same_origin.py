"""Forms come from our own pages: other sites cannot send one in the name of a signed-in user.

Browsers say with Sec-Fetch-Site where a request comes from. Over plain HTTP, and in old browsers, Origin says it.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from regulars.http.errors import Problem
from regulars.http.jsonapi.origin import origin
from regulars.http.services import Services

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def require_same_origin(scope: Scope) -> None:
    """Raise Problem for an unsafe request that does not come from a page of this server."""
    if scope["method"] in SAFE_METHODS or _is_ours(scope):
        return
    raise Problem(
        "cross_site",
        "The request comes from another site, so nothing was changed. If you sent this form yourself, reload its page "
        "and try again. Behind a proxy, check REGULARS_TRUSTED_PROXIES.",
    )


def _is_ours(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    services: Services = scope["services"]
    called = urlsplit(origin(scope, services.settings.trusted_proxies)).netloc
    return urlsplit(headers.get("origin", "")).netloc == called
