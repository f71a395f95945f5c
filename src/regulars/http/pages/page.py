"""A page: what a screen's handler is given, and the view that it returns."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from msgspec import Struct
from starlette.responses import HTMLResponse, RedirectResponse, Response

from regulars.http.call import Call, json_response
from regulars.http.pages.api_client import Api
from regulars.http.pages.formats import Formats
from regulars.http.pages.forms import FormData, read_form
from regulars.http.pages.navigation import SECTIONS, NavigationEntry, Section
from regulars.http.pages.rendering import render_page
from regulars.http.pages.session_cookie import PageOrigin, place_of
from regulars.http.pages.signed_in import SignedIn

HOME: Final = "/admin"
SUFFIX: Final = ".json"
_NOTICE: Final = "regulars-notice"
_LONGEST_NOTICE: Final = 500
_READABLE: Final = "[]:,-_.~/"

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Only files from this server, nothing inline."""

GUARDS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The headers of every page."""


class View(Struct, frozen=True, kw_only=True):
    """What a screen shows. template: its file below templates/admin. title: of the page.

    data: what the template shows, by name; the page as JSON is just this. more: what only the template needs, such as
    a form. partial: the template of the part that live updates replace, without the frame.
    """

    template: str
    title: str
    data: Mapping[str, Any] = {}
    more: Mapping[str, Any] = {}
    partial: str | None = None
    status: int = 200


class AdminPage:
    """One request to the page. user: who is signed in; None on the pages before that."""

    def __init__(self, call: Call, user: SignedIn | None) -> None:
        self.call = call
        self.user = user

    @cached_property
    def api(self) -> Api:
        """The API, called as the signed-in user."""
        assert self.user is not None
        return Api(self.call.scope, self.user)

    @property
    def now(self) -> int:
        """The time (ms)."""
        return self.call.services.clock()

    @cached_property
    def place(self) -> PageOrigin:
        """Where the page was called."""
        return place_of(self.call.scope)

    @cached_property
    def format(self) -> Formats:
        """How values are shown to this reader."""
        zone = "UTC" if self.user is None else self.user.time_zone()
        return Formats(self.call.request.headers.get("accept-language", ""), zone)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The query parameters; of several with one name, the last."""
        return dict(self.call.query)

    @cached_property
    def path(self) -> str:
        """The path of the page, without .json."""
        return str(self.call.scope["path"]).removesuffix(SUFFIX)

    @property
    def wants_json(self) -> bool:
        """Whether the page is asked for as JSON."""
        return str(self.call.scope["path"]).endswith(SUFFIX)

    @property
    def is_partial(self) -> bool:
        """Whether only the part that a live update replaces is asked for."""
        return self.call.request.headers.get("hx-request-type") == "partial"

    def segment(self, name: str) -> str:
        """A parameter of the path as part of another path or URL: percent-encoded, without .json."""
        return quote(self.identifier(name), safe="")

    def identifier(self, name: str) -> str:
        """A parameter of the path as text, without .json. A path or URL takes `segment` instead."""
        return self.call.path(name).removesuffix(SUFFIX)

    async def form(self) -> FormData:
        """The form that was sent. Raises Problem if it cannot be read."""
        return await read_form(self.call)

    def url(self, path: str = "", **parameters: Any) -> str:
        """The URL of a screen of the current site, such as `url("/customers", q="is subscribed")`."""
        assert self.user is not None
        return with_parameters(f"{HOME}/sites/{self.user.current.subdomain}{path}", parameters)

    def here(self, **changes: Any) -> str:
        """The URL of this page with some parameters changed; None and empty texts are left out."""
        return with_parameters(self.path, {**self.parameters, **changes})

    @property
    def json_url(self) -> str:
        """The URL of this page as JSON."""
        return with_parameters(self.path + SUFFIX, self.parameters)

    @property
    def commands(self) -> list[str]:
        """The API calls that this page was made from, as commands."""
        calls = self.api.calls if "api" in self.__dict__ else []
        return [each.curl(self.place.origin) for each in dict.fromkeys(calls)]

    @property
    def sections(self) -> list[tuple[Section, list[NavigationEntry]]]:
        """The navigation, without what the user may not see."""
        assert self.user is not None
        may = self.user.may
        shown = [(section, [entry for entry in section.entries if may(entry.scope)]) for section in SECTIONS]
        return [(section, entries) for section, entries in shown if entries]

    def is_current(self, entry: NavigationEntry) -> bool:
        """Whether this page belongs to an entry of the navigation."""
        start = self.url(entry.path)
        return self.path == start or self.path.startswith(f"{start}/")

    @cached_property
    def notice(self) -> str:
        """What the page before this one has done, told once."""
        return unquote(self.call.request.cookies.get(_NOTICE, ""))[:_LONGEST_NOTICE]

    def redirect(self, url: str, notice: str = "") -> Response:
        """Leads to another page after a form was carried out. notice: what was done, in a sentence."""
        response = RedirectResponse(url, status_code=303, headers=GUARDS)
        if notice:
            secure = self.place.is_secure
            response.set_cookie(_NOTICE, quote(notice), 60, path=HOME, secure=secure, httponly=True, samesite="lax")
        return response

    def respond(self, view: View) -> Response:
        """The view as HTML with its frame, as the part that is replaced, or as JSON."""
        if self.wants_json:
            return json_response(view.data, status=view.status)
        is_partial = view.partial is not None and self.is_partial
        template = view.partial if is_partial else view.template
        values = {**view.data, **view.more, "page": self, "user": self.user, "title": view.title}
        response = HTMLResponse(render_page(f"admin/{template}", **values), view.status, GUARDS)
        if not is_partial and self.notice:
            response.delete_cookie(_NOTICE, path=HOME, secure=self.place.is_secure, httponly=True, samesite="lax")
        return response


def with_parameters(path: str, parameters: Mapping[str, Any]) -> str:
    """A URL with a query string; None and empty texts are left out."""
    given = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given, safe=_READABLE, quote_via=quote)}" if given else path
