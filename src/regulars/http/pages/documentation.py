"""The description of the API, for programs and for people: made once in a process, and open to everybody."""

from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from regulars.http.call import JSON, Call
from regulars.http.classic.surface import SERVER
from regulars.http.openapi.document import document
from regulars.http.operation import Operation
from regulars.http.pages.api_page import POLICY, page
from regulars.http.pages.fixed import Fixed
from regulars.http.pages.surface import PAGE
from regulars.http.schema import TEXT, record
from regulars.settings import Settings

HTML: Final = "text/html; charset=utf-8"
GUARDS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Documentation(Struct, frozen=True):
    """What is sent."""

    document: Fixed
    page: Fixed


_made: Final[dict[Settings, Documentation]] = {}


async def openapi(call: Call) -> Response:
    """This description of all calls, as an OpenAPI 3.1 document."""
    return _documentation(call).document.respond(call.request)


async def show(call: Call) -> Response:
    """This description of all calls, as a page."""
    return _documentation(call).page.respond(call.request)


def _documentation(call: Call) -> Documentation:
    """The documentation of the server that is called; its operations are those of every server here."""
    settings = call.services.settings
    if settings not in _made:
        made = document(call.scope["app"].operations, settings)
        _made[settings] = Documentation(
            Fixed(msgspec.json.encode(made), JSON), Fixed(page(made).encode(), HTML, GUARDS)
        )
    return _made[settings]


OPERATIONS: Final = (
    Operation(
        SERVER,
        "documentation.openapi",
        "GET",
        "/openapi.json",
        openapi,
        "Get this description as an OpenAPI document",
        "OpenAPI 3.1, for programs and generators of clients.",
        reply=record({}),
    ),
    Operation(
        PAGE,
        "documentation.show",
        "GET",
        "/docs",
        show,
        "Read this description as a page",
        reply=TEXT,
    ),
)
"""The operations on the description."""
