"""Every surface, in the order of the documentation, and which one answers for a path that no operation has."""

from typing import Final, NamedTuple

from regulars.http.classic.surface import CLASSIC, CLASSIC_ERRORS, SERVER, SERVER_TEXT
from regulars.http.jsonapi.surface import JSONAPI, JSONAPI_ERRORS, OAUTH, OAUTH_ERRORS
from regulars.http.operation import ErrorSurface
from regulars.http.pages.surface import PAGE, PAGE_ERRORS

SURFACES: Final = (JSONAPI, OAUTH, CLASSIC, SERVER, SERVER_TEXT, PAGE)
"""Surfaces with the same tag stand together in the documentation."""

ERROR_SURFACES: Final = (CLASSIC_ERRORS, JSONAPI_ERRORS, OAUTH_ERRORS, PAGE_ERRORS)


class UnknownPaths(NamedTuple):
    """Paths that no operation has: how they begin, how the error looks, and whether a key is judged first.

    Whoever has no key is not told which paths there are beside those that need none.
    """

    prefix: str
    errors: ErrorSurface
    keyed: bool


UNKNOWN_PATHS: Final = (
    UnknownPaths("/api/v1/", CLASSIC_ERRORS, keyed=True),
    UnknownPaths("/v1/oauth/", OAUTH_ERRORS, keyed=False),
    UnknownPaths("/v1/", JSONAPI_ERRORS, keyed=True),
    UnknownPaths("/docs/", PAGE_ERRORS, keyed=False),
    UnknownPaths("", CLASSIC_ERRORS, keyed=False),
)
"""The first that fits."""
