"""The user's own account: password, sessions, signing out everywhere."""

from typing import Final

from starlette.responses import Response

from regulars.http.operation import Operation
from regulars.http.pages import passwords
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Viewer
from regulars.store.user_sessions import list_sessions
from regulars.store.users import set_password


async def show(page: AdminPage, user: Viewer) -> View:
    """Who is signed in, and where."""
    return await _view(page, user, FormData([]))


async def change_password(page: AdminPage, user: Viewer) -> View | Response:
    """Set a new password."""
    form = await page.form()
    if (fault := passwords.fault_of(form.raw("new_password"))) is not None:
        form.refuse("new_password", fault)
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, user, form, 422)
    hashed = await passwords.hash_password(form.raw("new_password"))
    await set_password(page.call.services.store.engine, user.user.id, hashed, origin=page.call.origin)
    return page.redirect(page.url("/account"), "Your password is changed.")


async def _view(page: AdminPage, user: Viewer, form: FormData, status: int = 200) -> View:
    async with page.call.services.store.snapshot() as connection:
        sessions = await list_sessions(connection, user.user.id, now=page.now)
    shown = [
        {
            "browser": each.agent,
            "since": each.created_at,
            "used_at": each.used_at,
            "is_this": each.hash == user.session.hash,
        }
        for each in sessions
    ]
    return View(
        template="account.html",
        title="Your account",
        data={"name": user.user.name, "address": user.user.address, "role": user.user.role, "sessions": shown},
        more={"form": form, "shortest": passwords.SHORTEST},
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("account", "/account", show, "See your account"),
    action("account.password", "/account/password", change_password, "Change your password"),
)
"""The operations on the user's own account."""
