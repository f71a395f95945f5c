"""Asking for the password again before dangerous acts, when the session is older than 15 minutes.

A form has the macro `password_again` in it, and its action calls `confirm`.
"""

from regulars.http.pages import guessing, passwords
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage
from regulars.http.pages.signed_in import SignedIn
from regulars.store.user_sessions import confirm_session
from regulars.store.users import password_of

FIELD = "current_password"


async def confirm(page: AdminPage, user: SignedIn, form: FormData) -> None:
    """Note in the form that the password is missing or wrong, if it is needed; else the session counts as recent."""
    if user.is_recent(page.now):
        return
    services = page.call.services
    async with services.store.snapshot() as connection:
        stored = await password_of(connection, user.user.id)
    if stored is None:
        form.refuse(
            FIELD,
            "Your session is older than 15 minutes, and you have no password. Open a new one-time link: "
            "`regulars users link` makes one.",
        )
        return
    subjects = guessing.subjects_of(page.call.scope, f"session of {user.user.id}")
    await guessing.require_patience(services, subjects)
    if not await passwords.is_password(stored, form.raw(FIELD)):
        if form.raw(FIELD):
            await guessing.failed(services, subjects)
        form.refuse(FIELD, "This is not your password." if form.raw(FIELD) else "Type your password to go on.")
        return
    await guessing.succeeded(services, subjects)
    await confirm_session(services.store.engine, user.session, now=page.now)
