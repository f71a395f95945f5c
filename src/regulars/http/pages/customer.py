"""A person: who it is, what they agreed to, what they are tied to, and everything that happened."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response

from regulars.http.call import JSON
from regulars.http.operation import Operation
from regulars.http.pages import edit_undo
from regulars.http.pages.api_client import cursor_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.questioning import conditions_in_words
from regulars.http.pages.screen import screen
from regulars.http.pages.signed_in import Viewer

TIMELINE: Final = 25
_CONSENTS: Final = 10

FIELDS: Final = {
    "name": "Full name",
    "firstname": "First name",
    "lastname": "Last name",
    "email": "Email address",
    "customer_id": "Your id",
    "phone_number": "Phone",
    "mobile_phone_number": "Mobile phone",
    "gender": "Gender",
    "locale": "Language",
    "address_line_1": "Address",
    "address_line_2": "Address, second line",
    "address_zip": "Postal code",
    "address_city": "City",
    "address_state": "State",
    "address_country": "Country",
}
"""The fields of a profile that are shown and edited, with their labels."""

_WHO: Final = ("name", "firstname", "lastname", "customer_id", "gender", "locale")

_FIGURES: Final = {
    "lifetime_orders": "Orders",
    "lifetime_visits": "Visits",
}
_MOMENTS: Final = {
    "joined_at": "Joined",
    "created_at": "Created",
    "updated_at": "Updated",
    "last_request_at": "Last active",
    "last_purchase_at": "Last purchase",
    "last_sent_at": "Last email",
    "last_opened_at": "Last opened",
    "last_clicked_at": "Last clicked",
}


class TieKind(Struct, frozen=True):
    """A kind of tie. relation, path: of the API; path: where it can be changed, None for nowhere."""

    title: str
    relation: str
    path: str | None = None
    type: str | None = None


NEWSLETTER: Final = "newsletter.subscribed"

TIES: Final = (
    TieKind("Tags", "tag.has", "tags", "contact_tags"),
    TieKind("Groups", "group.member", "groups", "groups"),
    TieKind("Newsletters", NEWSLETTER, "newsletters", "newsletters"),
    TieKind("Offers", "offer.granted", "offers", "offers"),
    TieKind("Products", "product.owned", "products", "products"),
    TieKind("Sequences", "sequence.subscribed", "sequences", "sequences"),
    TieKind("Coupons", "coupon.used"),
    TieKind("Events", "event.registered"),
    TieKind("Forms", "form.submitted"),
    TieKind("Assessments", "assessment.completed"),
)
"""What a person's page shows, in order."""

BY_PATH: Final = {each.path: each for each in TIES if each.path is not None}

KINDS: Final = {"": "Everything", "event": "Events", "email": "Emails", "consent": "Consent", "profile": "Edits"}
"""The filters of the timeline."""


async def show(page: AdminPage, user: Viewer) -> View:
    """One person."""
    return await view(page, FormData([]))


async def export(page: AdminPage, user: Viewer) -> Response:
    """Everything that is kept of the person, as a file."""
    return page.api.pass_on("GET", f"/v1/customers/{page.segment('customer')}/export", accept=JSON)


async def view(page: AdminPage, form: FormData, status: int = 200, asked: Mapping[str, Any] | None = None) -> View:
    """The page of the person that the path names, with what is wrong with a form of it.

    asked: a request for consent that was just made, whose link is shown once.
    """
    number = page.segment("customer")
    start = f"/v1/customers/{number}"
    profile = (await page.api.get(f"{start}/profile"))["data"]["attributes"]
    timeline = await _timeline(page, start)
    if page.is_partial:
        return View(template="customer.html", title="", partial="_timeline.html", data={"timeline": timeline})
    consents = await page.api.get(f"{start}/consents", {"page[size]": _CONSENTS})
    audiences = await page.api.get(f"{start}/why", {"audience": "*"})
    why = page.parameters.get("why")
    explained = None
    if why:
        found = await page.api.get(f"{start}/why", {"audience": why})
        explained = found["data"]["attributes"]
        explained["conditions"] = await conditions_in_words(page, explained)
    ties = profile.get("ties", [])
    return View(
        template="customer.html",
        title=title_of(profile),
        partial="_timeline.html",
        status=status,
        data={
            "id": number,
            "profile": profile,
            "consent": _consent(ties),
            "consents": [_evidence(each["attributes"], ties) for each in consents["data"]],
            "has_more_consents": consents["links"]["next"] is not None,
            "ties": _shown_ties(ties),
            "audiences": [{"id": each["id"], **each["attributes"]} for each in audiences["data"]],
            "why": explained,
            "timeline": timeline,
        },
        more={
            "form": form,
            "edit": edit_undo.kept(page),
            "labels": FIELDS,
            "facts": _WHO,
            "address": _address(profile),
            "figures": _FIGURES,
            "asked": asked,
            "newsletters": await _newsletters(page),
            "moments": _MOMENTS,
            "kinds": KINDS,
            "lists": await _lists(page, {each["id"] for each in _held(ties, "audience.member")}),
            "start": f"/customers/{number}",
        },
    )


def title_of(profile: Mapping[str, Any]) -> str:
    """What a person is called: the name, else an identifier."""
    names = (profile.get("firstname"), profile.get("lastname"))
    return (
        profile.get("name")
        or " ".join(filter(None, names))
        or profile.get("email")
        or profile.get("customer_id")
        or "Nameless"
    )


def _address(profile: Mapping[str, Any]) -> list[str]:
    """The postal address, line by line."""
    town = " ".join(filter(None, (profile.get("address_zip"), profile.get("address_city"))))
    lines = (
        profile.get("address_line_1"),
        profile.get("address_line_2"),
        town,
        profile.get("address_state"),
        profile.get("address_country"),
    )
    return [line for line in lines if line]


def _held(ties: Sequence[Mapping[str, Any]], relation: str) -> list[Mapping[str, Any]]:
    return [each for each in ties if each["relation"] == relation and each["holds"] and "id" in each]


def _shown_ties(ties: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    shown = []
    for kind in TIES:
        held = [
            {"id": str(each["id"]), "name": str(each.get("name") or each["id"]), "since": each["at"]}
            for each in _held(ties, kind.relation)
        ]
        if held or kind.path in ("tags", "groups", "newsletters"):
            shown.append({"title": kind.title, "path": kind.path, "held": held})
    return shown


def _consent(ties: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Whether marketing email is agreed to, since when, and what else keeps email away."""
    flags = {each["relation"]: each for each in ties if "id" not in each}
    subscribed = flags.get("subscribed")
    return {
        "state": "never" if subscribed is None else "given" if subscribed["holds"] else "ended",
        "since": None if subscribed is None else subscribed["at"],
        "asked_at": flags["pending"]["at"] if "pending" in flags and flags["pending"]["holds"] else None,
        **{name: name in flags and flags[name]["holds"] for name in _OBSTACLES},
    }


_OBSTACLES: Final = ("hard_bouncing", "spam_reported", "suppressed", "forgotten", "hidden")


def _evidence(consent: Mapping[str, Any], ties: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A row of evidence, with the name of the newsletter that it is about; None for marketing email."""
    number = consent["newsletter"]
    names = {str(each["id"]): each.get("name") for each in ties if each["relation"] == NEWSLETTER and "id" in each}
    about = None if number is None else names.get(number) or f"Newsletter {number}"
    return {**consent, "about": about}


async def _newsletters(page: AdminPage) -> list[dict[str, str]]:
    """The newsletters that a person can be asked for."""
    found = await page.api.get("/v1/newsletters", {"sort": "name", "page[size]": 100, "fields[newsletters]": "name"})
    return [{"id": each["id"], "name": each["attributes"]["name"]} for each in found["data"]]


async def _timeline(page: AdminPage, start: str) -> dict[str, Any]:
    kind = page.parameters.get("show", "")
    parameters: dict[str, str | int | None] = {"page[size]": TIMELINE, "page[after]": page.parameters.get("after", "")}
    if kind == "email":
        found = await page.api.get(f"{start}/logs", parameters)
        entries = [{"kind": "email", "id": each["id"], **each["attributes"]} for each in found["data"]]
    else:
        found = await page.api.get(f"{start}/activity", {**parameters, "filter[kind]": kind or None})
        entries = [{"id": each["id"], **each["attributes"]} for each in found["data"]]
    after = cursor_of(found["links"]["next"])
    return {"show": kind, "entries": entries, "after": after}


async def _lists(page: AdminPage, joined: set[Any]) -> list[dict[str, Any]]:
    """The lists that the person can join or leave."""
    found = await page.api.get(
        "/v1/audiences", {"page[size]": 100, "sort": "name", "fields[audiences]": "name,kind,key"}
    )
    return [
        {
            "id": each["id"],
            "name": each["attributes"]["name"],
            "is_in": bool({each["id"], int(each["id"]), each["attributes"]["key"]} & joined),
        }
        for each in found["data"]
        if each["attributes"]["kind"] == "list"
    ]


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("customer", "/customers/{customer}", show, "See a person"),
    screen("customer.export", "/customers/{customer}/export", export, "Download everything that is kept of a person"),
)
"""The operations that show a person."""
