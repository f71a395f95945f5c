"""The description of the API, for programs and for people: made once in a process, and open to everybody."""

from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from regulars.http.call import JSON, Call
from regulars.http.openapi.document import document
from regulars.http.pages.api_page import POLICY, page
from regulars.http.pages.fixed import Fixed
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
    """GET /openapi.json: this description of all calls, as an OpenAPI 3.1 document."""
    return _documentation(call).document.respond(call.request)


async def show(call: Call) -> Response:
    """GET /docs: this description of all calls, as a page."""
    return _documentation(call).page.respond(call.request)


def _documentation(call: Call) -> Documentation:
    """The documentation of the server that is called; its routes are those of every server here."""
    settings = call.services.settings
    if settings not in _made:
        made = document(call.scope["app"].routes, settings)
        _made[settings] = Documentation(
            Fixed(msgspec.json.encode(made), JSON), Fixed(page(made).encode(), HTML, GUARDS)
        )
    return _made[settings]
