"""Lists on the page: create one, and let many people join or leave it at once, by email address or id."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.text import whole_number
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages import audiences
from regulars.http.pages.api_client import new_resource
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import action
from regulars.http.pages.signed_in import Editor

MOST_SHOWN: Final = 10
"""Rows that failed of which the page says why."""


async def create(page: AdminPage, user: Editor) -> View | Response:
    """Create an empty list."""
    form = await page.form()
    attributes = {"name": form["name"], "kind": "list"}
    body = new_resource("audiences", attributes, user.current)
    try:
        made = await page.api.post("/v1/audiences", body)
    except Problem as error:
        form.refuse_faults(error)
        return await audiences.listed(page, form, 422)
    return page.redirect(page.url(f"/audiences/{made['data']['id']}"), "The list is created. Add people to it.")


async def change(page: AdminPage, user: Editor) -> View | Response:
    """Let people join a list or leave it."""
    form = await page.form()
    key = page.segment("audience")
    people = [each for line in form["people"].splitlines() for each in line.replace(",", " ").split()]
    if not people:
        form.refuse("people", "Type an email address or an id first.")
        return await audiences.shown(page, form, 422)
    leaves = form["act"] == "leave"
    path = f"/v1/audiences/{key}/customers"
    body = {"data": [_row(each) for each in people]}
    try:
        found = (await (page.api.delete(path, body) if leaves else page.api.post(path, body)))["meta"]
    except Problem as error:
        if error.status == 404:
            raise
        form.refuse("people", error.detail)
        return await audiences.shown(page, form, 422)
    done = found["removed" if leaves else "added"]
    told = f"{page.format.number(done)} {'person has' if done == 1 else 'people have'} {'left' if leaves else 'joined'}"
    if found["unchanged"]:
        told += f", {page.format.number(found['unchanged'])} {'were not' if leaves else 'were already'} in it"
    if not found["failed"]:
        return page.redirect(page.url(f"/audiences/{key}"), f"{told}.")
    failed = [(people[each["row"]], each["detail"]) for each in found["results"] if each["result"] == "failed"]
    left = FormData([("people", "\n".join(name for name, _ in failed)), ("act", form["act"])])
    sentences = "; ".join(f"{name}: {detail}" for name, detail in failed[:MOST_SHOWN])
    left.refuse("people", f"{told}; {page.format.number(len(failed))} could not: {sentences}")
    return await audiences.shown(page, left, 422)


def _row(text: str) -> dict[str, Any]:
    """How the API names a person: by email address, by number, or by the id of another system."""
    is_number = whole_number(text, longest=16) is not None
    return {"email" if "@" in text else "id" if is_number else "customer_id": text}


OPERATIONS: Final[tuple[Operation, ...]] = (
    action("list.create", "/lists", create, "Create a list"),
    action("list.members", "/audiences/{audience}/members", change, "Let people join a list or leave it"),
)
"""The operations on who is in a list."""
