"""The API documentation, as OpenAPI and as a page: rendered once per process, public."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from regulars.http.call import JSON, Call
from regulars.http.classic.surface import SERVER
from regulars.http.errors import Problem
from regulars.http.openapi.document import document
from regulars.http.operation import Operation
from regulars.http.pages.api_page import page
from regulars.http.pages.fixed import Fixed
from regulars.http.pages.rendering import GUARDS
from regulars.http.pages.surface import PAGE
from regulars.http.schema import TEXT, record
from regulars.settings import Settings

HTML: Final = "text/html; charset=utf-8"
_STATIC: Final = Path(__file__).with_name("static")
ASSETS: Final = {
    name: Fixed((_STATIC / name).read_bytes(), f"{kind}; charset=utf-8")
    for name, kind in (("docs.css", "text/css"), ("docs.js", "text/javascript"))
}
"""The files that pages are made with, by their names below /docs/."""


class Documentation(Struct, frozen=True):
    """What is sent."""

    document: Fixed
    page: Fixed


_made: Final[dict[Settings, Documentation]] = {}


async def openapi(call: Call) -> Response:
    """This description of all calls, as an OpenAPI 3.1 document."""
    return (await _documentation(call)).document.respond(call.request)


async def show(call: Call) -> Response:
    """This description of all calls, as a page."""
    return (await _documentation(call)).page.respond(call.request)


async def home(call: Call) -> Response:
    """Leads a browser from the root to the documentation. Programs get 404, as on every path without a call."""
    accepted = call.request.headers.get("accept", "")
    if HTML.partition(";")[0] not in accepted:
        raise Problem("not_found", "This path does not exist. /docs lists all calls.")
    return RedirectResponse("/docs", status_code=302)


async def asset(call: Call) -> Response:
    """A file that pages are made with."""
    found = ASSETS.get(call.path("name"))
    if found is None:
        raise Problem("not_found", "There is no such file here.")
    return found.respond(call.request)


async def _documentation(call: Call) -> Documentation:
    """The documentation of the server that is called; its operations are those of every server here."""
    settings = call.services.settings
    if settings not in _made:  # a second of work at most, beside which others are answered
        _made[settings] = await asyncio.to_thread(_make, call.scope["app"].operations, settings)
    return _made[settings]


def _make(operations: Sequence[Operation], settings: Settings) -> Documentation:
    made = document(operations, settings)
    return Documentation(Fixed(msgspec.json.encode(made), JSON), Fixed(page(made).encode(), HTML, GUARDS))


OPERATIONS: Final = (
    Operation(SERVER, "documentation.home", "GET", "/", home, "Go to the documentation", reply=TEXT, is_listed=False),
    Operation(
        SERVER,
        "documentation.openapi",
        "GET",
        "/openapi.json",
        openapi,
        "Get the OpenAPI document",
        "OpenAPI 3.1, for client generators and other tools.",
        reply=record({}),
    ),
    Operation(
        PAGE,
        "documentation.show",
        "GET",
        "/docs",
        show,
        "Read the API documentation",
        reply=TEXT,
    ),
    Operation(
        PAGE, "documentation.asset", "GET", "/docs/{name}", asset, "Get a file of a page", reply=TEXT, is_listed=False
    ),
)
"""The operations on the description."""
