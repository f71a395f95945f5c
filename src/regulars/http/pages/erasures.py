"""Erasures: who asked to be forgotten was, when, why and how far; the certificate, and whom it was about."""

from typing import Any, Final

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.api_client import Parameters, cursor_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Administrator

START: Final = "/settings/erasures"
PAGE: Final = 50


async def index(page: AdminPage, user: Administrator) -> View:
    """The erasures of the site, the newest first."""
    parameters: Parameters = {
        "filter[site_id]": user.current.id,
        "page[size]": PAGE,
        "page[after]": page.parameters.get("after", ""),
    }
    found = await page.api.get("/v1/erasures", parameters)
    erasures = [{"id": each["id"], **each["attributes"]} for each in found["data"]]
    return View(
        template="erasures.html",
        title="Erasures",
        data={"erasures": erasures, "after": cursor_of(found["links"]["next"])},
        more={"start": START},
    )


async def show(page: AdminPage, user: Administrator) -> View:
    """The certificate of one erasure."""
    return await _view(page, FormData([]))


async def verify(page: AdminPage, user: Administrator) -> View:
    """Say whether the erased person had an address or customer_id. It is in the body, so no log or history has it."""
    form = await page.form()
    if not form["who"]:
        form.refuse("who", "Type an email address or an id first.")
        return await _view(page, form, 422)
    body = {"email" if "@" in form["who"] else "customer_id": form["who"]}
    try:
        found = await page.api.post(f"{_path(page)}/verify", body)
    except Problem as error:
        form.refuse_faults(error, {"email": "who", "customer_id": "who"})
        return await _view(page, form, 422)
    return await _view(page, form, matches=bool(found["data"]["attributes"]["matches"]))


async def _view(page: AdminPage, form: FormData, status: int = 200, matches: bool | None = None) -> View:
    found: dict[str, Any] = (await page.api.get(_path(page)))["data"]
    return View(
        template="erasure.html",
        title="Certificate of an erasure",
        status=status,
        data={"id": found["id"], "erasure": found["attributes"], "matches": matches},
        more={"form": form, "start": START},
    )


def _path(page: AdminPage) -> str:
    return f"/v1/erasures/{page.segment('erasure')}"


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("erasures", START, index, "See the erasures of a site"),
    screen("erasure", f"{START}/{{erasure}}", show, "See the certificate of an erasure"),
    action("erasure.verify", f"{START}/{{erasure}}/verify", verify, "Check whom an erasure was about"),
)
"""The operations on erasures."""
