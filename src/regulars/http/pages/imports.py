"""Imports: send a file, see what was recognised, mend it, try it, run it, and take it back."""

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response

from regulars.http.call import json_response
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.forms import FormData
from regulars.http.pages.multipart import file_of
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Editor, Viewer
from regulars.importing.columns.targets import CONSENT_FIELDS, FIELDS, KINDS
from regulars.importing.columns.vocabularies import EVENT_FIELDS

UNDER_WAY: Final = ("waiting", "running")
EXISTING: Final = {
    "overwrite": "Values of the file replace those that are there",
    "fill": "Values of the file fill only what is empty",
    "skip": "Customers who are there stay as they are",
}
CONSENTS: Final = {"all": "Take consent and its end", "ends": "Take only the end of consent", "none": "Take none"}
ORDERS: Final = {"": "As recognised", "dmy": "Day first: 31/12/2026", "mdy": "Month first: 12/31/2026"}
_ANY_ATTRIBUTE: Final = "attribute:"
_OPTIONS: Final = ("existing", "consents", "consent", "tags", "groups", "date_order", "time_zone", "encoding")


async def index(page: AdminPage, user: Viewer) -> View:
    """The newest imports, and the form for a file."""
    return await _index(page, FormData([]))


async def upload(page: AdminPage, user: Editor) -> View | Response:
    """Take a file, and begin a dry run of its import. The body is the file, or a form that has it."""
    call = page.call
    limit = call.services.settings.upload_limit
    given = {"name": page.parameters.get("name", ""), "kind": page.parameters.get("kind", "")}
    content_type = call.request.headers.get("content-type", "")
    parts = call.parts(limit)
    if content_type.startswith("multipart/form-data"):
        form = await file_of(content_type, parts)
        given, parts = {"kind": form.fields.get("kind", ""), "name": form.name}, form.parts
    try:
        done = await page.api.upload(
            "/v1/imports",
            {"dry_run": "true", "name": given["name"] or "upload", "kind": given["kind"] or "customers"},
            parts,
        )
    except Problem as error:
        if _wants_json(page):
            return json_response({"detail": error.detail}, status=error.status)
        refused = FormData([])
        refused.refuse("file", error.detail)
        return await _index(page, refused, 422)
    url = page.url(f"/imports/{done['data']['id']}")
    return json_response({"url": url}) if _wants_json(page) else page.redirect(url)


def _wants_json(page: AdminPage) -> bool:
    return page.call.request.headers.get("accept", "") == "application/json"


async def show(page: AdminPage, user: Viewer) -> View:
    """One import."""
    return await _view(page, FormData([]))


async def run(page: AdminPage, user: Editor) -> View | Response:
    """Import the file of a dry run, or try it again with other options."""
    form = await page.form()
    number = page.segment("import")
    shown = await page.api.get(f"/v1/imports/{number}")
    attributes = shown["data"]["attributes"]
    parameters: dict[str, str | int | None] = {
        "again": number,
        "name": attributes["name"],
        "kind": attributes["kind"],
        "dry_run": "false" if "import" in form else "true",
        "map": _stated(form),
        **{name: form[name] or None for name in _OPTIONS},
    }
    try:
        done = await page.api.upload("/v1/imports", parameters, _nothing())
    except Problem as error:
        form.refuse_faults(error)
        return await _view(page, form, 422)
    notice = "The import has begun." if "import" in form else "The file is being checked with these settings."
    return page.redirect(page.url(f"/imports/{done['data']['id']}"), notice)


async def _nothing() -> AsyncIterator[bytes]:
    no_parts: tuple[bytes, ...] = ()
    for part in no_parts:
        yield part


def _stated(form: FormData) -> str | None:
    """What the form says of the columns, as the parameter `map`."""
    columns = zip(form.all("column"), form.all("was"), form.all("field"), strict=False)
    stated = [
        f"{name.replace(',', ',,')}={_target(name, was, field).replace(',', ',,')}" for name, was, field in columns
    ]
    return ",".join(stated) or None


def _target(name: str, was: str, field: str) -> str:
    """The target of a column: a field, or an attribute, which keeps its name. field: as `selected` has it."""
    if not field.startswith(_ANY_ATTRIBUTE):
        return field
    key = _key_and_kind(was)[0] if was.startswith(_ANY_ATTRIBUTE) else name.strip()
    return f"{_ANY_ATTRIBUTE}{key}:{field.removeprefix(_ANY_ATTRIBUTE)}"


def _key_and_kind(target: str) -> tuple[str, str]:
    """The name and the type of `attribute:NAME` or `attribute:NAME:KIND`."""
    text = target.removeprefix(_ANY_ATTRIBUTE)
    key, colon, kind = text.rpartition(":")
    return (key, kind) if colon and kind in KINDS else (text, "text")


async def rejects(page: AdminPage, user: Viewer) -> Response:
    """The refused lines, as a file."""
    return page.api.pass_on("GET", f"/v1/imports/{page.segment('import')}/rejects", accept="*/*")


async def cancel(page: AdminPage, user: Editor) -> Response:
    """Stop an import."""
    number = page.segment("import")
    await page.api.post(f"/v1/imports/{number}/cancel")
    return page.redirect(page.url(f"/imports/{number}"), "The import stops. What is imported stays.")


async def undo(page: AdminPage, user: Editor) -> View | Response:
    """Take back what an import did."""
    form = await page.form()
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, form, 422)
    number = page.segment("import")
    await page.api.post(f"/v1/imports/{number}/undo")
    return page.redirect(page.url(f"/imports/{number}"), "The import is being undone.")


async def _index(page: AdminPage, form: FormData, status: int = 200) -> View:
    assert page.user is not None
    site = str(page.user.current.id)
    found = await page.api.get("/v1/imports")
    imports = [{"id": each["id"], **each["attributes"]} for each in found["data"]]
    return View(
        template="imports.html",
        title="Imports",
        data={"imports": [each for each in imports if each["site_id"] == site]},
        more={"form": form},
        status=status,
    )


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    number = page.segment("import")
    found = (await page.api.get(f"/v1/imports/{number}"))["data"]
    attributes = found["attributes"]
    undone = attributes["undo"]
    is_running = attributes["state"] in UNDER_WAY or (undone is not None and undone["state"] in UNDER_WAY)
    columns = [
        {**column, "is_consent": column["field"].partition(":")[0] in CONSENT_FIELDS}
        for table in attributes["tables"] or []
        for column in table["columns"]
    ]
    typed = dict(zip(form.all("column"), form.all("field"), strict=False))
    return View(
        template="import.html",
        partial="_import.html",
        title=attributes["name"],
        data={
            "id": number,
            "import": attributes,
            "has_rejects": "rejects" in found["links"],
            "is_running": is_running,
            "columns": columns,
        },
        more={
            "job": attributes,
            "options": {
                name: form[name] if name in form else _option(attributes["options"], name) for name in _OPTIONS
            },
            "form": form,
            "typed": typed,
            "fields": FIELDS if attributes["kind"] == "customers" else EVENT_FIELDS,
            "types": KINDS,
            "existing": EXISTING,
            "consents": CONSENTS,
            "orders": ORDERS,
            "start": f"/imports/{number}",
            "selected": selected,
        },
        status=status,
    )


def _option(options: dict[str, Any], name: str) -> str:
    """An option of an import as the form has it."""
    value = options.get(name, "")
    return ", ".join(value) if isinstance(value, list) else str(value)


def selected(column: dict[str, Any], typed: dict[str, str]) -> str:
    """The value of the select of a column: a field, or `attribute:` with the type."""
    name, field = column["column"], str(column["field"])
    if name in typed:
        return typed[name]
    return f"{_ANY_ATTRIBUTE}{_key_and_kind(field)[1]}" if field.startswith(_ANY_ATTRIBUTE) else field


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("imports", "/imports", index, "See the imports of a site"),
    action("imports.upload", "/imports/upload", upload, "Send a file to import"),
    screen("import", "/imports/{import}", show, "See an import"),
    action("import.run", "/imports/{import}/run", run, "Import a file that was checked"),
    screen("import.rejects", "/imports/{import}/rejects", rejects, "Download the refused lines"),
    action("import.cancel", "/imports/{import}/cancel", cancel, "Stop an import"),
    action("import.undo", "/imports/{import}/undo", undo, "Undo an import"),
)
"""The operations on imports."""
