"""API keys: what each may do and when it was last used; create one, whose secret is shown once, and revoke one."""

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
from regulars.store import control
from regulars.store.control import ApiKey

SCOPES: Final = {
    "read": "Read customers, objects and answers",
    "write": "Change customers and objects",
    "webhook": "Send the reports of an email provider",
    "admin": "Read the audit trail and what else is for administrators",
}
_FASTEST: Final = 1_000_000


async def show(page: AdminPage, user: Administrator) -> View:
    """The keys of the account."""
    return await _view(page, user, FormData([]))


async def create(page: AdminPage, user: Administrator) -> View:
    """Create a key, and show its secret."""
    form = await page.form()
    scopes = tuple(scope for scope in SCOPES if scope in form.all("scope"))
    rate = None if not form["rate"] else whole_number(form["rate"], longest=7)
    if not scopes:
        form.refuse("scope", "Choose what the key may do.")
    if form["rate"] and (rate is None or rate > _FASTEST):
        form.refuse("rate", "Type a whole number of requests per second, 0 for no limit, or nothing.")
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, user, form, 422)
    key, secret = await control.create_key(
        page.call.services.store.engine,
        user.current,
        scopes=scopes,
        rate=rate,
        is_strict="strict" in form,
        now=page.now,
        origin=page.call.origin,
    )
    return await _view(page, user, FormData([]), secret=secret, new=key.id)


async def revoke(page: AdminPage, user: Administrator) -> View | Response:
    """Revoke a key."""
    form = await page.form()
    await confirm(page, user, form)
    if form.errors:
        return await _view(page, user, form, 422)
    number = whole_number(page.segment("key"), longest=9)
    if number not in {each.id for each in await _keys(page, user) if each.revoked_at is None}:
        raise Problem("object_not_found", "There is no such key, or it is revoked already.")
    services = page.call.services
    await control.revoke_key(services.store.engine, number, now=page.now, origin=page.call.origin)
    services.keyring.forget()
    return page.redirect(page.url("/settings/keys"), "The key is revoked. It stops to work within five seconds.")


async def _keys(page: AdminPage, user: Administrator) -> list[ApiKey]:
    async with page.call.services.store.snapshot() as connection:
        return [each for each in await control.list_keys(connection) if each.account_id == user.account]


async def _view(
    page: AdminPage,
    user: Administrator,
    form: FormData,
    status: int = 200,
    *,
    secret: str | None = None,
    new: int | None = None,
) -> View:
    sites = {site.id: site.title for site in user.all_sites}
    shown: list[dict[str, Any]] = [
        {
            "id": each.id,
            "hint": each.hint,
            "site": sites.get(each.site_id, ""),
            "scopes": each.scopes,
            "dialect": each.dialect,
            "rate": each.rate,
            "is_strict": each.is_strict,
            "created_at": each.created_at,
            "last_used_at": each.last_used_at,
            "revoked_at": each.revoked_at,
        }
        for each in reversed(await _keys(page, user))
    ]
    return View(
        template="keys.html",
        title="API keys",
        data={"keys": shown},
        more={
            "form": form,
            "scopes": SCOPES,
            "secret": secret,
            "new": new,
            "usual_rate": page.call.services.settings.rate_limit,
        },
        status=status,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("keys", "/settings/keys", show, "See the API keys of the account"),
    action("keys.create", "/settings/keys", create, "Create an API key"),
    action("keys.revoke", "/settings/keys/{key}/revoke", revoke, "Revoke an API key"),
)
"""The operations on API keys."""
