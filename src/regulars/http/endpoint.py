"""Endpoints: an operation as an ASGI application, which authenticates before it reads the body."""

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from regulars.http.call import Call
from regulars.http.operation import Operation


class Endpoint:
    """An ASGI application around one operation."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._handler = operation.handler
        self._authenticate = operation.surface.authenticate
        self._check = operation.surface.check
        self._open = operation.caller is None
        self._scope = operation.scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authorise, check the headers, call the handler, respond."""
        scope["operation"] = self.operation
        call = Call(scope, receive)
        if self._open:
            if self._check is not None:
                self._check(scope)
            response = await self._handler(call)
        else:
            caller = await self._authenticate(scope)
            if self._check is not None:
                self._check(scope)
            if self._scope is not None:
                caller.require(self._scope)
            response = await self._handler(call, caller)
        await response(scope, receive, send)


def routes(operation: Operation) -> list[Route]:
    """The routes of an operation: one for each spelling of its path."""
    endpoint = Endpoint(operation)
    return [
        Route(path, endpoint, methods=[operation.method], name=f"{operation.method} {path}") for path in operation.paths
    ]
