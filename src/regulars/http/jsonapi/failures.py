"""Errors of the JSON:API surface: an envelope with one object for each fault."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from regulars.http.call import json_response
from regulars.http.errors import Problem

MEDIA_TYPE: Final = "application/vnd.api+json"
_CHALLENGE: Final = 'Bearer realm="regulars"'


class ParameterProblem(Problem):
    """A query parameter that is unknown or has a value that is not allowed."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__("invalid_parameter", detail)
        self.parameter = parameter


def render(problem: Problem, request: Request) -> Response:
    """The error as JSON:API has it."""
    response = json_response({"errors": _objects(problem)}, status=problem.status, media_type=MEDIA_TYPE)
    if problem.status == 401:
        known = problem.code == "key_unknown"
        response.headers["WWW-Authenticate"] = _CHALLENGE + (', error="invalid_token"' if known else "")
    return response


def _objects(problem: Problem) -> list[dict[str, Any]]:
    shared = {"status": str(problem.status), "code": problem.code, "title": problem.reason}
    if isinstance(problem, ParameterProblem):
        return [{**shared, "detail": problem.detail, "source": {"parameter": problem.parameter}}]
    if problem.faults:
        return [
            {**shared, "detail": fault.detail, "source": {"pointer": "/" + fault.field.replace(".", "/")}}
            for fault in problem.faults
        ]
    return [{**shared, "detail": problem.detail, "source": None}]
