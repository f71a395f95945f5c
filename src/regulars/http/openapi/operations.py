"""Operations: what one route takes, gives and refuses."""

import inspect
import re
import sys
from typing import Any, Final

from starlette.routing import Route

from regulars.http.call import Endpoint, Handler, pattern
from regulars.http.errors import ERRORS
from regulars.http.jsonapi.failures import MEDIA_TYPE
from regulars.http.jsonapi.negotiation import BODIES, NegotiatingEndpoint
from regulars.http.jsonapi.oauth_failures import PREFIX as OAUTH
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.openapi import parameters, resources, written
from regulars.http.openapi.calls import Details, details_of
from regulars.http.openapi.schema import Schema, ref

SECURITY: Final[tuple[dict[str, list[str]], ...]] = ({"key": []}, {"bearer": []}, {"oauth": []})
CLASSIC_SECURITY: Final[tuple[dict[str, list[str]], ...]] = (*SECURITY, {"header": []})
_SURFACES: Final = {"/api/v1/": "Classic", "/v1/": "JSON:API"}
_CALLED: Final = re.compile(r"(GET|POST|PUT|PATCH|DELETE) /[^\s:]*(?: or [^\s:]*)*[:.] ?")


def surface(path: str) -> str:
    """The surface that a path belongs to, a tag of the document; of neither: the server itself."""
    return next((name for prefix, name in _SURFACES.items() if path.startswith(prefix)), "Server")


def endpoint_of(route: Route) -> Endpoint:
    """The endpoint behind a route."""
    assert isinstance(route.app, Endpoint)
    return route.app


def operation(route: Route, method: str, largest_page: int) -> dict[str, Any]:
    """The operation of a route's method."""
    endpoint = endpoint_of(route)
    query_spec, details = query_spec_of(endpoint.handler), details_of(route.path, endpoint.handler)
    summary, more = said(endpoint.handler)
    scope = f"The key needs the scope `{endpoint.scope}`." if endpoint.scope else ""
    shown: dict[str, Any] = {
        "operationId": _name(route, endpoint.handler),
        "summary": summary or f"{method} {route.path}",
        "description": " ".join(filter(None, (more, scope))),
        "tags": [surface(route.path)],
        "parameters": _parameters(route, query_spec, details, largest_page),
        "security": [] if endpoint.caller is None else list(_security(route.path)),
        "responses": _responses(route.path, method, endpoint, query_spec, details),
    }
    if taken := _body(route.path, method, endpoint, details):
        shown["requestBody"] = taken
    return {name: value for name, value in shown.items() if value or name == "security"}


def query_spec_of(handler: Handler) -> QuerySpec | None:
    """The query spec that a handler reads its query with: its own, or its name in capitals, in its own module."""
    if isinstance(own := getattr(handler, "query_spec", None), QuerySpec):
        return own
    module = sys.modules.get(getattr(handler, "__module__", ""))
    found = getattr(module, getattr(handler, "__name__", "").upper(), None)
    return found if isinstance(found, QuerySpec) else None


def said(handler: Handler) -> tuple[str, str]:
    """(summary, description) out of a handler's docstring: its first line without the call, and the rest."""
    first, _, rest = (inspect.getdoc(handler) or "").partition("\n")
    summary = _CALLED.sub("", first, count=1).strip().rstrip(".")
    return summary[:1].upper() + summary[1:], " ".join(rest.split())


def _name(route: Route, handler: Handler) -> str:
    """Such as classic.customers.show; a second path of the same handler is told apart by what follows its module."""
    module = getattr(handler, "__module__", "").rpartition(".")[2]
    return f"{surface(route.path).replace(':', '').lower()}.{module}.{getattr(handler, '__name__', 'call')}"


def _security(path: str) -> tuple[dict[str, list[str]], ...]:
    return CLASSIC_SECURITY if surface(path) == "Classic" else SECURITY


def _parameters(
    route: Route, query_spec: QuerySpec | None, details: Details, largest_page: int
) -> list[parameters.Parameter]:
    return [
        *parameters.in_path(route.path),
        *(parameters.in_query(query_spec, largest_page) if query_spec else ()),
        *(parameters.plain(name, schema) for name, schema in details.query.items()),
    ]


def _body(path: str, method: str, endpoint: Endpoint, details: Details) -> dict[str, Any]:
    negotiates = isinstance(endpoint, NegotiatingEndpoint)
    schema = details.body
    if schema is None and negotiates:
        schema = written.body(pattern(path), method)
    if schema is None:
        return {}
    kinds = BODIES if negotiates else details.takes
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def _responses(
    path: str, method: str, endpoint: Endpoint, query_spec: QuerySpec | None, details: Details
) -> dict[str, Any]:
    negotiates = isinstance(endpoint, NegotiatingEndpoint)
    reply, kind = details.reply, details.kind
    if negotiates:
        reply, kind = reply or resources.reply(pattern(path), method, query_spec), MEDIA_TYPE
    good: dict[str, Any] = {"description": "Found." if method == "GET" else "Done."}
    if reply is not None:
        good["content"] = {kind: {"schema": reply}}
    status = "201" if negotiates and resources.creates(pattern(path), method) else "200"
    shape = f"#/components/responses/{error_family(path)}"
    refused = {str(each): {"$ref": f"{shape}-{each}"} for each in _errors(path, method, endpoint, details)}
    return {status: good, **refused}


def _errors(path: str, method: str, endpoint: Endpoint, details: Details) -> list[int]:
    """The statuses of the errors that a call can end in."""
    negotiates, takes_body = isinstance(endpoint, NegotiatingEndpoint), bool(_body(path, method, endpoint, details))
    parts: tuple[tuple[bool, tuple[int, ...]], ...] = (
        (True, (400, 500, 503, *details.errors)),
        (endpoint.caller is not None or path.startswith(OAUTH), (401, 403)),
        ("{" in path, (404,)),
        (takes_body, (413,)),
        (negotiates, (406, 415)),
        (negotiates and takes_body, (404, 409, 422)),
    )
    known = {kind.status for kind in ERRORS.values()}
    return sorted(known & {each for holds, statuses in parts if holds for each in statuses})


def error_family(path: str) -> str:
    """Which shape the errors of a path have."""
    if path.startswith(OAUTH):
        return "oauth"
    return "jsonapi" if path.startswith("/v1/") else "classic"


ERROR_SHAPES: Final[dict[str, dict[str, Schema]]] = {
    "classic": {"application/json": ref("Error"), "text/plain": {"type": "string"}},
    "jsonapi": {MEDIA_TYPE: ref("Errors")},
    "oauth": {"application/json": ref("OAuthError")},
}
"""The media types and schemas of errors; plain text is for clients of Sendwithus."""


def error_responses() -> dict[str, Any]:
    """Every status of the table of errors, in every shape, with the codes that stand for it."""
    shown = {}
    for family, shapes in ERROR_SHAPES.items():
        for status in sorted({kind.status for kind in ERRORS.values()}):
            codes = [f"* `{code}`: {kind.meaning}" for code, kind in ERRORS.items() if kind.status == status]
            shown[f"{family}-{status}"] = {
                "description": "\n".join(codes),
                "content": {kind: {"schema": schema} for kind, schema in shapes.items()},
            }
    return shown
