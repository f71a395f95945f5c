"""The page's own API client: calls operations of this server as the signed-in user, and remembers each for `curl`.

A screen knows customers only through it, so the page can do nothing that the API cannot. What is wrong with a call
arrives as a Problem.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec
from msgspec import Struct
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from regulars.domain.faults import RefusedError
from regulars.http.errors import problem_of
from regulars.http.jsonapi.failures import MEDIA_TYPE
from regulars.http.pages.signed_in import SignedIn
from regulars.store.control import Site

_JSON: Final = "application/json"
NO_HEADERS: Final[Mapping[str, str]] = {}
_READABLE: Final = "[]:,-_.~"
_KEPT: Final = (b"host", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-for", b"x-request-id")
Parameters = Mapping[str, str | int | None]


class ApiCall(Struct, frozen=True):
    """A call that a screen was made from. path: with its query string. body: as JSON."""

    method: str
    path: str
    body: str | None = None

    def curl(self, host: str) -> str:
        """The same call on a command line; $KEY stands for an API key."""
        parts = ["curl", "-g"]
        if self.method != "GET":
            parts += ["-X", self.method]
        parts += ["-H", '"Authorization: Bearer $KEY"']
        if self.body is not None:
            parts += ["-H", shlex.quote(f"Content-Type: {media_type_of(self.path)}"), "-d", shlex.quote(self.body)]
        return " ".join((*parts, shlex.quote(host + self.path)))


def media_type_of(path: str) -> str:
    """The media type of bodies below a path."""
    return MEDIA_TYPE if path.startswith("/v1/") else _JSON


class Api:
    """Calls of one request. calls: those made so far."""

    def __init__(self, scope: Scope, user: SignedIn) -> None:
        self._outer = scope
        self._user = user
        self.calls: list[ApiCall] = []

    async def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """The document of a GET, such as `get("/v1/customers", {"sort": "name"})`; None values are left out."""
        return await self._call("GET", _with_query(path, parameters))

    async def post(self, path: str, body: Any = None) -> Any:
        """The document of a POST; None if the reply has no body."""
        return await self._call("POST", path, body)

    async def patch(self, path: str, body: Any, *, if_match: str | None = None) -> Any:
        """The document of a PATCH. if_match: the etag of the state that it is meant for."""
        return await self._call("PATCH", path, body, {} if if_match is None else {"If-Match": if_match})

    async def put(self, path: str, body: Any) -> Any:
        """The document of a PUT."""
        return await self._call("PUT", path, body)

    async def delete(self, path: str, body: Any = None) -> Any:
        """The document of a DELETE; None if the reply has no body."""
        return await self._call("DELETE", path, body)

    def pass_on(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        accept: str,
        content_type: str | None = None,
    ) -> Response:
        """A response that is the reply of a call: for files, which are streamed in both directions.

        content_type: of the body of this request, which becomes that of the call.
        """
        scope = self._scope(method, _with_query(path, parameters), accept, content_type)
        return _PassedOn(self._outer["app"].endpoint, scope)

    async def upload(self, path: str, parameters: Parameters, parts: AsyncIterator[bytes]) -> Any:
        """The document of a POST whose body is a file, which is passed on as it comes."""
        scope = self._scope("POST", _with_query(path, parameters), media_type_of(path), None)
        scope["headers"].append((b"content-type", b"application/octet-stream"))

        async def receive() -> Message:
            part = await anext(parts, b"")
            return {"type": "http.request", "body": part, "more_body": bool(part)}

        return await self._reply(scope, receive)

    async def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = NO_HEADERS) -> Any:
        encoded = b"" if body is None else msgspec.json.encode(body)
        self.calls.append(ApiCall(method, path, None if body is None else encoded.decode()))
        kind = media_type_of(path)
        scope = self._scope(method, path, kind, kind if encoded else None)
        scope["headers"] = [each for each in scope["headers"] if each[0] != b"content-length"]
        scope["headers"] += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        messages: list[Message] = [{"type": "http.request", "body": encoded, "more_body": False}]

        async def receive() -> Message:
            if not messages:
                await asyncio.Future()  # who waits for the client to leave is cancelled when the reply is complete
            return messages.pop()

        return await self._reply(scope, receive)

    async def _reply(self, scope: Scope, receive: Receive) -> Any:
        parts: list[bytes] = []

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        try:
            await self._outer["app"].endpoint(scope)(scope, receive, send)
        except RefusedError as refusal:
            raise problem_of(refusal) from refusal
        reply = b"".join(parts)
        return msgspec.json.decode(reply) if reply else None

    def _scope(self, method: str, path: str, accept: str, content_type: str | None) -> Scope:
        outer = self._outer
        where, _, query = path.partition("?")
        kept = _KEPT if content_type is None else (*_KEPT, b"content-length")
        headers = [(name, value) for name, value in outer["headers"] if name in kept]
        headers.append((b"accept", accept.encode()))
        if content_type is not None:
            headers.append((b"content-type", content_type.encode()))
        return {
            "type": "http",
            "asgi": outer["asgi"],
            "http_version": outer["http_version"],
            "scheme": outer["scheme"],
            "server": outer.get("server"),
            "client": outer.get("client"),
            "root_path": "",
            "app": outer["app"],
            "services": outer["services"],
            "caller": self._user,
            "request_id": outer["request_id"],
            "method": method,
            "path": where,
            "raw_path": where.encode(),
            "query_string": query.encode(),
            "headers": headers,
        }


class _PassedOn(Response):
    """The reply of another operation, as the response of this one."""

    def __init__(self, endpoint: Any, scope: Scope) -> None:
        self._endpoint = endpoint
        self._scope = scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint(self._scope)(self._scope, receive, send)


def new_resource(type_: str, attributes: Mapping[str, Any], site: Site) -> dict[str, Any]:
    """The body of a POST that creates a resource on a site: an account may have several."""
    related = {"site": {"data": {"type": "sites", "id": str(site.id)}}}
    return {"data": {"type": type_, "attributes": attributes, "relationships": related}}


def cursor_of(link: str | None, parameter: str = "page[after]") -> str | None:
    """The cursor in a link to another page of a list; None if there is no such page."""
    return None if link is None else parse_qs(urlsplit(link).query, keep_blank_values=True)[parameter][0]


def _with_query(path: str, parameters: Parameters | None) -> str:
    given = {name: str(value) for name, value in (parameters or {}).items() if value is not None}
    return f"{path}?{urlencode(given, safe=_READABLE, quote_via=quote)}" if given else path
