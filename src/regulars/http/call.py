"""One call: the request as handlers see it, and JSON responses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from regulars.domain.commands import Command
from regulars.domain.faults import RefusedError
from regulars.domain.origin import Actor, Channel, Origin
from regulars.domain.outcome import Outcome
from regulars.domain.text import whole_number
from regulars.domain.wire import decode_json
from regulars.http.disconnect import CancelOnDisconnect
from regulars.http.errors import Problem
from regulars.http.services import Services
from regulars.http.slices import encoded
from regulars.store.audit import record_change

JSON: Final = "application/json"
_CHANNELS: Final = {
    "classic": Channel.CLASSIC,
    "jsonapi": Channel.JSONAPI,
    "oauth": Channel.JSONAPI,
    "page": Channel.PUBLIC_PAGE,
    "public": Channel.PUBLIC_PAGE,
    "admin": Channel.ADMIN_PAGE,
}
"""The channel of a call, by the name of its error format."""


class Call:
    """A request, with the server's services."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.services: Services = scope["services"]
        self._receive = receive

    @cached_property
    def request(self) -> Request:
        """The request's head as Starlette reads it: headers, cookies, query."""
        return Request(self.scope)

    def path(self, name: str) -> str:
        """A path parameter, percent-decoded; a + stays a plus. Raises Problem if it is not UTF-8."""
        raw: str = self.scope["path_params"][name]
        if "%" not in raw:
            return raw
        try:
            text = unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            raise Problem("malformed", f"The {name} in the path is not valid UTF-8.") from None
        if "\0" in text:
            raise Problem("malformed", f"The {name} in the path contains NUL.")
        return text

    def until_disconnect(self) -> CancelOnDisconnect:
        """`async with call.until_disconnect():` cancels the block on a disconnect; for calls without a body."""
        return CancelOnDisconnect(self._receive)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query parameters, decoded, in order."""
        return self.request.query_params.multi_items()

    async def body(self, largest: int | None = None) -> bytes:
        """The body. Raises Problem when it is larger (bytes) than the setting body_limit allows, or this call."""
        limit = self.services.settings.body_limit
        if largest is not None:
            limit = min(limit, largest)
        self._refuse_announced(limit)
        part, more = await self._part(limit)
        if not more:
            return part
        parts, size = [part], len(part)
        with self.services.bodies.share() as share:
            share.take(size)
            while more:
                part, more = await self._part(limit - size)
                size += len(part)
                share.take(len(part))
                parts.append(part)
            return b"".join(parts)

    async def parts(self, largest: int) -> AsyncIterator[bytes]:
        """The body in parts, as they come. Raises Problem when it is larger (bytes), or the client leaves."""
        self._refuse_announced(largest)
        size, more = 0, True
        while more:
            part, more = await self._part(largest - size)
            size += len(part)
            if part:
                yield part

    def _refuse_announced(self, limit: int) -> None:
        for name, value in self.scope["headers"]:
            if name == b"content-length" and (whole_number(value.decode("latin-1"), longest=18) or 0) > limit:
                raise _too_large(limit)

    async def _part(self, limit: int) -> tuple[bytes, bool]:
        """The next part of the body, and whether there is more. Raises Problem when it is larger than `limit`."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Problem("malformed", "The client disconnected before the body was complete.")
        part: bytes = message.get("body", b"")
        if len(part) > limit:
            raise _too_large(limit)
        return part, message.get("more_body", False)

    async def submit(
        self, site: int, command: Command, *, explained: Callable[[RefusedError], Exception] | None = None
    ) -> Outcome:
        """Execute a command. Raises its refusal, translated by `explained` if given."""
        outcome = await self.services.store.ledger.submit(site, command, self.origin)
        if outcome.refusal is not None:
            raise outcome.refusal if explained is None else explained(outcome.refusal)
        return outcome

    async def submit_all(self, site: int, commands: Sequence[Command]) -> list[Outcome]:
        """Execute commands in order, as `Ledger.submit_all` does."""
        return await self.services.store.ledger.submit_all(site, commands, self.origin)

    async def record(self, account: int, target: str, result: str) -> None:
        """Record in the audit trail of an account what this call began or stopped, such as a job."""
        async with self.services.store.engine.transaction() as connection:
            now = self.services.clock()
            await record_change(connection, account, self.origin, "", target, result=result, now=now)

    @cached_property
    def origin(self) -> Origin:
        """Where the changes of this call come from. Public pages set scope["actor"]."""
        scope = self.scope
        operation = scope["operation"]
        actor: Actor | None = scope.get("actor")
        if actor is None:
            caller = scope.get("caller")
            channel = _CHANNELS[operation.surface.errors.name]
            actor = Actor(channel) if caller is None else caller.actor(channel)
        return Origin(actor, operation.name, scope["request_id"])

    async def json(self, largest: int | None = None) -> Any:
        """The body as JSON, whatever its label says. Raises Problem when it is malformed, or too large as in `body`."""
        return _decoded(await self.body(largest))

    async def json_object(self, largest: int | None = None) -> dict[str, Any]:
        """The body as a JSON object. Raises Problem when it is anything else."""
        value = _decoded(await self.body(largest))
        if not isinstance(value, dict):
            raise Problem("malformed", "The body must be a JSON object.")
        return value


def _decoded(body: bytes) -> Any:
    try:
        return decode_json(body)
    except ValueError as error:
        raise Problem("malformed", str(error)) from None


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"The body may have at most {limit} bytes.", headers={"Connection": "close"})


@cache
def _content_type(media_type: str) -> tuple[bytes, bytes]:
    return b"content-type", media_type.encode()


class _JsonResponse(Response):
    """A response with a body in pieces and a known type: skips checks that Starlette's makes."""

    def __init__(self, pieces: Sequence[bytes | msgspec.Raw], status: int, media_type: str) -> None:
        self.status_code = status
        self.background = None
        self._pieces = pieces
        size = sum(len(memoryview(piece)) for piece in pieces)
        self.raw_headers = [(b"content-length", b"%d" % size), _content_type(media_type)]

    @property
    def body(self) -> bytes:  # type: ignore[override]
        """The body as a whole."""
        return b"".join(memoryview(piece) for piece in self._pieces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        *others, last = self._pieces
        for piece in others:
            await send({"type": "http.response.body", "body": bytes(memoryview(piece)), "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": last})


def json_response(
    value: Any, *, status: int = 200, media_type: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    """A response with a JSON body."""
    response = _JsonResponse(encoded(value), status, media_type)
    if headers:
        response.headers.update(headers)
    return response
