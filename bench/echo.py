"""The server under test with one more call: POST or GET /echo gives the body back, through the same gate."""

from starlette.responses import Response

from regulars.app import Application, create_app_from_environment
from regulars.http.call import Call
from regulars.http.classic.surface import SERVER
from regulars.http.gate import Gate
from regulars.http.operation import Operation
from regulars.http.operations import OPERATIONS


async def echo(call: Call) -> Response:
    """The body as it came."""
    return Response(await call.body(), media_type="application/json")


def create() -> Application:
    """The application with the echo."""
    app = create_app_from_environment()
    app.gate = Gate(
        (*OPERATIONS, *(Operation(SERVER, "echo", method, "/echo", echo, "Echo") for method in ("GET", "POST")))
    )
    return app
