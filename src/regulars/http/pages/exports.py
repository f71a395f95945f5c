"""Exports: begin one, see how far it is, and fetch its file."""

from typing import Final

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Viewer

KINDS: Final = {
    "customers": "Customers",
    "activity": "Activity",
    "logs": "Emails",
    "consents": "Evidence of consent",
}
FORMATS: Final = {"csv": "CSV, for spreadsheets", "ndjson": "NDJSON, with everything"}
_UNDER_WAY: Final = ("waiting", "running")


async def index(page: AdminPage, user: Viewer) -> View:
    """The newest exports, and the form for another."""
    return await _view(page, FormData([]))


async def create(page: AdminPage, user: Viewer) -> View | Response:
    """Begin an export."""
    form = await page.form()
    body = {"kind": form["kind"] or "customers", "format": form["format"] or "csv", "site_id": str(user.current.id)}
    if form["q"]:
        body["q"] = form["q"]
    try:
        await page.api.post("/v1/exports", body)
    except Problem as error:
        form.refuse("q", error.detail)
        return await _view(page, form, 422)
    return page.redirect(page.url("/exports"), "The export has begun. Its file appears below.")


async def download(page: AdminPage, user: Viewer) -> Response:
    """The file of an export."""
    return page.api.pass_on("GET", f"/v1/exports/{page.segment('export')}/file", accept="*/*")


async def remove(page: AdminPage, user: Viewer) -> Response:
    """Stop an export, and delete its file."""
    await page.api.delete(f"/v1/exports/{page.segment('export')}")
    return page.redirect(page.url("/exports"), "The export is stopped, and its file is deleted.")


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    assert page.user is not None
    site = str(page.user.current.id)
    found = await page.api.get("/v1/exports")
    exports = [
        {"id": each["id"], "has_file": bool(each["links"]["file"]), **each["attributes"]}
        for each in found["data"]
        if each["attributes"]["site_id"] == site
    ]
    return View(
        template="exports.html",
        partial="_exports.html",
        title="Exports",
        data={"exports": exports, "is_running": any(each["state"] in _UNDER_WAY for each in exports)},
        more={"form": form, "kinds": KINDS, "formats": FORMATS},
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("exports", "/exports", index, "See the exports of a site"),
    action("exports.create", "/exports", create, "Begin an export"),
    screen("export.file", "/exports/{export}/file", download, "Download an export"),
    action("export.remove", "/exports/{export}/delete", remove, "Stop an export and delete its file"),
)
"""The operations on exports."""
