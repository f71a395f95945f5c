"""Double opt-in and the links that go into emails: to confirm, to unsubscribe and to the preferences."""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.commands import RequestConsent
from regulars.domain.consent_requests import DEFAULT_SECONDS, LONGEST_SECONDS, SHORTEST_SECONDS
from regulars.domain.faults import Fault
from regulars.domain.identity import Who
from regulars.domain.moments import iso
from regulars.domain.references import Reference, parse_reference
from regulars.domain.text import is_blank, is_storable
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.customer_records import MARKETING, NEWSLETTER
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import customer_place, find_customer
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import AdminKey, Writer
from regulars.http.operation import Operation
from regulars.http.schema import (
    ADDRESS,
    MOMENT,
    TEXT,
    WHOLE,
    YES_OR_NO,
    Schema,
    either,
    one_of,
    or_null,
    record,
    such_as,
)
from regulars.store.consent_requests import read_requests
from regulars.store.control import Site, find_site
from regulars.store.reads import find_object
from regulars.store.site_settings import rotate_link_key

REQUESTS: Final = "consent_requests"
LINKS: Final = "customer_links"
_BITS: Final = 62
_ONE_CLICK: Final = "List-Unsubscribe=One-Click"


async def request(call: Call, caller: Writer) -> Response:
    """Ask a customer for consent."""
    _require_pages(call)
    site, number = customer_place(call.path("id"), caller)
    body = await call.json_object()
    studies.allow(body, ("purpose", "newsletter", "wording", "expires_in"))
    newsletter, wording, seconds = _read(call, body)
    async with call.services.store.snapshot() as connection:
        customer, _ = await find_customer(connection, site, number)
        found_site = await find_site(connection, site)
    assert found_site is not None
    name = secrets.randbits(_BITS)
    command = RequestConsent(name, Who(number=customer.number), newsletter, wording, seconds)
    await call.submit(site, command)
    async with call.services.store.snapshot() as connection:
        (made,) = await read_requests(connection, site, [name])
    attributes = {
        "purpose": NEWSLETTER if made.newsletter else MARKETING,
        "newsletter": str(made.newsletter) if made.newsletter else None,
        "wording": made.wording,
        "requested_at": iso(made.at),
        "expires_at": iso(made.expires_at),
        "url": _url(call, found_site, "confirm", customer.number, name),
    }
    data = {"type": REQUESTS, "id": str(name), "attributes": attributes}
    return document({"data": data}, status=201)


def _read(call: Call, body: Mapping[str, Any]) -> tuple[Reference | None, str, int]:
    """The newsletter, the wording and the seconds of a body. Raises Problem with all faults."""
    faults: list[Fault] = []
    purpose, wording, seconds = body.get("purpose", MARKETING), body.get("wording"), body.get("expires_in")
    newsletter = None
    if purpose not in (MARKETING, NEWSLETTER):
        faults.append(Fault("purpose", f"must be {MARKETING} or {NEWSLETTER}"))
    elif (purpose == NEWSLETTER) != (body.get("newsletter") is not None):
        faults.append(Fault("newsletter", f"is required for the purpose {NEWSLETTER}, and for no other"))
    elif purpose == NEWSLETTER:
        try:
            newsletter = parse_reference(body["newsletter"], "newsletter")
        except ValueError as error:
            faults.append(Fault("newsletter", str(error)))
    longest = call.services.store.limits.text
    if not isinstance(wording, str) or is_blank(wording) or len(wording) > longest or not is_storable(wording):
        faults.append(Fault("wording", f"must be the text to agree to, of at most {longest} characters"))
        wording = ""
    if seconds is None:
        seconds = DEFAULT_SECONDS
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        faults.append(Fault("expires_in", f"must be {SHORTEST_SECONDS} to {LONGEST_SECONDS} seconds"))
    if faults:
        raise refused(faults)
    return newsletter, wording.strip(), seconds


async def links(call: Call, caller: Writer) -> Response:
    """Make the links for an email to a customer."""
    _require_pages(call)
    site, number = customer_place(call.path("id"), caller)
    body = await call.json_object()
    studies.allow(body, ("newsletter", "broadcast"))
    about: list[int] = []
    async with call.services.store.snapshot() as connection:
        customer, _ = await find_customer(connection, site, number)
        found_site = await find_site(connection, site)
        for kind in ("newsletter", "broadcast"):
            if body.get(kind) is None:
                about.append(0)
                continue
            try:
                item = await find_object(connection, site, kind, parse_reference(body[kind], kind))
            except ValueError as error:
                raise refused([Fault(kind, str(error))]) from None
            if item is None:
                raise Problem("object_not_found", f"The {kind} {body[kind]!r} does not exist.")
            about.append(item.number)
    assert found_site is not None
    unsubscribe = _url(call, found_site, "unsubscribe", customer.number, *about)
    attributes = {
        "preferences_url": _url(call, found_site, "preferences", customer.number),
        "unsubscribe_url": unsubscribe,
        "list_unsubscribe": f"<{unsubscribe}>",
        "list_unsubscribe_post": _ONE_CLICK,
    }
    return studies.shown(LINKS, attributes)


async def rotate(call: Call, caller: AdminKey) -> Response:
    """Sign links with a new key from now on."""
    site = next((each for each in caller.sites if str(each) == call.path("id")), None)
    if site is None:
        raise Problem("object_not_found", "There is no site with this id.")
    body = await call.json_object()
    studies.allow(body, ("revoke",))
    revoke = body.get("revoke", False)
    if not isinstance(revoke, bool):
        raise refused([Fault("revoke", "must be true or false")])
    engine = call.services.store.engine
    changed = await rotate_link_key(engine, site, revoke=revoke, now=call.services.clock(), origin=call.origin)
    return studies.shown("link_keys", {"key": changed.link_key, "oldest": changed.oldest_link_key})


def _url(call: Call, site: Site, purpose: Any, *numbers: int) -> str:
    home = origin(call.scope, call.services.settings.trusted_proxies)
    return f"{home}/{purpose}/{call.services.links.token(purpose, site, *numbers)}"


def _require_pages(call: Call) -> None:
    if call.services.settings.public_pages == "off":
        raise Problem("not_found", "The pages for customers are switched off: REGULARS_PUBLIC_PAGES.")


_REFERENCE: Final = either(such_as(TEXT, "weekly"), WHOLE)
_REQUEST: Final[dict[str, Schema]] = {
    "purpose": one_of([MARKETING, NEWSLETTER]),
    "newsletter": or_null(such_as(TEXT, "12")),
    "wording": TEXT,
    "requested_at": MOMENT,
    "expires_at": MOMENT,
    "url": ADDRESS,
}
_LINKS: Final[dict[str, Schema]] = {
    "preferences_url": ADDRESS,
    "unsubscribe_url": ADDRESS,
    "list_unsubscribe": such_as(TEXT, "<https://regulars.example/unsubscribe/...>"),
    "list_unsubscribe_post": {"const": _ONE_CLICK},
}

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.request_consent",
        "POST",
        "/v1/customers/{id}/consents/request",
        request,
        "Ask a customer for consent",
        "Double opt-in: `url` is a link for the customer, for you to send. The customer is pending until the link is "
        "used or expires (`expires_in` seconds, 7 days by default). `wording` is what the customer agrees to; the page "
        "shows it, and the evidence keeps it.",
        body=record(
            {
                "purpose": one_of([MARKETING, NEWSLETTER]),
                "newsletter": _REFERENCE,
                "wording": such_as(TEXT, "Yes, send me offers by email."),
                "expires_in": such_as(WHOLE, DEFAULT_SECONDS),
            },
            required=("wording",),
            additionalProperties=False,
            examples=[{"wording": "Yes, send me offers by email."}],
        ),
        reply=record({"data": record({"type": {"const": REQUESTS}, "id": TEXT, "attributes": record(_REQUEST)})}),
        status=201,
    ),
    Operation(
        JSONAPI,
        "customers.links",
        "POST",
        "/v1/customers/{id}/links",
        links,
        "Make the links for an email to a customer",
        "`list_unsubscribe` and `list_unsubscribe_post` are the values of the headers `List-Unsubscribe` and "
        "`List-Unsubscribe-Post` (RFC 8058). With a `newsletter` the link ends the subscription to it, otherwise "
        "consent to marketing email. With a `broadcast` its report counts who unsubscribed. Nothing is stored.",
        body=record(
            {"newsletter": _REFERENCE, "broadcast": _REFERENCE},
            required=(),
            additionalProperties=False,
            examples=[{}],
        ),
        reply=studies.reply(LINKS, _LINKS),
    ),
    Operation(
        JSONAPI,
        "sites.rotate_links",
        "POST",
        "/v1/sites/{id}/links/rotate",
        rotate,
        "Sign links with a new key",
        "Links that were sent stay valid, unless `revoke` is true: then all of them end, also those for unsubscribing. "
        "Needs the scope `admin`.",
        body=record({"revoke": YES_OR_NO}, required=(), additionalProperties=False, examples=[{}]),
        reply=studies.reply("link_keys", {"key": WHOLE, "oldest": WHOLE}),
    ),
)
"""The operations on requests for consent and links."""
