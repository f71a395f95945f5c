"""Errors of pages: a small page that says what is wrong."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from regulars.http.errors import Problem
from regulars.http.pages.rendering import GUARDS, render_page


def render(problem: Problem, request: Request) -> Response:
    """The error as a page."""
    text = render_page("error.html", status=problem.status, reason=problem.reason, detail=problem.detail)
    return HTMLResponse(text, status_code=problem.status, headers=GUARDS)
