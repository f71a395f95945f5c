"""Who is signed in to the admin page: callers by session instead of by key, with the same scopes.

A handler says what it needs by the type in its signature: Viewer, Editor or Administrator.
"""

from typing import ClassVar, Final

from starlette.types import Scope

from regulars.domain.origin import Actor, Channel
from regulars.domain.site_settings import SiteSettings
from regulars.http.errors import Problem
from regulars.http.keyring import Caller
from regulars.http.pages import session_cookie
from regulars.http.services import Services
from regulars.store import control
from regulars.store.control import ApiKey, Site
from regulars.store.user_sessions import TOUCH_MS, UserSession, find_session, touch_session
from regulars.store.users import User

SCOPES: Final = {"read": ("read",), "write": ("read", "write"), "admin": ("read", "write", "admin")}
"""What users of each role may do, as the scopes of a key."""

RECENT_MS: Final = 15 * 60_000
"""How long after giving the password a user may do what is dangerous."""

_MEANINGS: Final = {"write": "change anything", "admin": "manage users, keys and settings"}


class SignedIn(Caller, frozen=True):
    """A user in a session. all_sites: of the account, by number. current: the site in the URL, else the first."""

    user: User
    session: UserSession
    all_sites: tuple[Site, ...]
    current: Site

    def actor(self, channel: int) -> Actor:
        """The user."""
        return Actor(Channel.ADMIN_PAGE, self.user.id)

    def require(self, scope: str) -> None:
        """Raise Problem unless the role of the user allows what needs this scope."""
        if scope not in self.key.scopes:
            raise Problem(
                "scope_missing",
                f"Your role is “{self.user.role}”, so you cannot {_MEANINGS[scope]}. An administrator can change it.",
            )

    def may(self, scope: str) -> bool:
        """Whether the role allows what needs this scope; templates leave out what it does not."""
        return scope in self.key.scopes

    def is_recent(self, now: int) -> bool:
        """Whether the user has proved who they are within the last 15 minutes."""
        return now - self.session.confirmed_at < RECENT_MS


class Viewer(SignedIn, frozen=True):
    """A signed-in user who may see customers: any role."""

    scope: ClassVar[str | None] = "read"


class Editor(SignedIn, frozen=True):
    """A signed-in user who may change customers: role write or admin."""

    scope: ClassVar[str | None] = "write"


class Administrator(SignedIn, frozen=True):
    """A signed-in user who may manage users, keys and settings: role admin."""

    scope: ClassVar[str | None] = "admin"


async def authenticate(scope: Scope) -> SignedIn:
    """The user whose session the request's cookie names. Raises Problem if there is none, or no such site.

    Sites of other accounts are unknown. Stored in the scope, because error pages show who is signed in.
    """
    known = scope.get("caller")
    if isinstance(known, SignedIn):
        return known
    services: Services = scope["services"]
    secret = session_cookie.read(scope)
    if secret is None:
        raise Problem("not_authenticated", "You are not signed in.")
    now = services.clock()
    async with services.store.snapshot() as connection:
        found = await find_session(connection, secret, now=now)
        sites = [] if found is None else await control.list_sites(connection, found[1].account_id)
    if found is None:
        raise Problem("not_authenticated", "Your session has ended.")
    session, user = found
    if not sites:
        raise Problem("object_not_found", "Your account has no site yet: create one with `regulars sites create`.")
    if now - session.used_at > TOUCH_MS:
        await touch_session(services.store.engine, session, now=now)
    name = scope.get("path_params", {}).get("site")
    current = next((each for each in sites if name is None or each.subdomain == name), None)
    caller = _caller(user, session, sites, current or sites[0])
    scope["caller"] = caller
    if current is None:
        raise Problem("object_not_found", "There is no such site in your account.")
    return caller


def _caller(user: User, session: UserSession, sites: list[Site], current: Site) -> SignedIn:
    key = ApiKey(
        id=0,
        account_id=user.account_id,
        site_id=current.id,
        hint="",
        scopes=SCOPES[user.role],
        dialect=None,
        created_at=user.created_at,
        revoked_at=None,
        last_used_at=None,
        rate=0,
    )
    settings: dict[int, SiteSettings] = {site.id: site.settings for site in sites}
    return SignedIn(key, settings, user, session, tuple(sites), current)
