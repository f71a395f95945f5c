"""Errors of the classic surface: plain text for Sendwithus clients, a JSON object for all others."""

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from regulars.http.call import json_response
from regulars.http.credentials import is_sendwithus_client
from regulars.http.errors import Problem
from regulars.http.keyring import Caller

_CHALLENGE: Final = 'Basic realm="regulars", charset="UTF-8", Bearer realm="regulars"'
_SENDWITHUS_STATUS: Final = {401: 403}
"""Sendwithus clients turn 403, and only 403, into an AuthenticationError."""


def is_sendwithus(request: Request) -> bool:
    """Whether a Sendwithus client calls: by its headers, else by the key's dialect."""
    if is_sendwithus_client(request):
        return True
    caller: Caller | None = request.scope.get("caller")
    return caller is not None and caller.key.dialect == "sendwithus"


def status_of(problem: Problem, request: Request) -> int:
    """The status for this caller."""
    if not is_sendwithus(request):
        return problem.status
    if problem.code == "object_not_found":
        return 400  # their suites insist on it for ids of their own objects
    return _SENDWITHUS_STATUS.get(problem.status, problem.status)


def render(problem: Problem, request: Request) -> Response:
    """The error in the caller's format. Text is never empty and never JSON, which the Node client takes for success."""
    status = status_of(problem, request)
    response: Response
    if is_sendwithus(request):
        response = PlainTextResponse(sentence(problem), status_code=status)
    else:
        response = json_response(body(problem), status=status)
    if problem.code == "not_authenticated" or (problem.code == "key_unknown" and status == 401):
        response.headers["WWW-Authenticate"] = _CHALLENGE
    return response


def sentence(problem: Problem) -> str:
    """The error as one sentence of plain text."""
    text = problem.detail.strip() or problem.reason
    return text if text[-1] in ".!?" else text + "."


def body(problem: Problem) -> dict[str, object]:
    """The error as a JSON object with all faults."""
    return {
        "success": False,
        "status": problem.reason,
        "error": problem.detail,
        "message": problem.detail,
        "code": problem.code,
        "errors": [{"field": fault.field, "detail": fault.detail} for fault in problem.faults],
    }
