"""Tables and samples of errors, for docs/errors.md."""

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from regulars.domain.faults import Fault
from regulars.http.classic import failures as classic
from regulars.http.credentials import CLIENT_HEADER
from regulars.http.errors import ERRORS, Problem
from regulars.http.jsonapi import failures as jsonapi
from regulars.http.jsonapi import oauth_failures
from regulars.http.jsonapi.failures import ParameterProblem
from tools.docs.markdown import block, code, table

_FAULTS: Final = (Fault("unsubscribed", "must be true, false, 1 or 0"), Fault("data", "must be an object"))
_INPUT: Final = Problem("invalid", "unsubscribed: must be true, false, 1 or 0", faults=_FAULTS)
_PARAMETER: Final = ParameterProblem("page[size]", "page[size] must be a whole number from 1 to 100.")
_GRANT: Final = Problem("invalid_grant", "The refresh token is unknown, used, revoked or expired.")
_CLIENT: Final = Problem("invalid_client", "Invalid client credentials")


def _request(path: str, **headers: str) -> Request:
    raw = [(name.encode(), text.encode()) for name, text in headers.items()]
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw})


_CLASSIC: Final = _request("/api/v1/customers")
_SENDWITHUS: Final = _request("/api/v1/customers", **{CLIENT_HEADER: "python"})
_JSON_API: Final = _request("/v1/customers")
_OAUTH: Final = _request("/v1/oauth/token")


def _errors() -> str:
    return table(
        ("code", "status", "to Sendwithus clients", "meaning"),
        [
            (
                code(name),
                str(kind.status),
                str(classic.status_of(Problem(name, kind.meaning), _SENDWITHUS)),
                kind.meaning,
            )
            for name, kind in ERRORS.items()
        ],
    )


def _json(response: Response) -> str:
    return block(msgspec.json.format(bytes(response.body), indent=2).decode(), "json")


def _text(response: Response) -> str:
    return block(bytes(response.body).decode(), "text")


PARTS: Final[dict[str, Callable[[], str]]] = {
    "errors": _errors,
    "error-sendwithus": lambda: _text(classic.render(_INPUT, _SENDWITHUS)),
    "error-classic": lambda: _json(classic.render(_INPUT, _CLASSIC)),
    "error-json-api": lambda: _json(jsonapi.render(_PARAMETER, _JSON_API)),
    "error-oauth": lambda: _json(oauth_failures.render(_GRANT, _OAUTH)),
    "error-oauth-client": lambda: _json(oauth_failures.render(_CLIENT, _OAUTH)),
}
