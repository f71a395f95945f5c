"""The gate: the outer layer of the server, pure ASGI. Request ids, routing, and the body of every error."""

import itertools
import re
import secrets
from collections.abc import Sequence
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regulars import audience
from regulars.domain.faults import RefusedError
from regulars.http import compatibility
from regulars.http.authentication import authenticate
from regulars.http.endpoint import routes
from regulars.http.errors import RETRY_SECONDS, Problem, problem_of
from regulars.http.observation import CLIENT_LEFT, UNKNOWN
from regulars.http.operation import Operation
from regulars.http.rate_limits import headers_of
from regulars.http.services import Services
from regulars.http.surfaces import UNKNOWN_PATHS, UnknownPaths
from regulars.logs import unavailable
from regulars.store.engine import OutcomeUnknownError, ReplacedError, UnavailableError
from regulars.store.ledger import CommandFailedError, QueueFullError

REQUEST_ID: Final = b"x-request-id"
OLD_PREFIX: Final = "/api/v1_0/"

_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_NO_STORE: Final = (b"cache-control", b"no-store")
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_PROCESS: Final = secrets.token_hex(6)
_requests: Final = itertools.count(1)
_log = structlog.get_logger("regulars.http")


class Gate:
    """An ASGI application. Exceptions of handlers end here and nowhere else."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self._routes = [(route, operation) for operation in operations for route in routes(operation)]
        known = [route for route, _ in self._routes]
        self._router = Router(known, redirect_slashes=False)
        self._exact, self._by_last = _tables(known)
        self.services: Services | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        started = False
        path: str = scope["raw_path"].decode("ascii", "replace") if scope.get("raw_path") else scope["path"]
        if path.startswith(OLD_PREFIX):
            path = "/api/v1/" + path[len(OLD_PREFIX) :]
        # The router sees the path as it was sent, so that an encoded slash does not split an address.
        scope["path"] = path
        scope["root_path"] = ""
        scope["app"] = self
        scope["services"] = self.services
        scope["request_id"] = request_id = self._request_id(scope)
        observation = None if self.services is None else self.services.observation
        began = 0.0 if observation is None else observation.begin()
        status = CLIENT_LEFT

        async def send_with_id(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                _finish(message["headers"], request_id)
                message["headers"] += headers_of(scope)
            await send(message)

        try:
            response = None
            try:
                await self._find(scope, path)(scope, receive, send_with_id)
            except Exception as error:
                if started:
                    raise
                response = await self._refusal(error, scope, path, request_id)
            if response is not None:
                await response(scope, receive, send_with_id)
        finally:
            if observation is not None:
                operation: Operation | None = scope.get("operation")
                route = UNKNOWN if operation is None else operation.path
                observation.end(began, scope, route, status, request_id)

    async def _refusal(self, error: Exception, scope: Scope, path: str, request_id: str) -> Response:
        """The response to a request that failed.

        Only this frame may hold the problem. In a frame of its traceback it would keep itself alive, and with it the
        request's body, until the garbage collector runs.
        """
        problem = _problem(error)
        if isinstance(error, HTTPException):
            problem = await self._key_problem(scope, path) or problem
        if problem.status in (400, 405) and path in compatibility.missing():
            problem = _no_such_call()  # it only looks like the path of a customer
        if isinstance(error, UnavailableError) and not isinstance(error, ReplacedError):  # which is logged once
            unavailable.warning("the database cannot be used", reason=str(error))
        if problem.code == "method_not_allowed":
            problem.headers["Allow"] = ", ".join(self._methods(path))
        if problem.status >= 500 and problem.code == "internal":
            route = scope["operation"].path if "operation" in scope else UNKNOWN  # a path may hold a secret
            _log.exception("request failed", request_id=request_id, method=scope["method"], route=route)
        return self._render(problem, Request(scope))

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request that could not be parsed; `code` and `detail` in its scope say why."""
        seen = {**scope, "type": "http", "app": self, "services": self.services}  # what pages of errors read
        response = self._render(Problem(scope["code"], scope["detail"]), Request(seen))
        _finish(response.raw_headers, self._request_id(scope))
        await response(scope, receive, send)

    def endpoint(self, scope: Scope) -> ASGIApp:
        """What answers a request that another handler makes. It raises what the gate would turn into an error."""
        return self._find(scope, scope["path"])

    def _methods(self, path: str) -> list[str]:
        """The methods of a path, over all of its routes; a single route knows only its own."""
        return sorted(
            {name for route, _ in self._routes if route.path_regex.match(path) for name in route.methods or ()}
        )

    def _find(self, scope: Scope, path: str) -> ASGIApp:
        """The endpoint of a path: from a table if it has no parameter or one at its end, else from the router."""
        method = scope["method"]
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        prefix, _, last = path.rpartition("/")
        found = self._by_last.get((method, prefix))
        if found is None or not last:
            return self._router
        app, name = found
        scope["path_params"] = {name: last}
        return app

    def _neighbour(self, path: str) -> Operation | None:
        """An operation with this path, whatever its method."""
        return next((operation for route, operation in self._routes if route.path_regex.match(path)), None)

    async def _key_problem(self, scope: Scope, path: str) -> Problem | None:
        """The problem with the key of a request without a route; None if it is valid or not needed.

        On an unknown path a key that is not needed is looked at all the same: its dialect decides the error format.
        """
        neighbour = self._neighbour(path)
        if neighbour is not None and neighbour.caller is None:
            return None
        check = authenticate if neighbour is None else neighbour.surface.authenticate
        try:
            await check(scope)
        except Exception as error:
            return _problem(error) if neighbour is not None or _unknown(path).keyed else None
        return None

    @staticmethod
    def _request_id(scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == REQUEST_ID:
                given: str = value.decode("latin-1")
                if _ID.fullmatch(given):
                    return given
        return f"{_PROCESS}-{next(_requests):x}"

    def _render(self, problem: Problem, request: Request) -> Response:
        scope = request.scope
        operation: Operation | None = scope.get("operation") or self._neighbour(scope["path"])
        errors = _unknown(scope["path"]).errors if operation is None else operation.surface.errors
        response = errors.render(problem, request)
        if problem.status == 503:
            response.headers["Retry-After"] = str(RETRY_SECONDS)
        for name, value in problem.headers.items():
            response.headers[name] = value
        return response


def _finish(headers: list[tuple[bytes, bytes]], request_id: str) -> None:
    """Add the headers of every response. Caches store none unless the handler allows it: most have personal data."""
    headers.append((REQUEST_ID, request_id.encode()))
    headers.append(_NOSNIFF)
    for name, _ in headers:
        if name == b"cache-control":
            return
    headers.append(_NO_STORE)


def _tables(
    routes: Sequence[Route],
) -> tuple[dict[tuple[str, str], ASGIApp], dict[tuple[str, str], tuple[ASGIApp, str]]]:
    """The routes without a parameter by (method, path), and those with one as the last segment by (method, the rest).

    Most calls are of these two kinds, and need no search through the patterns of all routes.
    """
    exact: dict[tuple[str, str], ASGIApp] = {}
    by_last: dict[tuple[str, str], tuple[ASGIApp, str]] = {}
    for route in routes:
        prefix, _, last = route.path.rpartition("/")
        for method in route.methods or ():
            if "{" not in route.path:
                exact.setdefault((method, route.path), route.app)
            elif "{" not in prefix and last.startswith("{") and last.endswith("}"):
                by_last.setdefault((method, prefix), (route.app, last[1:-1]))
    return exact, by_last


def _problem(error: Exception) -> Problem:
    """The error for an exception."""
    match error:
        case Problem():
            return error
        case RefusedError():
            return problem_of(error)
        case HTTPException(status_code=405):
            return Problem("method_not_allowed", "This path does not support this method.")
        case HTTPException(status_code=404):
            return _no_such_call()
        case QueueFullError() | audience.QuestionsFullError():
            return Problem("busy", "The server has too many requests to process. Try again in a second.")
        case audience.TooExpensiveError():
            return Problem("too_expensive", "A sequence goes through too many events to answer in time.")
        case audience.LoadingError():
            return Problem("loading", "The index of this site is being loaded. Try again in a second.")
        case OutcomeUnknownError():
            return Problem(
                "outcome_unknown",
                "The connection to the database was lost during the change. It may or may not have been made.",
            )
        case UnavailableError():
            return Problem("unavailable", "The database is unavailable. Nothing was changed.")
        case CommandFailedError():
            return Problem("internal", "Internal server error. Nothing was changed.")
        case _:
            return Problem("internal", "Internal server error.")


def _unknown(path: str) -> UnknownPaths:
    return next(each for each in UNKNOWN_PATHS if path.startswith(each.prefix))


def _no_such_call() -> Problem:
    return Problem(
        "not_found",
        "This path does not exist. /docs lists all calls, docs/compatibility.md those of each vendor.",
    )
