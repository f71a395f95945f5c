"""Undoing an edit of a person: for ten minutes the browser that made it keeps what the fields were before.

What was there before stands in a cookie that is sent to the page of this person only. Undoing changes the fields back
if they still have the values that the edit gave them.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.page import AdminPage
from regulars.http.pages.screen import action
from regulars.http.pages.signed_in import Editor

_COOKIE: Final = "regulars-undo"
_LIFETIME: Final = 600
"""Seconds."""

_LONGEST: Final = 3_000
"""Bytes that browsers certainly keep. A longer edit is not offered to be undone."""

_ATTRIBUTES: Final = "custom_attributes"
_ATTEMPTS: Final = 3


class Edit(Struct, frozen=True):
    """Fields with their values before and after an edit; attributes likewise. None: no value."""

    fields: dict[str, tuple[Any, Any]]
    attributes: dict[str, tuple[Any, Any]]

    @property
    def names(self) -> list[str]:
        """The fields and attributes that were changed."""
        return [*self.fields, *self.attributes]

    def is_current(self, profile: Mapping[str, Any]) -> bool:
        """Whether everything still has the value that the edit gave it."""
        attributes = profile.get(_ATTRIBUTES) or {}
        return all(profile.get(name) == after for name, (_, after) in self.fields.items()) and all(
            attributes.get(name) == after for name, (_, after) in self.attributes.items()
        )

    @property
    def reversal(self) -> dict[str, Any]:
        """The body of the change that takes the edit back."""
        fields = {name: before for name, (before, _) in self.fields.items()}
        attributes = {name: before for name, (before, _) in self.attributes.items()}
        return {**fields, _ATTRIBUTES: attributes} if attributes else fields


def edit_between(changes: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> Edit:
    """What a change did: `changes` names the fields, the profiles before and after have the values."""
    then, now = before.get(_ATTRIBUTES) or {}, after.get(_ATTRIBUTES) or {}
    return Edit(
        {name: (before.get(name), after.get(name)) for name in changes if name != _ATTRIBUTES},
        {name: (then.get(name), now.get(name)) for name in changes.get(_ATTRIBUTES, {})},
    )


def keep(page: AdminPage, response: Response, edit: Edit) -> None:
    """Let the browser keep an edit, so that it can be undone."""
    value = urlsafe_b64encode(msgspec.json.encode(edit)).decode()
    if len(value) <= _LONGEST:
        response.set_cookie(_COOKIE, value, _LIFETIME, **_place(page))
    else:
        response.delete_cookie(_COOKIE, **_place(page))


def kept(page: AdminPage) -> Edit | None:
    """The last edit of this person in this browser; None if there is none."""
    value = page.call.request.cookies.get(_COOKIE)
    if not value:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(value), type=Edit)
    except ValueError:  # not a value that `keep` wrote
        return None


async def undo(page: AdminPage, user: Editor) -> Response:
    """Take back the last edit of this person, unless somebody has changed the same since."""
    edit = kept(page)
    notice = "There is no edit to undo any more." if edit is None else await _take_back(page, edit)
    number = page.segment("customer")
    response = page.redirect(page.url(f"/customers/{number}"), notice)
    response.delete_cookie(_COOKIE, **_place(page))
    return response


async def _take_back(page: AdminPage, edit: Edit) -> str:
    """Take an edit back; returns what was done, in a sentence."""
    path = f"/v1/customers/{page.segment('customer')}/profile"
    body = {"data": {"type": "profiles", "attributes": edit.reversal}}
    for _ in range(_ATTEMPTS):
        profile = (await page.api.get(path))["data"]["attributes"]
        if not edit.is_current(profile):
            break
        try:
            await page.api.patch(path, body, if_match=profile["etag"])
        except Problem as error:
            if error.code == "changed_meanwhile":
                continue
            return f"Nothing was undone: {error.faults[0].detail if error.faults else error.detail}"
        return "The edit is undone."
    return "Nothing was undone: the same was changed again since."


def _place(page: AdminPage) -> dict[str, Any]:
    path = page.url(f"/customers/{page.segment('customer')}")
    return {"path": path, "secure": page.place.is_secure, "httponly": True, "samesite": "lax"}


OPERATIONS: Final[tuple[Operation, ...]] = (
    action("customer.undo", "/customers/{customer}/undo", undo, "Undo the last edit of a person"),
)
"""The operation that undoes an edit."""
