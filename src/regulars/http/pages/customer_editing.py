"""Editing a person: the fields and attributes of the profile. What somebody else changed meanwhile is told."""

import json
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response

from regulars.domain.fields import fields_of
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages import edit_undo
from regulars.http.pages.customer import FIELDS, title_of
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Editor

_ATTRIBUTES: Final = "custom_attributes"
_ATTEMPTS: Final = 3
_UNSTATED: Final = ""

TYPES: Final = {"text": "Text", "number": "Number", "flag": "Yes or no", "json": "List or object (JSON)"}
"""The types of attributes, with their labels."""


class AttributeInput(Struct, frozen=True):
    """One attribute in the form. value: as typed; before: what was shown, as JSON."""

    name: str
    type: str
    value: str
    before: str


async def show(page: AdminPage, user: Editor) -> View:
    """The form with what is stored."""
    profile = await _profile(page)
    return _view(page, profile, profile, FormData([]))


async def save(page: AdminPage, user: Editor) -> View | Response:
    """Change what was edited, unless somebody else has changed the same meanwhile."""
    form = await page.form()
    before = _before(form)
    changes = _changes(form, before)
    number = page.segment("customer")
    current = await _profile(page)
    if form.errors:
        return _view(page, current, before, form, status=422)
    for _ in range(_ATTEMPTS):
        conflicts = _conflicts(changes, before, current)
        if conflicts:
            return _view(page, current, before, form, status=409, conflicts=conflicts)
        if not changes:
            return page.redirect(page.url(f"/customers/{number}"), "Nothing was changed.")
        body = {"data": {"type": "profiles", "attributes": changes}}
        try:
            done = await page.api.patch(f"/v1/customers/{number}/profile", body, if_match=current["etag"])
        except Problem as error:
            if error.code == "changed_meanwhile":
                current = await _profile(page)
                continue
            form.refuse_faults(error)
            return _view(page, current, before, form, status=422)
        saved = done["data"]["attributes"]
        response = page.redirect(page.url(f"/customers/{number}"), f"{title_of(saved)} is saved.")
        edit_undo.keep(page, response, edit_undo.edit_between(changes, current, saved))
        return response
    form.refuse("", "The customer is being changed by others all the time. Try again in a moment.")
    return _view(page, current, before, form, status=409)


async def _profile(page: AdminPage) -> dict[str, Any]:
    found = await page.api.get(f"/v1/customers/{page.segment('customer')}/profile")
    profile: dict[str, Any] = found["data"]["attributes"]
    return profile


def _before(form: FormData) -> dict[str, Any]:
    """The values that the form was made with."""
    try:
        found = json.loads(form.raw("before") or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get(_ATTRIBUTES, {}), dict):
        raise Problem("malformed", "The form is not complete. Load the page again.")
    return found


def _changes(form: FormData, before: Mapping[str, Any]) -> dict[str, Any]:
    """What was edited, as the body of a change. Refuses in the form what cannot be read."""
    changes: dict[str, Any] = {}
    for name in FIELDS:
        if name in form and form[name] != (before.get(name) or _UNSTATED):
            changes[name] = form[name] or None
    known = before.get(_ATTRIBUTES) or {}
    attributes: dict[str, Any] = {}
    for place, name in enumerate(form.all("attribute")):
        field = f"attribute-{place}"
        if f"{field}-remove" in form:
            attributes[name] = None
        elif form.raw(field) != written(known.get(name)) or form[f"{field}-type"] != type_of(known.get(name)):
            attributes[name] = value_of(form, field, form[f"{field}-type"])
    new = form["new-name"]
    if new and new in known:
        form.refuse("new-name", f"There is an attribute “{new}” already: change it above.")
    elif new:
        attributes[new] = value_of(form, "new-value", form["new-type"])
    elif form["new-value"]:
        form.refuse("new-name", "The new attribute needs a name.")
    for name in known:  # attributes that say the same as a field
        for field in fields_of(name):
            if field in changes:
                attributes.setdefault(name, changes[field])
    return {**changes, _ATTRIBUTES: attributes} if attributes else changes


def type_of(value: Any) -> str:
    """The type of an attribute's value: a key of TYPES."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) or value is None else "json"


def written(value: Any) -> str:
    """A value as the form shows it."""
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def value_of(form: FormData, field: str, type_: str) -> Any:
    """The value that was typed into a field, by its type: a key of TYPES. What cannot be read is noted in the form."""
    text = form.raw(field)
    if type_ == "text":
        return text
    if type_ == "flag":
        if text.strip().lower() not in _FLAGS:
            form.refuse(field, "Type true or false.")
        return _FLAGS.get(text.strip().lower())
    try:
        value = json.loads(text.strip())
    except (ValueError, RecursionError):
        value = None
    if type_ == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            form.refuse(field, "Type a number such as 12 or 3.5.")
    elif not isinstance(value, list | dict):
        form.refuse(field, 'Type a list such as ["a", "b"], or an object such as {"a": 1}.')
    return value


_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _conflicts(
    changes: Mapping[str, Any], before: Mapping[str, Any], current: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What was edited here and by somebody else since: the label, and the three values."""
    found = []
    edits = [
        (FIELDS[name], value, before.get(name), current.get(name)) for name, value in changes.items() if name in FIELDS
    ]
    then, now = before.get(_ATTRIBUTES) or {}, current.get(_ATTRIBUTES) or {}
    edits += [(name, value, then.get(name), now.get(name)) for name, value in changes.get(_ATTRIBUTES, {}).items()]
    for label, value, was, is_now in edits:
        if was != is_now and value != is_now:
            shown = {"before": written(was), "now": written(is_now), "yours": written(value)}
            found.append({"label": label, **shown})
    return found


def _view(
    page: AdminPage,
    current: Mapping[str, Any],
    before: Mapping[str, Any],
    form: FormData,
    *,
    status: int = 200,
    conflicts: list[dict[str, Any]] | None = None,
) -> View:
    """The form. When it is shown again, what was typed stays, and what is stored now counts as seen."""
    known = current.get(_ATTRIBUTES) or {}
    typed = {name: f"attribute-{place}" for place, name in enumerate(form.all("attribute"))}
    seen = {**{name: current.get(name) for name in FIELDS}, _ATTRIBUTES: known}
    inputs = [
        AttributeInput(
            name,
            form[f"{typed[name]}-type"] if name in typed else type_of(value),
            form.raw(typed[name]) if name in typed else written(value),
            written(value),
        )
        for name, value in sorted({**dict.fromkeys(typed), **known}.items())
    ]
    values = {}
    for name in FIELDS:
        was_edited = name in form and form[name] != (before.get(name) or _UNSTATED)
        values[name] = form[name] if was_edited else current.get(name) or ""
    return View(
        template="customer_edit.html",
        title=f"Edit {title_of(current)}",
        data={"profile": seen, "conflicts": conflicts or []},
        more={
            "form": form,
            "fields": FIELDS,
            "values": values,
            "inputs": inputs,
            "types": TYPES,
            "before": json.dumps(seen),
            "name": title_of(current),
            "start": f"/customers/{page.segment('customer')}",
        },
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("customer.edit", "/customers/{customer}/edit", show, "Edit a person"),
    action("customer.save", "/customers/{customer}/edit", save, "Save a person"),
)
"""The operations that edit a person."""
