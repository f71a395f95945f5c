"""The session cookie: where it may be set, and how it is read. Only paths below /admin read it."""

from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from regulars.http.jsonapi.origin import origin
from regulars.http.services import Services

NAME: Final = "__Host-regulars"
"""Browsers accept this prefix only with Secure, with Path=/ and without Domain, so no other host can set it."""


class PageOrigin(NamedTuple):
    """Where the page was called: its origin, and whether by HTTPS, or by HTTP from the same machine."""

    origin: str
    is_secure: bool
    is_local: bool

    @property
    def can_sign_in(self) -> bool:
        """Whether a session may start here: over other HTTP connections, anybody on the way could read it."""
        return self.is_secure or self.is_local

    @property
    def cookie(self) -> str:
        """The name of the session cookie. Browsers share cookies among the ports of a host."""
        return NAME if self.is_secure else f"regulars-{urlsplit(self.origin).port or 80}"


def place_of(scope: Scope) -> PageOrigin:
    """Where the page was called."""
    services: Services = scope["services"]
    found = origin(scope, services.settings.trusted_proxies)
    host = urlsplit(found).hostname or ""
    return PageOrigin(found, found.startswith("https:"), _is_loopback(host))


def read(scope: Scope) -> str | None:
    """The id of the session that the request names."""
    place = place_of(scope)
    return Request(scope).cookies.get(place.cookie) if place.can_sign_in else None


def set_session(response: Response, scope: Scope, secret: str, *, seconds: int) -> None:
    """Make the browser keep a session. The cookie is out of reach for scripts, and not sent with foreign forms."""
    place = place_of(scope)
    response.set_cookie(
        place.cookie, secret, max_age=seconds, path="/", secure=place.is_secure, httponly=True, samesite="lax"
    )


def clear_session(response: Response, scope: Scope) -> None:
    """Make the browser forget the session."""
    place = place_of(scope)
    response.delete_cookie(place.cookie, path="/", secure=place.is_secure, httponly=True, samesite="lax")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
