"""Settings: how the data of a site is read, the health of the server, and the audit trail."""

import platform
from collections.abc import Collection
from typing import Any, Final

from starlette.responses import Response

import regulars
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.api_client import cursor_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Administrator
from regulars.store import users
from regulars.store.control import list_accounts
from regulars.store.job_reads import count_jobs

FIELDS: Final = {
    "title": ("Name", "Shown on this page and in the API."),
    "country": ("Country", "Two letters, such as DE. Phone numbers without a country code are read as its numbers."),
    "currency": ("Currency", "Three letters, such as EUR. Amounts in other currencies are kept, but not counted."),
    "time_zone": ("Time zone", "Such as Europe/Berlin. Days in questions and times on this page are in it."),
    "language": ("Language", "Of the pages that customers see: en, de, fr or es."),
    "accent_color": ("Accent color", "Of the buttons on the pages that customers see, such as #0a7cff."),
}
ENGAGEMENT: Final = ("healthy", "passive", "unengaged")
"""The classes of contacts by their last open or click; whoever is in none is inactive."""

_PAGE: Final = 50


async def show(page: AdminPage, user: Administrator) -> View:
    """The settings of the site, and the health of the server."""
    return await _view(page, user, FormData([]))


async def save(page: AdminPage, user: Administrator) -> View | Response:
    """Change the settings of the site."""
    form = await page.form()
    attributes = {name: form[name] or None for name in FIELDS if name in form}
    body = {"data": {"type": "sites", "id": str(user.current.id), "attributes": attributes}}
    try:
        await page.api.patch(f"/v1/sites/{user.current.id}", body)
    except Problem as error:
        form.refuse_faults(error)
        return await _view(page, user, form, 422)
    return page.redirect(page.url("/settings"), "The settings are saved.")


async def audit(page: AdminPage, user: Administrator) -> View:
    """Who changed what."""
    kind = page.parameters.get("kind", "")
    found = await page.api.get(
        "/v1/audit_events",
        {"page[size]": _PAGE, "page[after]": page.parameters.get("after", ""), "filter[kind]": kind or None},
    )
    events = [each["attributes"] for each in found["data"]]
    names = await _names(page, user, {(each["actor"]["type"], each["actor"]["id"]) for each in events if each["actor"]})
    for each in events:
        actor = each["actor"] or {"type": None, "id": None}
        each["by"] = names.get((actor["type"], actor["id"]))
    after = cursor_of(found["links"]["next"])
    return View(
        template="audit.html",
        title="Audit trail",
        data={"events": events, "kind": kind, "after": after},
        more={"kinds": {"": "Everything", "site": "Customers and objects", "account": "Access, settings and files"}},
    )


async def _names(
    page: AdminPage, user: Administrator, actors: Collection[tuple[str, str | None]]
) -> dict[tuple[str, str | None], str]:
    """What the keys and users among these actors are called: (type, id) to label or name."""
    found: dict[tuple[str, str | None], str] = {}
    types = {type_ for type_, _ in actors}
    if "key" in types:
        for each in (await page.api.get("/v1/keys"))["data"]:
            found["key", each["id"]] = each["attributes"]["label"] or f"{each['attributes']['hint']}…"
    if "user" in types:
        async with page.call.services.store.snapshot() as connection:
            people = await users.list_users(connection, user.account)
        found |= {("user", str(each.id)): each.name for each in people}
    return found


async def _view(page: AdminPage, user: Administrator, form: FormData, status: int = 200) -> View:
    site = (await page.api.get(f"/v1/sites/{user.current.id}"))["data"]["attributes"]
    return View(
        template="settings.html",
        title="Settings",
        data={"site": site, "engagement": _engagement(page), "health": await _health(page)},
        more={"form": form, "fields": FIELDS},
        status=status,
    )


async def _health(page: AdminPage) -> dict[str, Any]:
    """The state of the server. Jobs are shown where one account has the server to itself."""
    services = page.call.services
    async with services.store.snapshot() as connection:
        is_alone = len(await list_accounts(connection)) == 1
        jobs = dict(await count_jobs(connection)) if is_alone else None
    return {
        "version": regulars.__version__,
        "python": platform.python_version(),
        "database": services.store.engine.dialect,
        "is_loading": services.audience.is_loading,
        "writes_waiting": services.store.ledger.waiting,
        "jobs": jobs,
    }


def _engagement(page: AdminPage) -> dict[str, int]:
    """How many days since the last open or click make a contact healthy, passive or unengaged."""
    settings = page.call.services.settings
    return {name: getattr(settings, f"{name}_days") for name in ENGAGEMENT}


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("settings", "/settings", show, "See the settings of a site"),
    action("settings.save", "/settings", save, "Change the settings of a site"),
    screen("audit", "/settings/audit", audit, "See the audit trail"),
)
"""The operations on settings."""
