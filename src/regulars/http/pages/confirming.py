"""Confirming a request for consent: a page that shows what is asked, and a button that agrees."""

from typing import Final

from starlette.responses import Response

from regulars.domain.commands import ConfirmConsent
from regulars.domain.moments import iso
from regulars.domain.working.consent_requests import ConsentRequest
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.public_page import LARGEST_FORM, OpenLink, message, open_link, proof_of, respond, submit
from regulars.http.pages.public_surface import PUBLIC
from regulars.http.pages.public_texts import texts_of
from regulars.http.schema import TEXT
from regulars.store.consent_requests import read_requests

PATH: Final = "/confirm/{token}"
_TITLE: Final = "confirm"


async def show(call: Call) -> Response:
    """What is asked, with a button. Opening the page changes nothing."""
    link, request = await _request(call)
    if request.confirmed_at is None and call.services.clock() > request.expires_at:
        return message(link.site, _TITLE, "expired", 410)
    return respond(link.site, "confirm.html", _TITLE, {"wording": request.wording})


async def confirm(call: Call) -> Response:
    """Give the consent."""
    await call.body(LARGEST_FORM)
    link, request = await _request(call)
    now = iso(call.services.clock())
    proof = proof_of(call, f"Double opt-in: asked at {iso(request.at)}, confirmed at {now}")
    command = ConfirmConsent(request.number, link.named, request.newsletter, proof)
    outcome = await submit(call, link, command)
    if outcome.kept_back:
        reason = outcome.kept_back[0].field
        status = {"expired": 410, "ended": 409}.get(reason, 404)
        return message(link.site, _TITLE, "invalid" if status == 404 else reason, status)
    return message(link.site, _TITLE, "confirmed")


async def _request(call: Call) -> tuple[OpenLink, ConsentRequest]:
    link = await open_link(call, "confirm")
    async with call.services.store.snapshot() as connection:
        found = await read_requests(connection, link.site.id, link.rest[:1])
    if not found:
        raise Problem("not_found", texts_of(None)["invalid"])
    return link, found[0]


OPERATIONS: Final = (
    Operation(PUBLIC, "confirm.show", "GET", PATH, show, "Show a request for consent", reply=TEXT, errors=(410,)),
    Operation(
        PUBLIC,
        "confirm.confirm",
        "POST",
        PATH,
        confirm,
        "Confirm a request for consent",
        "Gives the consent with the time, the network address and the browser as proof. A repeat changes nothing. "
        "After the consent was withdrawn the answer is 409, after the link expired 410.",
        reply=TEXT,
        errors=(409, 410),
    ),
)
"""The operations of double opt-in."""
