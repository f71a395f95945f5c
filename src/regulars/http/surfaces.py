"""Every surface, in the order of the documentation, and the error format of unknown paths."""

from typing import Final, NamedTuple

from regulars.http.classic.surface import CLASSIC, CLASSIC_ERRORS, SERVER, SERVER_TEXT
from regulars.http.jsonapi.surface import JSONAPI, JSONAPI_ERRORS, OAUTH, OAUTH_ERRORS
from regulars.http.operation import ErrorSurface
from regulars.http.pages.admin_surface import ADMIN, ADMIN_ERRORS
from regulars.http.pages.public_surface import PUBLIC, PUBLIC_ERRORS
from regulars.http.pages.surface import PAGE, PAGE_ERRORS

SURFACES: Final = (JSONAPI, OAUTH, CLASSIC, SERVER, SERVER_TEXT, PAGE, PUBLIC, ADMIN)
"""Surfaces with the same tag stand together in the documentation."""

ERROR_SURFACES: Final = (CLASSIC_ERRORS, JSONAPI_ERRORS, OAUTH_ERRORS, PAGE_ERRORS, PUBLIC_ERRORS, ADMIN_ERRORS)


class UnknownPaths(NamedTuple):
    """Unknown paths: their prefix, their error format, and whether a key is checked first.

    Callers without a key do not learn which paths exist, except those that need no key.
    """

    prefix: str
    errors: ErrorSurface
    keyed: bool


UNKNOWN_PATHS: Final = (
    UnknownPaths("/api/v1/", CLASSIC_ERRORS, keyed=True),
    UnknownPaths("/api/v2/", CLASSIC_ERRORS, keyed=True),
    UnknownPaths("/v1/oauth/", OAUTH_ERRORS, keyed=False),
    UnknownPaths("/v1/", JSONAPI_ERRORS, keyed=True),
    *(UnknownPaths(f"/{page}/", PUBLIC_ERRORS, keyed=False) for page in ("confirm", "preferences", "unsubscribe")),
    UnknownPaths("/docs/", PAGE_ERRORS, keyed=False),
    UnknownPaths("/admin/", ADMIN_ERRORS, keyed=False),
    UnknownPaths("", CLASSIC_ERRORS, keyed=False),
)
"""The first match counts."""
