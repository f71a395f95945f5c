"""Errors of the admin page: within its frame, in words that say what to do. Who is not signed in is led to sign in."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from regulars.http.call import Call, json_response
from regulars.http.errors import Problem
from regulars.http.pages.page import GUARDS, HOME, SUFFIX, AdminPage, View
from regulars.http.pages.signed_in import SignedIn

SIGN_IN: Final = f"{HOME}/login"

_TITLES: Final[Mapping[int, str]] = {
    400: "This cannot be read",
    401: "You are not signed in",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "This is in the way of something else",
    412: "Somebody else was faster",
    413: "This is too large",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "Try again in a moment",
}
_RELOAD: Final = frozenset({429, 500, 503})


def render(problem: Problem, request: Request) -> Response:
    """The error as a page; as JSON where that was asked for."""
    path = str(request.scope["path"])
    if path.endswith(SUFFIX):
        error = {"code": problem.code, "detail": problem.detail}
        return json_response({"error": error}, status=problem.status, headers=GUARDS)
    if problem.status == 401:
        return _sign_in(path, request)
    found = request.scope.get("caller")
    page = AdminPage(Call(request.scope, request.receive), found if isinstance(found, SignedIn) else None)
    view = View(
        template="error.html",
        title=_TITLES.get(problem.status, problem.reason),
        data={"status": problem.status, "reason": problem.reason, "detail": problem.detail},
        more={
            "can_reload": problem.status in _RELOAD,
            "faults": problem.faults,
            "request_id": request.scope.get("request_id", ""),
        },
        status=problem.status,
    )
    return page.respond(view)


def _sign_in(path: str, request: Request) -> Response:
    """The way to the sign-in, and from there back to the page that was asked for."""
    query = request.scope["query_string"].decode("latin-1")
    here = path + (f"?{query}" if query else "") if request.method == "GET" else HOME
    url = f"{SIGN_IN}?next={quote(here, safe='/')}"
    if request.headers.get("hx-request"):  # a redirect would put the sign-in where the live part was
        return Response(status_code=401, headers={**GUARDS, "HX-Redirect": url})
    return RedirectResponse(url, status_code=303, headers=GUARDS)
