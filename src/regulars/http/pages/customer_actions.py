"""What is done with a person: tags, groups, lists, and deleting."""

from typing import Final

from starlette.responses import Response

from regulars.domain.text import whole_number
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.customer import BY_PATH, title_of, view
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Editor


async def tie(page: AdminPage, user: Editor) -> View | Response:
    """Tie the person to an object by its name or key, or untie one by its id."""
    form = await page.form()
    number, path = page.segment("customer"), form["kind"]
    if path not in BY_PATH:
        raise Problem("object_not_found", "There is nothing of this kind to add or remove.")
    kind = BY_PATH[path]
    remote = f"/v1/customers/{number}/relationships/{path}"
    if form["remove"]:
        await page.api.delete(remote, {"data": [{"type": kind.type, "id": form["remove"]}]})
        return _back(page, number, f"“{form['name'] or form['remove']}” is removed.")
    name = form["name"]
    if not name:
        form.refuse(f"{path}-name", "Type a name first.")
        return await view(page, form, 422)
    found = await object_named(page, str(kind.type), name)
    if found is None:
        form.refuse(f"{path}-name", f"There is no “{name}” under {kind.title.lower()}. Create it under Objects first.")
        return await view(page, form, 422)
    await page.api.post(remote, {"data": [{"type": kind.type, "id": found}]})
    return _back(page, number, f"“{name}” is added.")


async def object_named(page: AdminPage, type_: str, name: str) -> str | None:
    """The id of the object with this name or key; None if there is none."""
    attribute = "title" if type_ in ("offers", "products") else "name"
    for parameter in ("filter[key]", f"filter[{attribute}_cont]"):
        found = await page.api.get(f"/v1/{type_}", {parameter: name, "page[size]": 100})
        for each in found["data"]:
            if name.casefold() in (str(each["attributes"][attribute]).casefold(), each["attributes"].get("key")):
                return str(each["id"])
    return None


async def listing(page: AdminPage, user: Editor) -> Response:
    """Let the person join or leave a list."""
    form = await page.form()
    number = page.segment("customer")
    body = {"data": [{"id": number}]}
    path = f"/v1/audiences/{whole_number(form['list'], longest=16) or 0}/customers"
    report = await (page.api.delete(path, body) if "leave" in form else page.api.post(path, body))
    details = [each["detail"] for each in report["meta"]["results"] if each.get("detail")]
    verb = "has left" if "leave" in form else "has joined"
    return _back(page, number, details[0] if details else f"The person {verb} the list.")


async def ask_delete(page: AdminPage, user: Editor) -> View:
    """What deleting does, before it is done."""
    return await _deleting(page, FormData([]))


async def delete(page: AdminPage, user: Editor) -> View | Response:
    """Delete the person."""
    form = await page.form()
    await confirm(page, user, form)
    if form.errors:
        return await _deleting(page, form, 422)
    number = page.segment("customer")
    profile = await page.api.get(f"/v1/customers/{number}/profile")
    await page.api.delete(f"/v1/contacts/{number}")
    return page.redirect(page.url("/customers"), f"{title_of(profile['data']['attributes'])} is deleted.")


async def erase(page: AdminPage, user: Editor) -> View | Response:
    """Erase the person, with everything that names them, for good."""
    form = await page.form()
    await confirm(page, user, form)
    if form.errors:
        return await _deleting(page, form, 422)
    body = {name: form[name] for name in ("confirm", "reason") if form[name]}
    try:
        await page.api.post(f"/v1/customers/{page.segment('customer')}/erase", body)
    except Problem as error:
        if not error.faults:
            raise
        form.refuse_faults(error)
        return await _deleting(page, form, 422)
    return page.redirect(page.url("/customers"), "The person is erased.")


async def _deleting(page: AdminPage, form: FormData, status: int = 200) -> View:
    number = page.segment("customer")
    profile = (await page.api.get(f"/v1/customers/{number}/profile"))["data"]["attributes"]
    name = title_of(profile)
    return View(
        template="customer_delete.html",
        title=f"Delete {name}",
        data={"id": number, "name": name, "email": profile.get("email")},
        more={"form": form, "start": f"/customers/{number}"},
        status=status,
    )


def _back(page: AdminPage, number: str, notice: str) -> Response:
    return page.redirect(page.url(f"/customers/{number}"), notice)


OPERATIONS: Final[tuple[Operation, ...]] = (
    action("customer.tie", "/customers/{customer}/ties", tie, "Add something to a person, or remove it"),
    action("customer.list", "/customers/{customer}/lists", listing, "Let a person join or leave a list"),
    screen("customer.ask_delete", "/customers/{customer}/delete", ask_delete, "See what deleting a person does"),
    action("customer.erase", "/customers/{customer}/erase", erase, "Erase a person"),
    action("customer.delete", "/customers/{customer}/delete", delete, "Delete a person"),
)
"""The operations that change what belongs to a person."""
