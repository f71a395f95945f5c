"""Errors of the OAuth calls, as RFC 6749 has them and the vendor's clients read them."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from regulars.http.call import json_response
from regulars.http.errors import Problem

_CODES: Final = frozenset({"invalid_request", "invalid_grant", "unsupported_grant_type"})
_OTHERWISE: Final = {500: "server_error", 503: "temporarily_unavailable"}


def render(problem: Problem, request: Request) -> Response:
    """A code of the standard and a sentence. For wrong credentials, the sentence replaces the code."""
    if problem.code == "invalid_client":
        return json_response(
            {"error": problem.detail}, status=problem.status, headers={"WWW-Authenticate": 'Basic realm="regulars"'}
        )
    word = problem.code if problem.code in _CODES else _OTHERWISE.get(problem.status, "invalid_request")
    return json_response({"error": word, "error_description": problem.detail}, status=problem.status)
