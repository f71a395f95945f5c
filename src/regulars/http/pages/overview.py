"""The overview of a site: how many customers, how they grow, what the last broadcasts did, and what needs attention."""

import csv
import io
from datetime import date, timedelta
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.spreadsheet_safety import guard
from regulars.http.operation import Operation
from regulars.http.pages import charts
from regulars.http.pages.api_client import Parameters
from regulars.http.pages.customer_columns import rows_of
from regulars.http.pages.page import GUARDS, AdminPage, View
from regulars.http.pages.questioning import reachable
from regulars.http.pages.screen import download, screen
from regulars.http.pages.signed_in import Viewer

DAYS: Final = 30
NEW: Final = f"created in last {DAYS}d"
LOST: Final = f"unsubscribed_at in last {DAYS}d"
ACTIVE: Final = f"opened in last {DAYS}d"
BROADCASTS: Final = 5
STATUSES: Final = ("sent", "delivered", "opened", "clicked", "bounced", "complained")
MOST_BOUNCED: Final = 0.02
MOST_COMPLAINED: Final = 0.001
"""Rates from which senders get into trouble with mailbox providers."""

JOBS: Final = (
    ("imports", "/imports/{}", "An import"),
    ("exports", "/exports", "An export"),
    ("bulk_actions", "/bulk-actions/{}", "A bulk action"),
)
"""What runs as a job: its type in the API, the screen that shows it, and how a sentence begins."""

NEWEST: Final = 6

_EVERYBODY: Final[dict[str, Any]] = {"question": {"all": []}}


async def show(page: AdminPage, user: Viewer) -> View:
    """The figures of a site."""
    reach = (await page.api.post("/v1/questions/reach", _EVERYBODY))["data"]["attributes"]
    sizes = (await page.api.post("/v1/questions/overlap", {"questions": [NEW, LOST, ACTIVE]}))["data"]["attributes"][
        "sizes"
    ]
    growth = await _growth(page)
    broadcasts = await _broadcasts(page)
    newest = await page.api.get("/v1/contacts", {"sort": "-created_at", "page[size]": NEWEST})
    data = {
        "reach": reach,
        "new": sizes[0],
        "lost": sizes[1],
        "active": sizes[2],
        "growth": [{"day": day.isoformat(), "customers": count} for day, count in growth],
        "broadcasts": broadcasts,
        "attention": await _attention(page, broadcasts),
        "newest": rows_of(newest),
        "activity": await _activity(page),
    }
    days = [f"{day.day} {day:%b %Y}" for day, _ in growth]
    more = {
        "chart": charts.bars([(name, count) for name, (_, count) in zip(days, growth, strict=True)]),
        "days_shown": days,
        "reachable": reachable(reach, _EVERYBODY["question"]),
        "questions": {"new": NEW, "lost": LOST, "active": ACTIVE},
        "days": DAYS,
    }
    return View(template="overview.html", title="Overview", data=data, more=more)


async def growth_file(page: AdminPage, user: Viewer) -> Response:
    """New customers by day, as CSV."""
    return csv_response([("day", "customers"), *await _growth(page)], "new-customers.csv")


def csv_response(rows: list[tuple[Any, ...]], name: str) -> Response:
    """A CSV file to download."""
    text = io.StringIO()
    csv.writer(text).writerows([[guard(str(cell)) for cell in row] for row in rows])
    headers = {**GUARDS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


async def _growth(page: AdminPage) -> list[tuple[date, int]]:
    """New customers of each of the last days, in the time zone of the site."""
    body = {"q": NEW, "by": {"field": "created_at", "per": "day"}}
    rows = (await page.api.post("/v1/questions/breakdown", body))["data"]["attributes"]["rows"]
    counts = {each["value"]: each["customers"] for each in rows}
    today = page.format.local(page.now).date()
    days = [today - timedelta(days=back) for back in range(DAYS, -1, -1)]
    return [(day, counts.get(day.isoformat(), 0)) for day in days]


async def _broadcasts(page: AdminPage) -> list[dict[str, Any]]:
    """The last broadcasts that somebody was sent, each with its figures."""
    listed = (await page.api.get("/v1/broadcasts", {"sort": "-id", "page[size]": BROADCASTS}))["data"]
    fields = {"fields[broadcast_reports]": ",".join(STATUSES)}
    found = []
    for each in listed:
        report = (await page.api.get(f"/v1/broadcasts/{each['id']}/report", fields))["data"]["attributes"]
        if report["sent"]["customers"]:
            found.append({"id": each["id"], "name": each["attributes"]["name"], **report})
    return found


async def _activity(page: AdminPage) -> list[dict[str, Any]]:
    """The newest event of each of the customers who were active last, newest first."""
    parameters: Parameters = {"sort": "-last_request_at", "page[size]": NEWEST, "include": "customer"}
    found = []
    for each in rows_of(await page.api.get("/v1/contacts", parameters)):
        if each.get("last_request_at") is None:
            continue
        reply = await page.api.get(f"/v1/customers/{each['id']}/activity", {"page[size]": 1, "filter[kind]": "event"})
        for event in reply["data"]:
            who = each["name"] or each["email"] or "No name"
            at, name = event["attributes"]["at"], event["attributes"]["name"]
            found.append({"customer": each["id"], "who": who, "name": name, "at": at})
    return sorted(found, key=lambda each: each["at"], reverse=True)


async def _attention(page: AdminPage, broadcasts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What somebody should look at, each with a sentence and the place that shows it."""
    found = []
    for each in broadcasts:
        for status, most, word in (("bounced", MOST_BOUNCED, "bounced"), ("complained", MOST_COMPLAINED, "complained")):
            rate = each[status]["rate"] or 0
            if rate > most:
                share = page.format.percent(rate, 1, 1)
                url = page.url("/customers", q=f"{status}:broadcast/{each['id']}")
                found.append({"text": f"{share} of “{each['name']}” {word}.", "url": url, "kind": status})
    for kind, path, word in JOBS:
        for each in await _newest_jobs(page, kind):
            attributes = each["attributes"]
            url = page.url(path.format(each["id"]))
            rejected = (attributes.get("summary") or {}).get("rejected", 0)
            if attributes["state"] == "failed":
                reason = attributes["error"] or "The reason is in the log of the server."
                found.append({"text": f"{word} failed: {reason}", "url": url, "kind": "job"})
            elif rejected:
                lines = "one line" if rejected == 1 else f"{page.format.number(rejected)} lines"
                found.append({"text": f"{word} refused {lines}.", "url": url, "kind": "import"})
    return found


async def _newest_jobs(page: AdminPage, kind: str) -> list[dict[str, Any]]:
    """The newest jobs of a kind about this site."""
    assert page.user is not None
    site = str(page.user.current.id)
    jobs: list[dict[str, Any]] = (await page.api.get(f"/v1/{kind}"))["data"]
    return [each for each in jobs if each["attributes"]["site_id"] == site][:NEWEST]


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("overview", "/overview", show, "See the overview of a site"),
    download("overview.growth", "/overview/new-customers.csv", growth_file, "Download new customers by day"),
)
"""The operations on the overview."""
