"""What the pages for customers share: opening a link, throttling, and the frame of the page."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.responses import HTMLResponse, Response

from regulars.domain.commands import Command
from regulars.domain.origin import Actor, Channel
from regulars.domain.outcome import Outcome
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.origin import client_address
from regulars.http.pages.guessing import network_of
from regulars.http.pages.public_texts import texts_of
from regulars.http.pages.rendering import render_page
from regulars.http.signed_links import Purpose, site_of
from regulars.store.control import Site, find_site
from regulars.store.reads import number_after_merges

LARGEST_FORM: Final = 64 * 1024
PRIVATE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
"""The headers of every page: the link must not be told to anybody, and the page not be kept."""

_POLICY: Final = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
DEFAULT_COLOR: Final = "#1d4ed8"
_RATE: Final = 10
"""Requests per second from one network."""

_FIRST_COUNTER: Final = 4096
"""Keys have the counters below this one, as long as there are not as many keys."""

_LONGEST_AGENT: Final = 300


class OpenLink(Struct, frozen=True):
    """A link that was opened. customer: of today, after merges. named: the customer for whom it was made.

    rest: what else is in it.
    """

    site: Site
    customer: int
    named: int
    rest: tuple[int, ...]


def throttle(call: Call) -> None:
    """Count a request of a network. Raises Problem if it has made too many."""
    client = network_of(client_address(call.scope, call.services.settings.trusted_proxies))
    digest = int.from_bytes(hashlib.sha256(client.encode()).digest()[:4])
    admission = call.services.rates.admit(_FIRST_COUNTER + digest % _FIRST_COUNTER, _RATE)
    if not admission.is_admitted:
        raise Problem("rate_limited", "Too many requests. Try again in a second.", headers={"Retry-After": "1"})


async def open_link(call: Call, purpose: Purpose, *, is_throttled: bool = True) -> OpenLink:
    """The link in the path. Raises Problem if it is not ours, or there is nobody any more for whom it was made.

    is_throttled: False: only requests with wrong links are counted.
    """
    if is_throttled:
        throttle(call)
    found = await _find(call, purpose)
    if found is None:
        if not is_throttled:
            throttle(call)
        raise Problem("not_found", texts_of(None)["invalid"])
    call.scope["actor"] = Actor(Channel.PUBLIC_PAGE, found.customer)
    return found


async def _find(call: Call, purpose: Purpose) -> OpenLink | None:
    token = call.path("token")
    number = site_of(token)
    if number is None:
        return None
    async with call.services.store.snapshot() as connection:
        site = await find_site(connection, number)
        numbers = None if site is None else call.services.links.open(purpose, site, token)
        if site is None or not numbers:
            return None
        call.scope["public_site"] = site
        customer = await number_after_merges(connection, site.id, numbers[0])
    return None if customer is None else OpenLink(site, customer, numbers[0], numbers[1:])


async def submit(call: Call, link: OpenLink, command: Command) -> Outcome:
    """Execute a command of the customer. Raises Problem if the customer is gone meanwhile."""
    outcome = await call.services.store.ledger.submit(link.site.id, command, call.origin)
    if outcome.refusal is not None:
        raise Problem("not_found", texts_of(None)["invalid"])
    return outcome


def proof_of(call: Call, what: str) -> str:
    """The proof of what a customer did on a page: the time, the address and the browser."""
    client = client_address(call.scope, call.services.settings.trusted_proxies)
    agent = call.request.headers.get("user-agent", "")[:_LONGEST_AGENT]
    shown = "".join(each if each.isprintable() else " " for each in agent)
    return f"{what}, from {client}, {shown or 'no user agent'}"


def respond(
    site: Site | None, template: str, title: str, values: Mapping[str, Any] | None = None, status: int = 200
) -> Response:
    """A page. title: the name of its text. values: for the template. site: None if it is not known."""
    texts = texts_of(None if site is None else site.language)
    color = (site.accent_color if site is not None else None) or DEFAULT_COLOR
    nonce = secrets.token_urlsafe(16)
    named = {"site": "" if site is None else site.title}
    text = render_page(
        f"public/{template}",
        language=(site.language if site is not None else None) or "en",
        site=named["site"],
        t=lambda name, **more: texts[name].format(**named, **more),
        title=texts[title],
        color=color,
        ink="#000000" if _is_light(color) else "#ffffff",
        nonce=nonce,
        **(values or {}),
    )
    headers = {**PRIVATE, "Content-Security-Policy": f"style-src 'nonce-{nonce}'; {_POLICY}"}
    return HTMLResponse(text, status, headers=headers)


def message(site: Site | None, title: str, name: str, status: int = 200, **values: Any) -> Response:
    """A page with one sentence: the text of this name."""
    return respond(site, "message.html", title, {"message": name, "back": None, **values}, status)


def _is_light(color: str) -> bool:
    """Whether black is easier to read on a color than white (WCAG 2, relative luminance)."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179
