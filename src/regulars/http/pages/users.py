"""Users of the admin page: invite by a one-time link, change what they may do, and end their access."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.text import whole_number
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Administrator
from regulars.store import users as stored
from regulars.store.control import ControlError
from regulars.store.user_sessions import end_sessions
from regulars.store.users import LINK_HOURS, ROLES, User

MEANINGS: Final = {
    "read": "see everything",
    "write": "change customers too",
    "admin": "manage users, keys and settings too",
}


async def show(page: AdminPage, user: Administrator) -> View:
    """The users of the account."""
    return await _view(page, user, FormData([]))


async def invite(page: AdminPage, user: Administrator) -> View:
    """Create a user, and show the link that signs them in."""
    form = await page.form()
    if not form["address"]:
        form.refuse("address", "Type the email address of the person.")
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, user, form, 422)
    engine = page.call.services.store.engine
    try:
        made = await stored.create_user(
            engine,
            user.account,
            name=form["name"] or form["address"],
            address=form["address"],
            role=form["role"] or "read",
            now=page.now,
            origin=page.call.origin,
        )
    except ControlError as error:
        sentence = str(error)
        form.refuse("address" if "address" in sentence else "name", f"{sentence[:1].upper()}{sentence[1:]}.")
        return await _view(page, user, form, 422)
    return await _linked(page, user, made)


async def change(page: AdminPage, user: Administrator) -> View | Response:
    """Change the role of a user, make a link, sign out everywhere, disable or enable."""
    form = await page.form()
    found = await _found(page, user)
    act = form["act"]
    if found.id == user.user.id and act in ("role", "disable"):
        raise Problem(
            "unprocessable", "You cannot change your own role or end your own access. Ask another administrator."
        )
    await confirm(page, user, form)
    if act == "role" and form["role"] not in ROLES:
        form.refuse("", f"The role must be one of {', '.join(ROLES)}.")
    if form.errors:
        return await _view(page, user, form, 422)
    engine, origin = page.call.services.store.engine, page.call.origin
    match act:
        case "role":
            await stored.set_role(engine, found.id, form["role"], origin=origin)
            notice = f"{found.name} has the role {form['role']} now."
        case "disable":
            await stored.disable_user(engine, found.id, now=page.now, origin=origin)
            notice = f"{found.name} is disabled and signed out everywhere."
        case "enable":
            await stored.enable_user(engine, found.id, origin=origin)
            notice = f"{found.name} may sign in again."
        case "sign_out":
            await end_sessions(engine, found.id)
            await page.call.record(user.account, f"users/{found.id}", "updated")
            notice = f"{found.name} is signed out everywhere."
        case "link":
            return await _linked(page, user, found)
        case _:
            raise Problem("object_not_found", "There is nothing of this name that can be done with a user.")
    return page.redirect(page.url("/settings/users"), notice)


async def _found(page: AdminPage, user: Administrator) -> User:
    number = whole_number(page.identifier("user"), longest=9)
    async with page.call.services.store.snapshot() as connection:
        users = await stored.list_users(connection, user.account)
    found = next((each for each in users if each.id == number), None)
    if found is None:
        raise Problem("object_not_found", "There is no such user in your account.")
    return found


async def _linked(page: AdminPage, user: Administrator, made: User) -> View:
    secret = await stored.create_link(page.call.services.store.engine, made.id, now=page.now, origin=page.call.origin)
    link = f"{page.place.origin}/admin/link/{secret}"
    return await _view(page, user, FormData([]), link=link, name=made.name)


async def _view(
    page: AdminPage, user: Administrator, form: FormData, status: int = 200, *, link: str | None = None, name: str = ""
) -> View:
    async with page.call.services.store.snapshot() as connection:
        users = await stored.list_users(connection, user.account)
    shown: list[dict[str, Any]] = [
        {
            "id": each.id,
            "name": each.name,
            "address": each.address,
            "role": each.role,
            "signed_in_at": each.signed_in_at,
            "disabled_at": each.disabled_at,
            "is_you": each.id == user.user.id,
        }
        for each in users
    ]
    return View(
        template="users.html",
        title="Users",
        data={"users": shown},
        more={"form": form, "roles": MEANINGS, "link": link, "invited": name, "hours": LINK_HOURS},
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("users", "/settings/users", show, "See the users of the account"),
    action("users.invite", "/settings/users", invite, "Invite a user"),
    action("users.change", "/settings/users/{user}", change, "Change a user"),
)
"""The operations on users."""
