"""Errors of the JSON:API surface: an envelope with one object for each fault."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from regulars.audience.questions.faults import QuestionFault
from regulars.http.call import json_response
from regulars.http.errors import Problem

MEDIA_TYPE: Final = "application/vnd.api+json"
_CHALLENGE: Final = 'Bearer realm="regulars"'


class ParameterProblem(Problem):
    """A query parameter that is unknown or has a value that is not allowed."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__("invalid_parameter", detail)
        self.parameter = parameter


class QuestionProblem(Problem):
    """A question that cannot be read, with every fault. parameter: where its text form was given."""

    def __init__(self, faults: Sequence[QuestionFault], parameter: str) -> None:
        super().__init__(faults[0].code, faults[0].detail)
        self.faults_of_question = tuple(faults)
        self.parameter = parameter


def render(problem: Problem, request: Request) -> Response:
    """The error as JSON:API has it."""
    response = json_response({"errors": _objects(problem)}, status=problem.status, media_type=MEDIA_TYPE)
    if problem.status == 401:
        known = problem.code == "key_unknown"
        response.headers["WWW-Authenticate"] = _CHALLENGE + (', error="invalid_token"' if known else "")
    return response


def _question_faults(problem: Problem, faults: Sequence[QuestionFault], parameter: str) -> list[dict[str, Any]]:
    """One error object for each fault of a question, with what is allowed in its place."""
    listed = []
    for fault in faults:
        meta: dict[str, Any] = {}
        if fault.offset is not None:
            meta |= {"offset": fault.offset, "length": fault.length}
        for name, values in (("allowed", fault.allowed), ("expected", fault.expected)):
            if values:
                meta[name] = list(values)
        if fault.did_you_mean is not None:
            meta["did_you_mean"] = fault.did_you_mean
        listed.append(
            {
                "status": str(problem.status),
                "code": fault.code,
                "title": problem.reason,
                "detail": fault.detail,
                "source": {"parameter": parameter} if fault.pointer is None else {"pointer": fault.pointer},
                **({"meta": meta} if meta else {}),
            }
        )
    return listed


def _objects(problem: Problem) -> list[dict[str, Any]]:
    if isinstance(problem, QuestionProblem):
        return _question_faults(problem, problem.faults_of_question, problem.parameter)
    shared = {"status": str(problem.status), "code": problem.code, "title": problem.reason}
    if isinstance(problem, ParameterProblem):
        return [{**shared, "detail": problem.detail, "source": {"parameter": problem.parameter}}]
    if problem.faults:
        return [
            {**shared, "detail": fault.detail, "source": {"pointer": "/" + fault.field.replace(".", "/")}}
            for fault in problem.faults
        ]
    return [{**shared, "detail": problem.detail, "source": None}]
