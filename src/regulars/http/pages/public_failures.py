"""Errors of the pages for customers: one sentence, which does not tell whether anybody is known."""

from starlette.requests import Request
from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.pages.public_page import PRIVATE, respond


def render(problem: Problem, request: Request) -> Response:
    """The error as a page."""
    site = request.scope.get("public_site")
    values = {"message": None, "detail": problem.detail, "back": None}
    if problem.status == 404:
        values["message"] = "invalid"
    response = respond(site, "message.html", "preferences", values, problem.status)
    response.headers.update({**PRIVATE, **problem.headers})
    return response
