"""Screens and actions: how a handler of the admin page becomes an operation.

A handler takes the page and who is signed in (Viewer, Editor or Administrator: that is the whole access rule) and
returns a view, or any response.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from starlette.responses import Response

from regulars.http.call import Call
from regulars.http.operation import Handler, Operation
from regulars.http.pages.admin_surface import ADMIN
from regulars.http.pages.page import SUFFIX, AdminPage, View
from regulars.http.pages.signed_in import SignedIn
from regulars.http.schema import TEXT, record

SITE: Final = "/admin/sites/{site}"
_FIELDS: Final = record({}, required=())

PageHandler = Callable[[AdminPage, Any], Awaitable[View | Response]]
"""Takes the page and the signed-in user."""


def screen(name: str, path: str, handler: PageHandler, summary: str) -> Operation:
    """A page of a site, and the same as JSON under its path with .json. path: below the site, such as /customers."""
    also = () if path.endswith("}") else (SITE + path + SUFFIX,)
    return Operation(
        ADMIN, f"admin.{name}", "GET", SITE + path, _handled(handler), summary, reply=TEXT, also=also, is_listed=False
    )


def download(name: str, path: str, handler: PageHandler, summary: str) -> Operation:
    """A file of a site: the handler returns the response."""
    return Operation(
        ADMIN, f"admin.{name}", "GET", SITE + path, _handled(handler), summary, reply=TEXT, is_listed=False
    )


def action(name: str, path: str, handler: PageHandler, summary: str) -> Operation:
    """What a form of a page does. Then it redirects to a page, or shows the form again with what is wrong."""
    return Operation(
        ADMIN,
        f"admin.{name}",
        "POST",
        SITE + path,
        _handled(handler),
        summary,
        body=_FIELDS,
        status=303,
        is_listed=False,
    )


def _handled(handler: PageHandler) -> Handler:
    @wraps(handler)
    async def handle(call: Call, user: SignedIn) -> Response:
        page = AdminPage(call, user)
        found = await handler(page, user)
        return found if isinstance(found, Response) else page.respond(found)

    return handle
