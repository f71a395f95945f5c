"""Unsubscribing with one click: the link in the header `List-Unsubscribe` of an email (RFC 8058), and in its text."""

from typing import Final

from starlette.responses import Response

from regulars.domain.commands import ChangeSubscriptions
from regulars.http.call import Call
from regulars.http.operation import Operation
from regulars.http.pages.public_page import LARGEST_FORM, OpenLink, message, open_link, proof_of, respond, submit
from regulars.http.pages.public_surface import PUBLIC
from regulars.http.schema import TEXT

PATH: Final = "/unsubscribe/{token}"
SOURCE: Final = "one_click"
_TITLE: Final = "unsubscribe"


async def show(call: Call) -> Response:
    """A page with a button. Opening it changes nothing, as mail scanners open links too."""
    link = await open_link(call, "unsubscribe")
    return respond(link.site, "unsubscribe.html", _TITLE, {"preferences": _preferences(call, link)})


async def unsubscribe(call: Call) -> Response:
    """End what the link is about, at once. What the body says does not matter, as clients of email differ in it."""
    await call.body(LARGEST_FORM)
    link = await open_link(call, "unsubscribe", is_throttled=False)
    newsletter, broadcast = link.rest
    proof = proof_of(call, "One-click unsubscribe")
    command = ChangeSubscriptions(
        link.named,
        SOURCE,
        marketing=None if newsletter else False,
        newsletters=((newsletter, False),) if newsletter else (),
        broadcast=broadcast or None,
        proof=proof,
    )
    await submit(call, link, command)
    return message(link.site, _TITLE, "unsubscribed", back=_preferences(call, link))


def _preferences(call: Call, link: OpenLink) -> str:
    """The path of the preferences, relative to this page."""
    return f"../preferences/{call.services.links.token('preferences', link.site, link.named)}"


OPERATIONS: Final = (
    Operation(PUBLIC, "unsubscribe.show", "GET", PATH, show, "Show what an unsubscribe link does", reply=TEXT),
    Operation(
        PUBLIC,
        "unsubscribe.unsubscribe",
        "POST",
        PATH,
        unsubscribe,
        "Unsubscribe with one click",
        "RFC 8058: a client of email posts `List-Unsubscribe=One-Click` here. It needs no cookie, leads nowhere else, "
        "and is not throttled. A repeat changes nothing.",
        reply=TEXT,
    ),
)
"""The operations of one-click unsubscribe."""
