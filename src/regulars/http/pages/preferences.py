"""The preferences of a customer: newsletters one by one, everything off, why, and erasure."""

from typing import Final

from starlette.responses import Response

from regulars.domain.commands import ChangeSubscriptions, EraseCustomer
from regulars.domain.consent import Consent
from regulars.domain.identity import Who
from regulars.domain.moments import iso
from regulars.domain.newsletter_consents import SUBSCRIBED, UNSUBSCRIBED
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.query import pairs
from regulars.http.operation import Operation
from regulars.http.pages.forms import FormData
from regulars.http.pages.public_page import LARGEST_FORM, OpenLink, message, open_link, proof_of, respond, submit
from regulars.http.pages.public_surface import PUBLIC
from regulars.http.pages.public_texts import texts_of
from regulars.http.schema import TEXT
from regulars.store.customer_history import HistoryRange, read_history
from regulars.store.merges import group_of
from regulars.store.reads import find_person, objects_by_number

PATH: Final = "/preferences/{token}"
ERASE: Final = f"{PATH}/erase"
SOURCE: Final = "preferences"
_TITLE: Final = "preferences"
_LOOKED_AT: Final = 100
"""Pieces of evidence that are searched for the last consent."""


async def show(call: Call) -> Response:
    """The choices as they are."""
    return await _page(call, await open_link(call, "preferences"), is_saved=False)


async def save(call: Call) -> Response:
    """Change what differs, or end everything."""
    form = FormData(pairs(await call.body(LARGEST_FORM)))
    link = await open_link(call, "preferences")
    is_all_off = form["action"] == "all_off"
    shown = [number for each in form.all("shown") if (number := whole_number(each, longest=16)) is not None]
    chosen = set(form.all("newsletter"))
    command = ChangeSubscriptions(
        link.named,
        SOURCE,
        marketing="marketing" in form if form["action"] == "save" else None,
        newsletters=() if is_all_off else tuple((number, str(number) in chosen) for number in shown),
        everything_off=is_all_off,
        wording=texts_of(link.site.language)["marketing"],
        proof=proof_of(call, "Preference page"),
    )
    await submit(call, link, command)
    return await _page(call, link, is_saved=True)


async def ask(call: Call) -> Response:
    """Ask whether everything shall be erased."""
    link = await open_link(call, "preferences")
    return _question(call, link)


async def erase(call: Call) -> Response:
    """Erase the customer."""
    form = FormData(pairs(await call.body(LARGEST_FORM)))
    link = await open_link(call, "preferences")
    if form["confirm"] != "yes":
        return _question(call, link, 422)
    await submit(call, link, EraseCustomer(Who(number=link.customer), "asked for on the preference page"))
    return message(link.site, "erase", "erased")


def _question(call: Call, link: OpenLink, status: int = 200) -> Response:
    return respond(link.site, "erase.html", "erase", {"token": call.path("token")}, status)


async def _page(call: Call, link: OpenLink, *, is_saved: bool) -> Response:
    site = link.site.id
    async with call.services.store.snapshot() as connection:
        person = await find_person(connection, site, Who(number=link.customer))
        if person is None:
            raise Problem("not_found", texts_of(None)["invalid"])
        numbers = [item for code, item in person.ties if code in (SUBSCRIBED.code, UNSUBSCRIBED.code)]
        found = await objects_by_number(connection, site, "newsletter", sorted(set(numbers)))
        group = await group_of(connection, site, link.customer)
        entries, _ = await read_history(connection, site, group, 0, HistoryRange(_LOOKED_AT), kinds=("consent",))
    consents = [each.record for each in entries if isinstance(each.record, Consent)]
    given = next((each for each in consents if each.granted), None)
    newsletters = [
        {"number": each.number, "title": each.title, "subscribed": person.has(SUBSCRIBED.name, each.number)}
        for each in found
    ]
    values = {
        "is_saved": is_saved,
        "marketing": person.has("subscribed"),
        "newsletters": newsletters,
        "given": None if given is None else iso(given.at)[:10],
        "wording": None if given is None else given.wording,
        "erase": f"{call.path('token')}/erase",
    }
    return respond(link.site, "preferences.html", _TITLE, values)


OPERATIONS: Final = (
    Operation(PUBLIC, "preferences.show", "GET", PATH, show, "Show the preferences of a customer", reply=TEXT),
    Operation(
        PUBLIC,
        "preferences.save",
        "POST",
        PATH,
        save,
        "Change the preferences of a customer",
        "What the form of the page sends: `action` is `save` or `all_off`, `marketing` and each `newsletter` are there "
        "if they are checked, `shown` names each newsletter that the page shows.",
        reply=TEXT,
    ),
    Operation(PUBLIC, "preferences.ask", "GET", ERASE, ask, "Ask whether a customer shall be erased", reply=TEXT),
    Operation(PUBLIC, "preferences.erase", "POST", ERASE, erase, "Erase a customer", reply=TEXT, errors=(422,)),
)
"""The operations of the preference page."""
