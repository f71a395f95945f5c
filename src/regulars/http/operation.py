"""Operations: the one declaration of each call. Routing, the OpenAPI document, the docs and the tests read it.

Who may call is not declared here: the type of the handler's second parameter says it (`Operation.caller`).
"""

import typing
from collections.abc import Awaitable, Callable, Mapping
from functools import cache

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from regulars.domain.limits import Limits
from regulars.http.authentication import authenticate
from regulars.http.errors import Problem
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.keyring import Caller
from regulars.http.schema import Schema

Handler = Callable[..., Awaitable[Response]]
"""Takes a Call, and the caller unless everybody may call."""


class ErrorSurface(Struct, frozen=True, eq=False):
    """How the errors of an operation look. `bodies`: their media types and schemas, for the document."""

    name: str
    render: Callable[[Problem, Request], Response]
    bodies: Mapping[str, Schema]


def _no_components(limits: Limits) -> dict[str, Schema]:
    return {}


class Surface(Struct, frozen=True, eq=False, kw_only=True):
    """A group of operations for the same clients. `tag` and `description` are its heading in the documentation.

    errors: how errors look. security: the names of the security schemes. media_type: of replies. takes: the media types
    of bodies. authenticate: finds the caller of a request; raises Problem. check: refuses a request by its headers,
    before its body is read; raises Problem. statuses: errors that any operation can end in. change_statuses:
    those that any operation but a GET can end in. components: the schemas that operations refer to by name, with the
    limits of a server.
    """

    tag: str
    description: str
    errors: ErrorSurface
    media_type: str
    takes: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    authenticate: Callable[[Scope], Awaitable[Caller]] = authenticate
    check: Callable[[Scope], None] | None = None
    statuses: tuple[int, ...] = ()
    change_statuses: tuple[int, ...] = ()
    components: Callable[[Limits], dict[str, Schema]] = _no_components


class Operation(Struct, frozen=True, eq=False):
    """One call: method, path, parameters, body, response and errors.

    name: what client generators call it, after the surface; part of the interface. path: its parameters stay
    percent-encoded until the handler asks for them. description: more than the summary, if that needs it. query: the
    parameters that the handler reads; `parameters`: those of a handler that reads them itself. body, reply: the schemas
    of what is sent and answered; None: nothing is. media_type: of the reply, if it is not the surface's. status: of
    success. errors: statuses beside those that follow from the surface, the path and the body. also: other spellings of
    the path.
    files: the beginning of the file that is sent instead of the reply if the caller accepts a media type, by that type.
    is_listed: whether the documentation has it; it leaves out what only pages of ours ask for.
    """

    surface: Surface
    name: str
    method: str
    path: str
    handler: Handler
    summary: str
    description: str = ""
    query: QuerySpec | None = None
    parameters: Mapping[str, Schema] = {}
    body: Schema | None = None
    reply: Schema | None = None
    media_type: str | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    also: tuple[str, ...] = ()
    files: Mapping[str, str] = {}
    is_listed: bool = True

    @property
    def caller(self) -> type[Caller] | None:
        """Who may call: a subclass of Caller, Caller for any key, None for everybody."""
        return caller_of(self.handler)

    @property
    def scope(self) -> str | None:
        """The scope that the caller's key needs, if any."""
        return self.caller.scope if self.caller else None

    @property
    def paths(self) -> tuple[str, ...]:
        """Every spelling of the path."""
        return (self.path, *self.also)


@cache
def caller_of(handler: Handler) -> type[Caller] | None:
    """Who may call a handler, as its signature says."""
    hints = typing.get_type_hints(handler)
    hints.pop("return", None)
    return next((hint for hint in hints.values() if isinstance(hint, type) and issubclass(hint, Caller)), None)
