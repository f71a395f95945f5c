"""Whether the server is alive, and whether it is ready."""

from typing import Final

from starlette.responses import Response

from regulars.http.call import Call, json_response
from regulars.http.classic.surface import SERVER
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.schema import record
from regulars.store import control


async def show(call: Call) -> Response:
    """Whether the server is ready: 200 when the database can be read."""
    async with call.services.store.snapshot() as connection:
        await control.secret(connection)  # one row, which every database of ours has
    return json_response({"status": "ok"})


async def show_alive(call: Call) -> Response:
    """Whether the process answers: always 200."""
    return json_response({"status": "ok"})


async def show_ready(call: Call) -> Response:
    """Whether calls will be carried out: the database can be written, and no site is being loaded."""
    await call.services.store.prove_writable()
    if call.services.audience.is_loading:
        raise Problem("loading", "The index of a site is being loaded.")
    return json_response({"status": "ok"})


_REPLY: Final = record({"status": {"const": "ok"}})

OPERATIONS: Final = (
    Operation(
        SERVER,
        "health.show",
        "GET",
        "/healthz",
        show,
        "Ask whether the server is ready",
        "200 when the database can be read.",
        reply=_REPLY,
    ),
    Operation(
        SERVER,
        "health.show_alive",
        "GET",
        "/livez",
        show_alive,
        "Ask whether the process answers",
        "200 as long as it does, whatever becomes of the database: a process that does not answer is to be restarted.",
        reply=_REPLY,
    ),
    Operation(
        SERVER,
        "health.show_ready",
        "GET",
        "/readyz",
        show_ready,
        "Ask whether calls will be carried out",
        "200 when the database can be written, which is tried once a second at most, and no site's index is being "
        "loaded. 503 otherwise, such as on a full disk: calls are to go to another server.",
        reply=_REPLY,
    ),
)
"""The operations on the server's health."""
