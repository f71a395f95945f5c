"""Merging: possible duplicates, two people side by side, the merge, and its undo."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.text import whole_number
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.customer import title_of
from regulars.http.pages.customer_columns import rows_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Editor, Viewer

REASONS: Final = {
    "address": "the same address but for dots or a plus",
    "phone": "the same phone number",
    "typo": "an error in the domain of the address",
    "name_and_city": "the same name and city",
}
RULES: Final = {"newest": "of whoever was updated last", "survivor": "of the person who stays"}
SAME: Final = "This is the same person."
PAGE: Final = 25


async def duplicates(page: AdminPage, user: Viewer) -> View:
    """Pairs of people who may be the same."""
    return await _pairs(page, FormData([]))


async def _pairs(page: AdminPage, form: FormData, status: int = 200) -> View:
    parameters = {"page[size]": PAGE, "page[after]": page.parameters.get("after")}
    found = await page.api.get("/v1/duplicates", parameters)
    pairs = [{"id": each["id"], **each["attributes"]} for each in found["data"]]
    merges = (await page.api.get("/v1/merges", {"page[size]": PAGE}))["data"]
    following = pairs[-1]["id"] if pairs and found["links"]["next"] else None
    return View(
        template="duplicates.html",
        title="Duplicates",
        data={
            "duplicates": pairs,
            "next": following,
            "merges": [{"id": each["id"], **each["attributes"]} for each in merges],
        },
        more={"form": form, "reasons": REASONS},
        status=status,
    )


async def dismiss(page: AdminPage, user: Editor) -> View | Response:
    """Note that two people are not the same."""
    form = await page.form()
    data = [{"type": "customers", "id": each} for each in form.all("id")]
    try:
        await page.api.post("/v1/duplicates/dismissals", {"data": data})
    except Problem as error:
        form.refuse_faults(error, {"data": ""})
        return await _pairs(page, form, 422)
    return page.redirect(page.url("/duplicates"), "They are noted as two people.")


async def ask_merge(page: AdminPage, user: Editor) -> View:
    """Search for the other person; then both side by side, with what would become of each field."""
    return await _view(page, FormData(list(page.call.query)))


async def merge(page: AdminPage, user: Editor) -> View | Response:
    """Merge the other person into this one."""
    form = await page.form()
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, form, 422)
    number = page.segment("customer")
    try:
        made = await page.api.post(f"/v1/customers/{_number(number)}/merge", _body(form))
    except Problem as error:
        form.refuse_faults(error)
        return await _view(page, form, 422)
    if not made["data"]:
        form.refuse("other", SAME)
        return await _view(page, form, 422)
    return page.redirect(page.url(f"/merges/{made['data'][0]['id']}"), "They are one person now.")


async def show(page: AdminPage, user: Viewer) -> View:
    """One merge, with its undo."""
    return await _shown(page, FormData([]))


async def undo(page: AdminPage, user: Editor) -> View | Response:
    """Undo a merge."""
    number = page.segment("merge")
    form = FormData([])
    try:
        await page.api.post(f"/v1/merges/{number}/undo")
    except Problem as error:
        if error.status == 404:
            raise
        form.refuse("", error.detail)
        return await _shown(page, form, 409)
    return page.redirect(page.url(f"/merges/{number}"), "They are two people again.")


async def _shown(page: AdminPage, form: FormData, status: int = 200) -> View:
    number = page.segment("merge")
    found = (await page.api.get(f"/v1/merges/{number}"))["data"]
    survivor = found["relationships"]["survivor"]["data"]["id"]
    return View(
        template="merge.html",
        title="Merge",
        data={"id": number, "merge": {**found["attributes"], "survivor": survivor}},
        more={"form": form, "start": f"/merges/{number}"},
        status=status,
    )


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    number = page.segment("customer")
    profile = (await page.api.get(f"/v1/customers/{_number(number)}/profile"))["data"]["attributes"]
    other, values, found = None, [], []
    if form["other"]:
        try:
            other = (await page.api.get(f"/v1/customers/{_number(form['other'])}/profile"))["data"]["attributes"]
            path = f"/v1/customers/{_number(number)}/merge?preview=true"
            meta = (await page.api.post(path, _body(form)))["meta"]
            values = meta["values"]
            if meta["result"] == "unchanged":
                form.refuse("other", SAME)
                other, status = None, 422
        except Problem as error:
            form.refuse_faults(error, {"data.0": "other"})
            status = 422
    elif form["search"]:
        reply = await page.api.get(
            "/v1/contacts", {"filter[search]": form["search"], "page[size]": 10, "include": "customer,tags"}
        )
        found = [each for each in rows_of(reply) if each["id"] != number]
    return View(
        template="customer_merge.html",
        title=f"Merge {title_of(profile)}",
        data={"id": number, "profile": profile, "other": other, "values": values, "found": found},
        more={
            "form": form,
            "rules": RULES,
            "name": title_of(profile),
            "other_name": None if other is None else title_of(other),
            "start": f"/customers/{number}",
        },
        status=status,
    )


def _body(form: FormData) -> dict[str, Any]:
    prefer = form["prefer"] if form["prefer"] in RULES else "newest"
    return {"data": [{"id": form["other"]}], "prefer": prefer}


def _number(text: str) -> int:
    """The id of a customer, 0 for what is none: there is nobody with it."""
    return whole_number(text, longest=16) or 0


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("duplicates", "/duplicates", duplicates, "See people who may be the same"),
    action("duplicates.dismiss", "/duplicates/dismiss", dismiss, "Say that two people are not the same"),
    screen("customer.ask_merge", "/customers/{customer}/merge", ask_merge, "Choose with whom to merge a person"),
    action("customer.merge", "/customers/{customer}/merge", merge, "Merge two people"),
    screen("merge", "/merges/{merge}", show, "See a merge"),
    action("merge.undo", "/merges/{merge}/undo", undo, "Undo a merge"),
)
"""The operations on merges."""
