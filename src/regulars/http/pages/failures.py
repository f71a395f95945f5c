"""Errors of pages: a small page that says what is wrong."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from regulars.http.errors import Problem
from regulars.http.pages.markup import element


def render(problem: Problem, request: Request) -> Response:
    """The error as a page."""
    title = f"{problem.status} {problem.reason}"
    head = element("head", element("meta", charset="utf-8"), element("title", title))
    body = element("body", element("h1", title), element("p", problem.detail))
    return HTMLResponse("<!doctype html>\n" + element("html", head, body, lang="en"), status_code=problem.status)
