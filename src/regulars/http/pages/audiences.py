"""Audiences: saved questions and lists with their counts; one audience with its members, reach, spread and history."""

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages import charts
from regulars.http.pages.api_client import Parameters
from regulars.http.pages.customer_columns import rows_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.overview import csv_response
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.questioning import CheckedQuestion, check
from regulars.http.pages.screen import action, download, screen
from regulars.http.pages.signed_in import Editor, Viewer

DIMENSIONS: Final = {
    "address_country": "Country",
    "address_city": "City",
    "tag": "Tag",
    "offer": "Offer",
    "newsletter": "Newsletter",
    "consent": "Consent",
}
"""What the members of an audience can be broken down by, with its title."""

TOP: Final = 8
PAGE: Final = 25


async def index(page: AdminPage, user: Viewer) -> View:
    """Every audience and list with its count and its reach."""
    number = page.parameters.get("page", "1")
    found = await page.api.get("/v1/audiences", {"sort": "name", "page[size]": PAGE, "page[number]": number})
    rows = [{"id": each["id"], **each["attributes"]} for each in found["data"]]
    meta = found["meta"]
    data = {"audiences": rows, "total": meta["total"], "page": meta["current_page"], "pages": meta["total_pages"]}
    return View(template="audiences.html", title="Audiences", data={**data, "number": data.pop("page")})


async def show(page: AdminPage, user: Viewer) -> View:
    """One audience."""
    return await _view(page, FormData([]))


async def change(page: AdminPage, user: Editor) -> View | Response:
    """Change the name, the question, or whether an audience is watched."""
    form = await page.form()
    key = page.segment("audience")
    attributes: dict[str, Any] = {"name": form["name"], "watched": "watched" in form}
    if form["q"]:
        attributes["q"] = form["q"]
    try:
        body = {"data": {"type": "audiences", "id": key, "attributes": attributes}}
        await page.api.patch(_path(key), body)
    except Problem as error:
        form.refuse_faults(error, {"data.attributes.q": "q", "data.attributes.name": "name"})
        return await _view(page, form, 422)
    return page.redirect(page.url(f"/audiences/{key}"), f"“{form['name']}” is changed.")


async def clone(page: AdminPage, user: Editor) -> View | Response:
    """Make a copy of a dynamic audience."""
    form = await page.form()
    audience = (await page.api.get(_path(page.segment("audience"))))["data"]["attributes"]
    attributes = {"name": form["name"] or f"{audience['name']} (copy)", "kind": "dynamic", "q": audience["q"]}
    try:
        made = await page.api.post("/v1/audiences", {"data": {"type": "audiences", "attributes": attributes}})
    except Problem as error:
        form.refuse_faults(error)
        return await _view(page, form, 422)
    return page.redirect(page.url(f"/audiences/{made['data']['id']}"), "This is the copy.")


async def remove(page: AdminPage, user: Editor) -> View | Response:
    """Delete an audience that no other refers to."""
    form = await page.form()
    try:
        await page.api.delete(_path(page.segment("audience")))
    except Problem as error:
        form.refuse_faults(error)
        return await _view(page, form, 409)
    return page.redirect(page.url("/audiences"), "The audience is deleted. Its customers are untouched.")


async def history_file(page: AdminPage, user: Viewer) -> Response:
    """The history of an audience, as CSV."""
    names = ("at", "matched", "reachable", "entered", "left")
    points = await _points(page, page.segment("audience"))
    rows = [tuple("" if each[name] is None else each[name] for name in names) for each in points]
    return csv_response([names, *rows], "audience-history.csv")


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    key = page.segment("audience")
    audience = (await page.api.get(_path(key)))["data"]
    attributes = audience["attributes"]
    by = page.parameters.get("by", "address_country")
    by = by if by in DIMENSIONS else "address_country"
    question = {"in": {"audience": int(audience["id"])}}
    checked = None if attributes["q"] is None else await check(page, {"q": attributes["q"]})
    members, rows = [], []
    if attributes["problem"] is None:
        parameters: Parameters = {"q": f"in audience/{audience['id']}", "include": "customer,tags", "page[size]": 8}
        members = rows_of(await page.api.get("/v1/contacts", parameters))
        body = {"question": question, "by": by, "top": TOP}
        rows = (await page.api.post("/v1/questions/breakdown", body))["data"]["attributes"]["rows"]
    points = await _points(page, key)
    data = {
        "audience": {"id": audience["id"], **attributes},
        "sentence": checked.sentence if isinstance(checked, CheckedQuestion) else None,
        "members": members,
        "by": by,
        "breakdown": rows,
        "history": points,
        "why": await _why(page, key),
    }
    more = {
        "form": form,
        "dimensions": DIMENSIONS,
        "trend": charts.line([each["matched"] for each in points]) if len(points) > 1 else None,
        "asked_for": page.parameters.get("customer", ""),
    }
    return View(template="audience.html", title=attributes["name"], data=data, more=more, status=status)


async def _points(page: AdminPage, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await page.api.get(f"{_path(key)}/history"))["data"]["attributes"]["points"]
    return found


async def _why(page: AdminPage, key: str) -> dict[str, Any] | None:
    """Why a customer is in the audience or not: each condition in words. None if nobody is asked about."""
    customer = page.parameters.get("customer", "").strip()
    if not customer:
        return None
    try:
        found = (await page.api.get(f"{_path(key)}/why", {"customer": customer}))["data"]["attributes"]
    except Problem as error:
        return {"problem": error.detail, "in": None, "conditions": []}
    conditions = []
    for each in found["tree"]:
        checked = await check(page, {"question": each["condition"]})
        words = checked.sentence.removeprefix("customers who ") if isinstance(checked, CheckedQuestion) else ""
        conditions.append({**each, "words": words, "decides": each["node"] in found["because"]})
    return {"problem": None, "in": found["in"], "changes_at": found["changes_at"], "conditions": conditions}


def _path(key: str) -> str:
    return f"/v1/audiences/{quote(key, safe='')}"


_ONE: Final = "/audiences/{audience}"
OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("audiences", "/audiences", index, "See all audiences and lists"),
    download("audience.history", f"{_ONE}/history.csv", history_file, "Download the history of an audience"),
    screen("audience", _ONE, show, "See an audience"),
    action("audience.change", _ONE, change, "Change an audience"),
    action("audience.clone", f"{_ONE}/clone", clone, "Copy an audience"),
    action("audience.remove", f"{_ONE}/delete", remove, "Delete an audience"),
)
"""The operations on audiences."""
