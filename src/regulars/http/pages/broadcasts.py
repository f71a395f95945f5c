"""Broadcasts: what became of each, from sent to clicked and by hour, and who did not open it."""

from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages import charts
from regulars.http.pages.api_client import new_resource
from regulars.http.pages.forms import FormData
from regulars.http.pages.overview import csv_response
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import action, download, screen
from regulars.http.pages.signed_in import Editor, Viewer

PAGE: Final = 10
FUNNEL: Final = ("sent", "delivered", "opened", "clicked")
LOST: Final = ("bounced", "dropped", "complained", "unsubscribed")
_STATUSES: Final = (*FUNNEL, *LOST)
RATED: Final = _STATUSES[1:]
COMPARED: Final = 10
"""How many broadcasts the usual rates are those of."""


async def index(page: AdminPage, user: Viewer) -> View:
    """The newest broadcasts with their figures."""
    found = await page.api.get(
        "/v1/broadcasts", {"sort": "-id", "page[size]": PAGE, "page[number]": page.parameters.get("page", "1")}
    )
    rows = []
    for each in found["data"]:
        report = await _read(page, f"/v1/broadcasts/{each['id']}", _STATUSES)
        rows.append({"id": each["id"], "name": each["attributes"]["name"], **report})
    meta = found["meta"]
    return View(
        template="broadcasts.html",
        title="Broadcasts",
        data={
            "broadcasts": rows,
            "total": meta["total"],
            "number": meta["current_page"],
            "pages": meta["total_pages"],
        },
        more={"statuses": (*FUNNEL, "bounced", "complained", "unsubscribed")},
    )


async def show(page: AdminPage, user: Viewer) -> View:
    """The report of a broadcast."""
    return await _view(page, FormData([]))


async def hours(page: AdminPage, user: Viewer) -> View:
    """What became of a broadcast by hour: a part of its report that takes longer, and a page of its own."""
    broadcast, report = await _report(page, ("hours",))
    found = report["hours"]
    shown = [(page.format.local(each["at"]).strftime("%-d %b, %H:%M"), each["opened"]) for each in found["rows"]]
    number = broadcast["id"]
    return View(
        template="broadcast_hours.html",
        partial="_broadcast_hours.html",
        title="By hour",
        data={"id": number, "hours": found},
        more={
            "statuses": _STATUSES,
            "chart": charts.bars(shown),
            "labels": [label for label, _ in shown],
            "name": _title(broadcast),
            "start": f"/broadcasts/{number}",
        },
    )


async def hours_file(page: AdminPage, user: Viewer) -> Response:
    """What became of a broadcast by hour, as CSV."""
    _, report = await _report(page, ("hours",))
    columns = ("at", *_STATUSES, "revenue")
    rows = [tuple(each[name] for name in columns) for each in report["hours"]["rows"]]
    return csv_response([columns, *rows], "broadcast-by-hour.csv")


async def save(page: AdminPage, user: Editor) -> View | Response:
    """Save those who did not open the broadcast as an audience."""
    form = await page.form()
    attributes = {"name": form["name"], "q": _not_opened(page.identifier("broadcast"))}
    body = new_resource("audiences", attributes, user.current)
    await _report(page, ("sent",))
    try:
        made = await page.api.post("/v1/audiences", body)
    except Problem as error:
        form.refuse_faults(error)
        return await _view(page, form, 422)
    return page.redirect(page.url(f"/audiences/{made['data']['id']}"), f"“{form['name']}” is saved as an audience.")


def _not_opened(number: str) -> str:
    """The question for those whom the broadcast reached and who did not open it."""
    return f"delivered:broadcast/{number} and not opened:broadcast/{number}"


def _title(broadcast: dict[str, Any]) -> str:
    name = broadcast["attributes"]["name"]
    return f"Broadcast {broadcast['id']}" if name in (None, "", broadcast["id"]) else str(name)


async def _usual(page: AdminPage, number: str) -> dict[str, Any]:
    """The median rate of each status over the newest other broadcasts that were sent; `of` is how many those are."""
    listed = (await page.api.get("/v1/broadcasts", {"sort": "-id", "page[size]": COMPARED + 1}))["data"]
    others = [each["id"] for each in listed if each["id"] != number]
    reports = [await _read(page, f"/v1/broadcasts/{each}", _STATUSES) for each in others]
    reports = [each for each in reports if each["sent"]["customers"]][:COMPARED]
    rates = {status: [each[status]["rate"] for each in reports if each[status]["rate"] is not None] for status in RATED}
    return {"of": len(reports), "rates": {status: median(found) for status, found in rates.items() if found}}


async def _report(page: AdminPage, fields: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    path = f"/v1/broadcasts/{page.segment('broadcast')}"
    broadcast = (await page.api.get(path))["data"]
    return broadcast, (await _read(page, path, fields))


async def _read(page: AdminPage, path: str, fields: Sequence[str]) -> dict[str, Any]:
    """Some fields of the report of a broadcast."""
    found = await page.api.get(f"{path}/report", {"fields[broadcast_reports]": ",".join(fields)})
    return found["data"]["attributes"]  # type: ignore[no-any-return]


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    broadcast, report = await _report(page, (*_STATUSES, "revenue"))
    number = broadcast["id"]
    usual = await _usual(page, number)
    return View(
        template="broadcast.html",
        title=_title(broadcast),
        data={"id": number, "name": broadcast["attributes"]["name"], "report": report, "usual": usual},
        more={
            "form": form,
            "funnel": FUNNEL,
            "lost": LOST,
            "not_opened": _not_opened(number),
            "start": f"/broadcasts/{number}",
        },
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("broadcasts", "/broadcasts", index, "See the broadcasts of a site"),
    screen("broadcast", "/broadcasts/{broadcast}", show, "See the report of a broadcast"),
    screen("broadcast.hours", "/broadcasts/{broadcast}/hours", hours, "See a broadcast by hour"),
    download("broadcast.hours_file", "/broadcasts/{broadcast}/hours.csv", hours_file, "Download a broadcast by hour"),
    action("broadcast.save", "/broadcasts/{broadcast}/not-opened", save, "Save who did not open a broadcast"),
)
"""The operations on broadcasts."""
