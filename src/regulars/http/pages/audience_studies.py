"""How an audience spreads over a field, a kind of object or an attribute, and how it overlaps with others."""

from typing import Any, Final

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.api_client import Parameters
from regulars.http.pages.completing import TITLES
from regulars.http.pages.overview import csv_response
from regulars.http.pages.page import AdminPage
from regulars.http.pages.question_names import TIE_PATHS
from regulars.http.pages.screen import download
from regulars.http.pages.signed_in import Viewer

MONTH: Final = "month:"
"""What stands before a field that is a time: customers are grouped by its months."""

DIMENSIONS: Final = {
    "Who": {
        "address_country": "Country",
        "address_city": "City",
        "address_state": "State",
        "address_zip": "Zip code",
        "consent": "Consent",
    },
    "What they have": {
        "tag": "Tag",
        "group": "Group",
        "newsletter": "Newsletter",
        "offer": "Offer",
        "product": "Product",
        "sequence": "Sequence",
        "coupon": "Coupon",
        "form": "Form",
        "event": "Event",
        "assessment": "Assessment",
        "list": "List",
    },
    "Month": {
        f"{MONTH}created_at": "Created",
        f"{MONTH}joined_at": "Joined",
        f"{MONTH}subscribed_at": "Subscribed",
        f"{MONTH}unsubscribed_at": "Unsubscribed",
        f"{MONTH}last_request_at": "Last active",
        f"{MONTH}last_opened_at": "Last opened an email",
        f"{MONTH}last_clicked_at": "Last clicked in one",
    },
}
"""What the members can be broken down by besides attributes, by group, each with its title."""

USUAL: Final = "address_country"
TOP: Final = 8
MOST_MONTHS: Final = 24
"""The newest months that the page shows; the file has all."""

MOST_ROWS: Final = 100
MOST_COMPARED: Final = 4
"""Audiences that are compared at once: a diagram of more is too large to read."""


async def spread(page: AdminPage, number: str, top: int = TOP) -> dict[str, Any]:
    """How the members of an audience spread over what the URL names.

    by: that. rows: each with value, name, customers, share and question. other, unset: those in no row. problem: why
    there is nothing, in a sentence.
    """
    by, dimension = _dimension(page)
    found: dict[str, Any] = {"by": by, "rows": [], "other": 0, "unset": 0, "problem": None}
    body = {"question": {"in": {"audience": int(number)}}, "by": dimension, "top": top}
    try:
        reply = (await page.api.post("/v1/questions/breakdown", body))["data"]["attributes"]
    except Problem as error:
        return {**found, "problem": error.faults[0].detail if error.faults else error.detail}
    names = {each["value"]: await _name(page, by, each["value"]) for each in reply["rows"]}
    rows = [{**each, "name": names[each["value"]]} for each in reply["rows"]]
    return {**found, "rows": rows, "other": reply["other"], "unset": reply["unset"]}


def _dimension(page: AdminPage) -> tuple[str, Any]:
    """What the URL names, in its own spelling and in that of the API."""
    if attribute := page.parameters.get("attribute", "").strip():
        return "attribute", {"attribute": attribute.removeprefix("attr.")}
    by = page.parameters.get("by", USUAL)
    if not any(by in group for group in DIMENSIONS.values()):
        by = USUAL
    return by, {"field": by.removeprefix(MONTH), "per": "month"} if by.startswith(MONTH) else by


async def _name(page: AdminPage, by: str, value: Any) -> str:
    """What a value is called: an object by its name."""
    if by == "attribute":
        return str(value).lower() if isinstance(value, bool) else str(value)
    path = TIE_PATHS.get(by)
    if path is None:
        return str(value).replace("_", " ")
    fields: Parameters = {"fields[audiences]": "name"} if by == "list" else {}
    try:
        attributes = (await page.api.get(f"/v1/{path}/{value}", fields))["data"]["attributes"]
    except Problem:
        return str(value)
    return str(attributes[TITLES[path]] or value)


async def overlap(page: AdminPage, number: str, name: str) -> dict[str, Any] | None:
    """How the audience lies to those that the URL names: each region with its question. None if it names none."""
    chosen = dict.fromkeys(
        value for parameter, value in page.call.query if parameter == "with" and value not in ("", number)
    )
    if not chosen:
        return None
    sets: list[dict[str, Any]] = [{"id": number, "name": name}]
    try:
        for each in list(chosen)[: MOST_COMPARED - 1]:
            other = (await page.api.get(f"/v1/audiences/{each}", {"fields[audiences]": "name"}))["data"]
            if all(one["id"] != other["id"] for one in sets):
                sets.append({"id": other["id"], "name": other["attributes"]["name"]})
        questions = [{"in": {"audience": int(each["id"])}} for each in sets]
        found = (await page.api.post("/v1/questions/overlap", {"questions": questions}))["data"]["attributes"]
    except Problem as error:
        return {"sets": [], "problem": error.detail, "union": 0, "regions": []}
    regions = [
        {
            "in": [sets[place]["name"] for place in each["in"]],
            "customers": each["customers"],
            "q": " and ".join(
                f"{'' if place in each['in'] else 'not '}in audience/{one['id']}" for place, one in enumerate(sets)
            ),
        }
        for each in found["regions"]
        if each["in"]
    ]
    sets = [{**each, "customers": size} for each, size in zip(sets, found["sizes"], strict=True)]
    return {"sets": sets, "problem": None, "union": found["union"], "regions": regions}


async def spread_file(page: AdminPage, user: Viewer) -> Response:
    """How an audience spreads, as CSV."""
    audience = await _audience(page)
    rows = (await spread(page, audience["id"], MOST_ROWS))["rows"]
    return csv_response(
        [("value", "customers", "share"), *((each["name"], each["customers"], each["share"]) for each in rows)],
        "audience-spread.csv",
    )


async def overlap_file(page: AdminPage, user: Viewer) -> Response:
    """How an audience overlaps with others, as CSV: a row for each region."""
    audience = await _audience(page)
    found = await overlap(page, audience["id"], audience["attributes"]["name"])
    rows = [] if found is None else [(" + ".join(each["in"]), each["customers"]) for each in found["regions"]]
    return csv_response([("in", "customers"), *rows], "audience-overlap.csv")


async def _audience(page: AdminPage) -> Any:
    path = f"/v1/audiences/{page.segment('audience')}"
    return (await page.api.get(path, {"fields[audiences]": "name"}))["data"]


OPERATIONS: Final[tuple[Operation, ...]] = (
    download("audience.spread", "/audiences/{audience}/spread.csv", spread_file, "Download how an audience spreads"),
    download("audience.overlap", "/audiences/{audience}/overlap.csv", overlap_file, "Download how audiences overlap"),
)
"""The operations on studies of an audience."""
