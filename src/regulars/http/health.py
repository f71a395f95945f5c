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
    """Whether the server is ready: the database can be written, and no site is being loaded."""
    await call.services.store.prove_writable()
    if call.services.audience.is_loading:
        raise Problem("loading", "An index is being loaded.")
    return json_response({"status": "ok"})


_REPLY: Final = record({"status": {"const": "ok"}})

OPERATIONS: Final = (
    Operation(
        SERVER,
        "health.show",
        "GET",
        "/healthz",
        show,
        "Check the database",
        "Returns 200 if the database can be read, else 503.",
        reply=_REPLY,
    ),
    Operation(
        SERVER,
        "health.show_alive",
        "GET",
        "/livez",
        show_alive,
        "Check that the process is alive",
        "Returns 200 whenever the process can respond, whatever the state of the database. Restart a process that does "
        "not respond.",
        reply=_REPLY,
    ),
    Operation(
        SERVER,
        "health.show_ready",
        "GET",
        "/readyz",
        show_ready,
        "Check that the server is ready",
        "Returns 200 if the database can be written and no index is being loaded. Returns 503 otherwise, for example "
        "if the disk is full: send requests to another server. Writing is tested at most once a second.",
        reply=_REPLY,
    ),
)
"""The operations on the server's health."""
