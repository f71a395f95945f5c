"""Whether the server is ready."""

from starlette.responses import Response

from regulars.http.call import Call, json_response
from regulars.store import control


async def show(call: Call) -> Response:
    """GET /healthz: whether the server is ready: 200 when the database can be read."""
    async with call.services.store.snapshot() as connection:
        await control.secret(connection)  # one row, which every database of ours has
    return json_response({"status": "ok"})
