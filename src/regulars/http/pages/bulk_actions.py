"""Bulk actions: choose what to do to many people, see what it would change, do it, and take it back."""

from typing import Any, Final

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.customer_actions import object_named
from regulars.http.pages.customer_editing import TYPES, value_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.questioning import CheckedQuestion, check
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Editor, Viewer

UNDER_WAY: Final = ("waiting", "running")
ACTIONS: Final = {
    "add_tag": "Add a tag",
    "remove_tag": "Remove a tag",
    "replace_tag": "Replace a tag by another",
    "add_to_list": "Add to a list",
    "remove_from_list": "Remove from a list",
    "set_attribute": "Set an attribute",
}
EXISTING: Final = {"overwrite": "Replace values that are there", "fill": "Set it only where there is none"}
MOST_OFFERED: Final = 100


async def choose(page: AdminPage, user: Editor) -> View | Response:
    """The form of a bulk action; with what it would change once it is filled in."""
    given = page.parameters
    if "selected" in given and "id" not in given:  # else everybody who matches would be meant
        return page.redirect(page.url("/customers", q=given.get("q")), "Select people in the table first.")
    return await _composing(page, FormData(list(page.call.query)))


async def start(page: AdminPage, user: Editor) -> View | Response:
    """Do it."""
    form = await page.form()
    await confirm(page, user, form)
    body = await _body(page, form)
    if form.errors or body is None:
        return await _composing(page, form, 422)
    try:
        made = await page.api.post("/v1/bulk_actions", body)
    except Problem as error:
        form.refuse_faults(error)
        return await _composing(page, form, 422)
    return page.redirect(page.url(f"/bulk-actions/{made['data']['id']}"), "It has begun.")


async def index(page: AdminPage, user: Viewer) -> View:
    """The newest bulk actions."""
    assert page.user is not None
    site = str(page.user.current.id)
    found = [each for each in (await page.api.get("/v1/bulk_actions"))["data"] if each["attributes"]["site_id"] == site]
    shown = [
        {"id": each["id"], **each["attributes"], "title": await _title(page, each["attributes"])} for each in found
    ]
    return View(template="bulk_actions.html", title="Bulk actions", data={"bulk_actions": shown})


async def show(page: AdminPage, user: Viewer) -> View:
    """One bulk action: how far it is, what came of it, and its undo."""
    return await _view(page, FormData([]))


async def cancel(page: AdminPage, user: Editor) -> Response:
    """Stop it."""
    number = page.segment("bulk")
    await page.api.post(f"/v1/bulk_actions/{number}/cancel")
    return page.redirect(page.url(f"/bulk-actions/{number}"), "It stops. What is done stays; you can undo it.")


async def undo(page: AdminPage, user: Editor) -> View | Response:
    """Take back what it did."""
    form = await page.form()
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, form, 422)
    number = page.segment("bulk")
    await page.api.post(f"/v1/bulk_actions/{number}/undo")
    return page.redirect(page.url(f"/bulk-actions/{number}"), "It is being undone.")


async def _composing(page: AdminPage, form: FormData, status: int = 200) -> View:
    ids = form.all("id")
    question = await check(page, {"q": form["q"] or "everybody"})
    preview, about = None, FormData([*form.fields])
    about.errors.update(form.errors)
    if form["type"] in ACTIONS and (form["object"] or form["attribute"]):
        body = await _body(page, about)
        if body is not None:
            try:
                preview = (await page.api.post("/v1/bulk_actions/preview", body))["data"]["attributes"]
            except Problem as error:
                about.refuse_faults(error)
    tags = (await page.api.get("/v1/contact_tags", {"sort": "name", "page[size]": MOST_OFFERED}))["data"]
    audiences = (await page.api.get("/v1/audiences", {"sort": "name", "page[size]": MOST_OFFERED}))["data"]
    return View(
        template="bulk_action_new.html",
        title="Change many people",
        data={
            "q": form["q"],
            "ids": ids,
            "sentence": question.sentence if isinstance(question, CheckedQuestion) else None,
            "type": form["type"],
            "preview": preview,
        },
        more={
            "form": about,
            "actions": ACTIONS,
            "types": TYPES,
            "existing": EXISTING,
            "tags": [each["attributes"]["name"] for each in tags],
            "lists": [each["attributes"]["name"] for each in audiences if each["attributes"]["kind"] == "list"],
        },
        status=422 if about.errors and status == 200 and page.wants_json else status,
    )


async def _body(page: AdminPage, form: FormData) -> dict[str, Any] | None:
    """The body of the API call; None if something is wrong, which is noted in the form."""
    given = await _action(page, form)
    ids = form.all("id")
    who: dict[str, Any] = {"ids": ids} if ids else {"q": form["q"] or "everybody"}
    return None if given is None else {**who, "action": given}


async def _action(page: AdminPage, form: FormData) -> dict[str, Any] | None:
    name = form["type"]
    if name not in ACTIONS:
        form.refuse("type", "Choose what to do.")
        return None
    if name == "set_attribute":
        if not form["attribute"]:
            form.refuse("attribute", "Type the name of the attribute.")
            return None
        value = None if form["kind"] == "nothing" else value_of(form, "value", form["kind"] or "text")
        existing = form["existing"] if form["existing"] in EXISTING else "overwrite"
        given = {"type": name, "attribute": form["attribute"], "value": value, "existing": existing}
        return None if "value" in form.errors else given
    member = "tag" if name.endswith("tag") else "list"
    number = None
    if form["object"]:
        number = await object_named(page, "contact_tags" if member == "tag" else "audiences", form["object"])
    if number is None:
        told = f"There is no {member} “{form['object']}”." if form["object"] else f"Type the name of the {member}."
        form.refuse("object", told)
        return None
    if name != "replace_tag":
        return {"type": name, member: number}
    by = await object_named(page, "contact_tags", form["by"]) if form["by"] else None
    if by is None:
        form.refuse("by", f"There is no tag “{form['by']}”." if form["by"] else "Type the name of the other tag.")
        return None
    return {"type": name, member: number, "by": by}


async def _title(page: AdminPage, attributes: dict[str, Any]) -> str:
    """What a bulk action does, in words."""
    given = attributes["action"]
    name = given["type"]
    if name == "set_attribute":
        value = given["value"]
        return f"Remove “{given['attribute']}”" if value is None else f"Set “{given['attribute']}” to {value}"
    if name == "replace_tag":
        return f"Replace the tag “{await _named(page, given, 'tag')}” by “{await _named(page, given, 'by')}”"
    title = await _named(page, given, "tag" if "tag" in given else "list")
    return f"{ACTIONS[name].replace(' a ', ' the ')} “{title}”"


async def _named(page: AdminPage, given: dict[str, Any], member: str) -> str:
    """The name of the tag or list that an action has; its id if it is deleted."""
    path = f"/v1/{'audiences' if member == 'list' else 'contact_tags'}/{given[member]}"
    try:
        return str((await page.api.get(path))["data"]["attributes"]["name"])
    except Problem:
        return str(given[member])


async def _left(page: AdminPage, bulk: dict[str, Any]) -> dict[str, Any] | None:
    """The tag that a merge of two tags has left without customers; None if there is none to delete."""
    given, summary = bulk["action"], bulk["summary"]
    if given["type"] != "replace_tag" or bulk["state"] != "done" or bulk["undo"] is not None or summary["failed"]:
        return None
    question = {"questions": [{"has": "tag", "any_of": [int(given["tag"])]}]}
    try:
        name = (await page.api.get(f"/v1/contact_tags/{given['tag']}"))["data"]["attributes"]["name"]
        sizes = (await page.api.post("/v1/questions/overlap", question))["data"]["attributes"]["sizes"]
    except Problem:
        return None
    return {"id": given["tag"], "name": name} if sizes == [0] else None


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    number = page.segment("bulk")
    found = (await page.api.get(f"/v1/bulk_actions/{number}"))["data"]["attributes"]
    undone = found["undo"]
    return View(
        template="bulk_action.html",
        partial="_bulk_action.html",
        title=await _title(page, found),
        data={
            "id": number,
            "bulk_action": found,
            "is_running": found["state"] in UNDER_WAY or (undone is not None and undone["state"] in UNDER_WAY),
        },
        more={"form": form, "bulk": found, "start": f"/bulk-actions/{number}", "left": await _left(page, found)},
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("bulk_action.choose", "/bulk-action", choose, "Choose what to do to many people"),
    action("bulk_action.start", "/bulk-action", start, "Begin a bulk action"),
    screen("bulk_actions", "/bulk-actions", index, "See the bulk actions of a site"),
    screen("bulk_action", "/bulk-actions/{bulk}", show, "See a bulk action"),
    action("bulk_action.cancel", "/bulk-actions/{bulk}/cancel", cancel, "Stop a bulk action"),
    action("bulk_action.undo", "/bulk-actions/{bulk}/undo", undo, "Undo a bulk action"),
)
"""The operations on bulk actions."""
