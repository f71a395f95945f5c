"""API keys: what each may do and when it was last used; create, rotate and revoke one."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.moments import parse_moment
from regulars.domain.text import whole_number
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.api_client import new_resource
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Administrator

SCOPES: Final = {
    "read": "Read customers, objects and answers",
    "write": "Change customers and objects",
    "webhook": "Send the reports of an email provider",
    "admin": "Read the audit trail and what else is for administrators",
}


async def show(page: AdminPage, user: Administrator) -> View:
    """The keys of the account."""
    return await _view(page, user, FormData([]))


async def create(page: AdminPage, user: Administrator) -> View:
    """Create a key, and show its secret."""
    form = await page.form()
    rate = None if not form["rate"] else whole_number(form["rate"], longest=7)
    if form["rate"] and rate is None:
        form.refuse("rate", "Type a whole number of requests per second, 0 for no limit, or nothing.")
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, user, form, 422)
    attributes = {
        "label": form["label"] or None,
        "scopes": [scope for scope in SCOPES if scope in form.all("scope")],
        "rate": rate,
        "strict": "strict" in form,
        "expires_at": f"{form['expires_at']}T00:00:00Z" if form["expires_at"] else None,
    }
    body = new_resource("keys", attributes, user.current)
    try:
        made = (await page.api.post("/v1/keys", body))["data"]
    except Problem as error:
        form.refuse_faults(error, {"data.attributes.scopes": "scope"})
        return await _view(page, user, form, 422)
    return await _view(page, user, FormData([]), secret=made["attributes"]["secret"], new=made["id"])


async def rotate(page: AdminPage, user: Administrator) -> View:
    """Rotate a key, and show the new secret."""
    form = await page.form()
    await confirm(page, user, form)
    hours = whole_number(form["hours"] or "24", longest=5)
    if hours is None:
        form.refuse("hours", "Type a whole number of hours.")
    if form.errors:
        return await _view(page, user, form, 422)
    try:
        made = (await page.api.post(f"{_path(page)}/rotate", {"overlap_hours": hours}))["data"]
    except Problem as error:
        if not error.faults:
            raise
        form.refuse_faults(error)
        return await _view(page, user, form, 422)
    return await _view(page, user, FormData([]), secret=made["attributes"]["secret"], new=made["id"])


async def change(page: AdminPage, user: Administrator) -> View | Response:
    """Change the label of a key, and when it ends."""
    form = await page.form()
    attributes: dict[str, Any] = {}
    if "label" in form:
        attributes["label"] = form["label"] or None
    if form["expires_at"] != form["ended_at"]:  # an end within a day stays as it is if its day does
        attributes["expires_at"] = f"{form['expires_at']}T00:00:00Z" if form["expires_at"] else None
    try:
        await page.api.patch(_path(page), {"data": {"type": "keys", "attributes": attributes}})
    except Problem as error:
        if not error.faults:
            raise
        form.refuse_faults(error)
        return await _view(page, user, form, 422)
    return page.redirect(page.url("/settings/keys"), "The key is saved.")


async def revoke(page: AdminPage, user: Administrator) -> View | Response:
    """Revoke a key."""
    form = await page.form()
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, user, form, 422)
    await page.api.delete(_path(page))
    return page.redirect(page.url("/settings/keys"), "The key is revoked. It stops to work within five seconds.")


def _path(page: AdminPage) -> str:
    return f"/v1/keys/{page.segment('key')}"


async def _view(
    page: AdminPage,
    user: Administrator,
    form: FormData,
    status: int = 200,
    *,
    secret: str | None = None,
    new: str | None = None,
) -> View:
    sites = {site.id: site.title for site in user.all_sites}
    found = (await page.api.get("/v1/keys"))["data"]
    shown: list[dict[str, Any]] = [
        {"id": each["id"], **each["attributes"], "site": sites.get(int(each["attributes"]["site_id"]), "")}
        for each in found
    ]
    for each in shown:
        each["has_expired"] = each["expires_at"] is not None and parse_moment(each["expires_at"]) <= page.now
    return View(
        template="keys.html",
        title="API keys",
        data={"keys": shown},
        more={
            "form": form,
            "scopes": SCOPES,
            "secret": secret,
            "new": new,
            "usual_rate": page.call.services.settings.rate_limit,
        },
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("keys", "/settings/keys", show, "See the API keys of the account"),
    action("keys.create", "/settings/keys", create, "Create an API key"),
    action("keys.change", "/settings/keys/{key}", change, "Change the label and the end of an API key"),
    action("keys.rotate", "/settings/keys/{key}/rotate", rotate, "Rotate an API key"),
    action("keys.revoke", "/settings/keys/{key}/revoke", revoke, "Revoke an API key"),
)
"""The operations on API keys."""
