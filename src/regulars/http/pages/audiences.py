"""Audiences: saved questions and lists with their counts; one audience with its members, reach, spread and history."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from regulars.domain.moments import DAY, iso
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages import audience_studies, charts
from regulars.http.pages.api_client import Parameters, cursor_of, new_resource
from regulars.http.pages.customer_columns import rows_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.overview import csv_response
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.questioning import CheckedQuestion, check, conditions_in_words, reachable
from regulars.http.pages.screen import action, download, screen
from regulars.http.pages.signed_in import Editor, Viewer

PAGE: Final = 25
MOST_NAMED: Final = 100
TREND_DAYS: Final = 30
"""Days of the trends in the list."""


async def index(page: AdminPage, user: Viewer) -> View:
    """Every audience and list with its count and its reach."""
    return await listed(page, FormData([]))


async def listed(page: AdminPage, form: FormData, status: int = 200) -> View:
    """The page of all audiences, or of those of a folder, with what is wrong with a form of it."""
    folder = page.parameters.get("folder", "")
    parameters: Parameters = {
        "sort": "name",
        "page[size]": PAGE,
        "page[number]": page.parameters.get("page", "1"),
        "filter[name_cont]": folder or None,
    }
    found = await page.api.get("/v1/audiences", parameters)
    rows = [{"id": each["id"], **each["attributes"], "trend": await _trend(page, each["id"])} for each in found["data"]]
    meta = found["meta"]
    return View(
        template="audiences.html",
        title="Audiences",
        data={
            "audiences": rows,
            "total": meta["total"],
            "number": meta["current_page"],
            "pages": meta["total_pages"],
            "folders": folders_of([name for _, name in await _names(page)]),
        },
        more={
            "form": form,
            "folder": folder,
            "days": TREND_DAYS,
            "lines": {each["id"]: charts.line(each["trend"]) for each in rows if len(each["trend"]) > 1},
        },
        status=status,
    )


async def _trend(page: AdminPage, number: str) -> list[int]:
    """The counts of an audience on the last days, oldest first."""
    since = iso(page.now - TREND_DAYS * DAY)
    found = await page.api.get(f"{_path(number)}/history", {"filter[since]": since})
    return [each["matched"] for each in found["data"]["attributes"]["points"]]


def folders_of(names: Iterable[str]) -> list[str]:
    """The folders of audiences: what stands before the first / of a name, with it."""
    return sorted({name[: name.index("/") + 1] for name in names if "/" in name[1:]}, key=str.casefold)


async def _names(page: AdminPage) -> list[tuple[str, str]]:
    """The id and name of each audience, by name; of the first hundred."""
    parameters: Parameters = {"sort": "name", "page[size]": MOST_NAMED, "fields[audiences]": "name"}
    found = (await page.api.get("/v1/audiences", parameters))["data"]
    return [(each["id"], each["attributes"]["name"]) for each in found]


async def show(page: AdminPage, user: Viewer) -> View:
    """One audience."""
    return await shown(page, FormData([]))


async def change(page: AdminPage, user: Editor) -> View | Response:
    """Change the name, the question, or whether an audience is watched."""
    form = await page.form()
    key = page.segment("audience")
    attributes: dict[str, Any] = {"name": form["name"], "watched": "watched" in form}
    if form["q"]:
        attributes["q"] = form["q"]
    try:
        body = {"data": {"type": "audiences", "id": page.identifier("audience"), "attributes": attributes}}
        await page.api.patch(_path(key), body)
    except Problem as error:
        form.refuse_faults(error, {"data.attributes.q": "q", "data.attributes.name": "name"})
        return await shown(page, form, 422)
    return page.redirect(page.url(f"/audiences/{key}"), f"“{form['name']}” is changed.")


async def clone(page: AdminPage, user: Editor) -> View | Response:
    """Make a copy of an audience. The members of a list join its copy by a bulk action."""
    form = await page.form()
    original = (await page.api.get(_path(page.segment("audience"))))["data"]
    audience = original["attributes"]
    attributes = {"name": form["name"] or f"{audience['name']} (copy)", "kind": audience["kind"]}
    if audience["kind"] == "dynamic":
        attributes["q"] = audience["q"]
    try:
        made = await page.api.post("/v1/audiences", new_resource("audiences", attributes, user.current))
        if audience["kind"] == "list" and audience["total"]:
            joining = {"type": "add_to_list", "list": made["data"]["id"]}
            body = {"q": f"in list/{original['id']} and (is hidden or not is hidden)", "action": joining}
            await page.api.post("/v1/bulk_actions", body)
    except Problem as error:
        form.refuse_faults(error)
        return await shown(page, form, 422)
    told = "This is the copy." if audience["kind"] == "dynamic" else "This is the copy. The members join it now."
    return page.redirect(page.url(f"/audiences/{made['data']['id']}"), told)


async def remove(page: AdminPage, user: Editor) -> View | Response:
    """Delete an audience that no other refers to."""
    form = await page.form()
    path = _path(page.segment("audience"))
    try:
        await page.api.delete(path)
    except Problem as error:
        used_by = (await page.api.get(path, {"fields[audiences]": "used_by"}))["data"]["attributes"]["used_by"]
        names = ", ".join(f"“{each['name']}”" for each in await _used_by(page, used_by))
        if names:
            form.refuse("", f"The audience is used by {names}. Change the question there first.")
        else:
            form.refuse_faults(error)
        return await shown(page, form, 409)
    return page.redirect(page.url("/audiences"), "The audience is deleted. Its customers are untouched.")


async def history_file(page: AdminPage, user: Viewer) -> Response:
    """The history of an audience, as CSV."""
    names = ("at", "matched", "reachable", "entered", "left")
    points = await _points(page, page.segment("audience"))
    rows = [tuple("" if each[name] is None else each[name] for name in names) for each in points]
    return csv_response([names, *rows], "audience-history.csv")


async def shown(page: AdminPage, form: FormData, status: int = 200) -> View:
    """The page of the audience that the path names, with what is wrong with a form of it."""
    key = page.segment("audience")
    audience = (await page.api.get(_path(key)))["data"]
    attributes = audience["attributes"]
    checked = None if attributes["q"] is None else await check(page, {"q": attributes["q"]})
    members: list[dict[str, Any]] = []
    following = overlap = spread = reach = None
    question = {"in": {"audience": int(audience["id"])}}
    if attributes["problem"] is None:
        parameters: Parameters = {
            "q": f"in audience/{audience['id']}",
            "include": "customer,tags",
            "page[size]": PAGE,
            "page[after]": page.parameters.get("after", ""),
        }
        found = await page.api.get("/v1/contacts", parameters)
        members, following = rows_of(found), cursor_of(found["links"]["next"])
        reach = (await page.api.post("/v1/questions/reach", {"question": question}))["data"]["attributes"]
        spread = await audience_studies.spread(page, audience["id"])
        overlap = await audience_studies.overlap(page, audience["id"], attributes["name"])
    points = await _points(page, key)
    data = {
        "audience": {"id": audience["id"], **attributes},
        "sentence": checked.sentence if isinstance(checked, CheckedQuestion) else None,
        "members": members,
        "next": following,
        "overlap": overlap,
        "used_by": await _used_by(page, attributes["used_by"]),
        "spread": spread,
        "history": points,
        "movement": _movement(points),
        "why": await _why(page, key),
    }
    more = {
        "form": form,
        "reach": reach,
        "reachable": None if reach is None else reachable(reach, question),
        "dimensions": audience_studies.DIMENSIONS,
        "months": audience_studies.MOST_MONTHS,
        "others": [(number, name) for number, name in await _names(page) if number != audience["id"]],
        "compared": [each["id"] for each in overlap["sets"]] if overlap else [],
        "overlap_file": _overlap_file(page, overlap),
        "trend": charts.line([each["matched"] for each in points]) if len(points) > 1 else None,
        "asked_for": page.parameters.get("customer", ""),
    }
    return View(template="audience.html", title=attributes["name"], data=data, more=more, status=status)


def _overlap_file(page: AdminPage, overlap: dict[str, Any] | None) -> str | None:
    """The URL of the overlap that the page shows as a file."""
    if overlap is None or not overlap["sets"]:
        return None
    first, *others = overlap["sets"]
    compared = urlencode([("with", each["id"]) for each in others])
    return page.url(f"/audiences/{first['id']}/overlap.csv") + f"?{compared}"


async def _used_by(page: AdminPage, labels: list[str]) -> list[dict[str, str]]:
    """The audiences whose questions name this one, by the key or number that each has."""
    found = []
    for each in labels[:MOST_NAMED]:
        audience = (await page.api.get(_path(each), {"fields[audiences]": "name"}))["data"]
        found.append({"id": audience["id"], "name": audience["attributes"]["name"]})
    return found


def _movement(points: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Who entered and left over the points that are kept; None unless the audience is watched."""
    watched = [each for each in points if each["entered"] is not None]
    if not watched:
        return None
    sums = {name: sum(each[name] for each in watched) for name in ("entered", "left")}
    return {"since": watched[0]["at"], **sums}


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
    conditions = await conditions_in_words(page, found)
    return {"problem": None, "in": found["in"], "changes_at": found["changes_at"], "conditions": conditions}


def _path(key: str) -> str:
    return f"/v1/audiences/{key}"


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
