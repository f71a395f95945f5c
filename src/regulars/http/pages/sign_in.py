"""Signing in and out: by password, or by a one-time link that also invites new users."""

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from regulars.domain.origin import Actor, Channel
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.operation import Handler, Operation
from regulars.http.pages import guessing, passwords, session_cookie
from regulars.http.pages.admin_failures import SIGN_IN
from regulars.http.pages.admin_surface import ADMIN
from regulars.http.pages.forms import FormData, read_form
from regulars.http.pages.page import HOME, AdminPage, View
from regulars.http.pages.signed_in import SignedIn, authenticate
from regulars.http.schema import TEXT, record
from regulars.store.control import ControlError
from regulars.store.engine import Connection
from regulars.store.user_sessions import LONGEST_DAYS, end_session, end_sessions, start_session
from regulars.store.users import (
    User,
    parse_name,
    parse_user_address,
    set_password,
    use_link,
    user_of_address,
    user_of_link,
)

LINK: Final = f"{HOME}/link/{{secret}}"
_WEEK: Final = LONGEST_DAYS * 24 * 3600
_WRONG: Final = "The address or the password is wrong."
_GONE: Final = (
    "This link does not work any more: it was used, it is too old, or a newer one was made. An administrator can make "
    "another, and so can `regulars users link ADDRESS` on the server."
)
_PRIVATE: Final = {"Referrer-Policy": "no-referrer"}
"""The address of a one-time link must not be told to anybody."""


async def home(call: Call, user: SignedIn) -> Response:
    """Leads to the overview of a site."""
    return AdminPage(call, user).redirect(f"{HOME}/sites/{user.current.subdomain}/overview")


async def show(call: Call) -> Response:
    """The form to sign in."""
    page = AdminPage(call, None)
    following = _safe(page.parameters.get("next", HOME))
    try:
        await authenticate(call.scope)
    except Problem:
        return page.respond(_form(page, FormData([]), following))
    return page.redirect(following)


async def sign_in(call: Call) -> Response:
    """Start a session with an address and a password."""
    page = AdminPage(call, None)
    _require_private(page)
    form = await read_form(call)
    following = _safe(form["next"])
    try:
        key = parse_user_address(form["address"])[1]
    except ValueError as error:
        form.refuse("address", f"This {error}.")
        return page.respond(_form(page, form, following, 422))
    subjects = guessing.subjects_of(call.scope, key)
    await guessing.require_patience(call.services, subjects)
    async with call.services.store.snapshot() as connection:
        found = await user_of_address(connection, key)
    password = form.raw("password")
    user, stored = (None, None) if found is None or found[0].disabled_at is not None else found
    if not await passwords.is_password(stored, password) or user is None or stored is None:
        await guessing.failed(call.services, subjects)
        form.refuse("password", _WRONG)
        return page.respond(_form(page, form, following, 422))
    await guessing.succeeded(call.services, subjects)
    engine = call.services.store.engine
    if passwords.is_outdated(stored):
        call.scope["actor"] = Actor(Channel.ADMIN_PAGE, user.id)
        await set_password(engine, user.id, await passwords.hash_password(password), origin=call.origin)
    async with engine.transaction() as transaction:
        secret = await start_session(transaction, user.id, agent=_agent(call), now=page.now)
    return _signed_in(page, secret, following)


async def show_link(call: Call) -> Response:
    """What a one-time link does. Opening it does nothing yet, as mail scanners open links too."""
    page = AdminPage(call, None)
    async with call.services.store.snapshot() as connection:
        user = await user_of_link(connection, call.path("secret"), now=page.now)
    return _private(page.respond(_link_form(page, user, FormData([("name", user.name)] if user else []))))


async def open_link(call: Call) -> Response:
    """Start a session with a one-time link, and set what the user does not have yet."""
    page = AdminPage(call, None)
    _require_private(page)
    form, secret = await read_form(call), call.path("secret")
    services = call.services
    async with services.store.snapshot() as connection:
        user = await user_of_link(connection, secret, now=page.now)
    if user is None:
        return _private(page.respond(_link_form(page, None, form)))
    person = None if user.address is not None else _person(form)
    password = form.raw("password")
    if (password or user.address is None) and (fault := passwords.fault_of(password)) is not None:
        form.refuse("password", fault)
    started = ""

    async def start(connection: Connection, user: User) -> None:
        nonlocal started
        started = await start_session(connection, user.id, agent=_agent(call), now=page.now)

    if not form.errors:
        hashed = await passwords.hash_password(password) if password else None
        call.scope["actor"] = Actor(Channel.ADMIN_PAGE, user.id)
        try:
            user = await use_link(
                services.store.engine,
                secret,
                person=person,
                password=hashed,
                now=page.now,
                start=start,
                origin=call.origin,
            )
        except ControlError as error:
            form.refuse("address", f"{str(error)[:1].upper()}{str(error)[1:]}.")
    if form.errors or user is None:
        return _private(page.respond(_link_form(page, user, form, 422)))
    return _signed_in(page, started, HOME)


async def sign_out(call: Call, user: SignedIn) -> Response:
    """End this session."""
    await end_session(call.services.store.engine, user.user.id, user.session.hash)
    return _signed_out(AdminPage(call, user), "You are signed out.")


async def sign_out_everywhere(call: Call, user: SignedIn) -> Response:
    """End every session of the user."""
    await end_sessions(call.services.store.engine, user.user.id)
    return _signed_out(AdminPage(call, user), "You are signed out everywhere.")


def _form(page: AdminPage, form: FormData, following: str, status: int = 200) -> View:
    more = {"form": form, "next": following, "place": page.place}
    return View(template="sign_in.html", title="Sign in", more=more, status=status)


def _link_form(page: AdminPage, user: User | None, form: FormData, status: int = 200) -> View:
    if user is None:
        more = {"status": 410, "reason": "Gone", "detail": _GONE, "can_reload": False, "faults": ()}
        return View(template="error.html", title="This link does not work any more", more=more, status=410)
    more = {"form": form, "invited": user, "place": page.place, "shortest": passwords.SHORTEST}
    return View(template="link.html", title="Welcome to Regulars", more=more, status=status)


def _person(form: FormData) -> tuple[str, tuple[str, str]] | None:
    """The name and the address in the form; None if they are wrong, which the form then tells."""
    name, address = "", ("", "")
    try:
        name = parse_name(form["name"])
    except ValueError as error:
        form.refuse("name", f"This {error}.")
    try:
        address = parse_user_address(form["address"])
    except ValueError as error:
        form.refuse("address", f"This {error}.")
    return None if form.errors else (name, address)


def _signed_in(page: AdminPage, secret: str, following: str) -> Response:
    response = page.redirect(following)
    session_cookie.set_session(response, page.call.scope, secret, seconds=_WEEK)
    return response


def _signed_out(page: AdminPage, notice: str) -> Response:
    response = page.redirect(SIGN_IN, notice)
    session_cookie.clear_session(response, page.call.scope)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _require_private(page: AdminPage) -> None:
    """Raise Problem where others could read the password on its way."""
    if not page.place.can_sign_in:
        raise Problem(
            "insecure_connection",
            "Signing in needs HTTPS, or a browser on the server itself. Behind a proxy that speaks HTTPS, name it in "
            "REGULARS_TRUSTED_PROXIES.",
        )


def _safe(following: str) -> str:
    """A place on the admin page; its home instead of anything else, so that a link cannot lead elsewhere."""
    parts = urlsplit(following) if following.isprintable() and "\\" not in following else urlsplit("")
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith((f"{HOME}/", HOME))
    return following if is_ours and parts.path.split("/")[1] == HOME.strip("/") else HOME


def _private(response: Response) -> Response:
    response.headers.update(_PRIVATE)
    return response


def _agent(call: Call) -> str | None:
    return call.request.headers.get("user-agent")


def _operation(name: str, method: str, path: str, handler: Handler, summary: str) -> Operation:
    fields = record({}, required=()) if method == "POST" else None
    status = 303 if method == "POST" else 200
    return Operation(
        ADMIN,
        f"admin.{name}",
        method,
        path,
        handler,
        summary,
        body=fields,
        reply=TEXT,
        status=status,
        is_listed=False,
    )


OPERATIONS: Final = (
    _operation("home", "GET", HOME, home, "Go to the overview"),
    _operation("login", "GET", SIGN_IN, show, "See the form to sign in"),
    _operation("sign_in", "POST", SIGN_IN, sign_in, "Sign in with a password"),
    _operation("link", "GET", LINK, show_link, "See what a one-time link does"),
    _operation("open_link", "POST", LINK, open_link, "Sign in with a one-time link"),
    _operation("sign_out", "POST", f"{HOME}/logout", sign_out, "Sign out"),
    _operation("sign_out_everywhere", "POST", f"{HOME}/logout/everywhere", sign_out_everywhere, "Sign out everywhere"),
)
"""The operations before and after a session."""
