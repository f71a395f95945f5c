"""Whether the server is ready."""

from typing import Final

from starlette.responses import Response

from regulars.http.call import Call, json_response
from regulars.http.classic.surface import SERVER
from regulars.http.operation import Operation
from regulars.http.schema import record
from regulars.store import control


async def show(call: Call) -> Response:
    """Whether the server is ready: 200 when the database can be read."""
    async with call.services.store.snapshot() as connection:
        await control.secret(connection)  # one row, which every database of ours has
    return json_response({"status": "ok"})


OPERATIONS: Final = (
    Operation(
        SERVER,
        "health.show",
        "GET",
        "/healthz",
        show,
        "Ask whether the server is ready",
        "200 when the database can be read.",
        reply=record({"status": {"const": "ok"}}),
    ),
)
"""The operation itself."""
