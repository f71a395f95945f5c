"""The keyring: caches the owners of secrets for seconds, so that requests do not look up their key."""

import time
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from msgspec import Struct

from regulars.domain.origin import Actor
from regulars.domain.site_settings import NO_SETTINGS, SiteSettings
from regulars.http.credentials import Presented, presented
from regulars.http.errors import Problem
from regulars.store import control, tokens
from regulars.store.control import ApiKey
from regulars.store.store import Store

REMEMBERED_SECONDS: Final = 4.0
"""How long an entry is cached: a revocation, or a new setting of a site, takes effect within 5 seconds."""

_LARGEST: Final = 10_000
LONGEST: Final = 512
"""The longest header (bytes) that is cached, so that callers cannot fill the memory."""


class Caller(Struct, frozen=True):
    """Who calls: the key, and the sites of its account by number, with their settings.

    scope: the scope that the key needs. A handler says what it needs by the type in its signature.
    """

    scope: ClassVar[str | None] = None

    key: ApiKey
    sites: Mapping[int, SiteSettings]

    @property
    def site(self) -> int:
        """The key's default site."""
        return self.key.site_id

    def country(self, site: int | None = None) -> str | None:
        """The country of a site, of the default site if none is given; None if none is set."""
        return self.sites.get(self.site if site is None else site, NO_SETTINGS).country

    def time_zone(self, site: int | None = None) -> str:
        """The IANA name of the time zone of a site, of the default site if none is given."""
        return self.sites.get(self.site if site is None else site, NO_SETTINGS).time_zone or "UTC"

    def actor(self, channel: int) -> Actor:
        """Who makes the changes of a call that comes in by this channel."""
        return Actor(channel, self.key.id)

    def require(self, scope: str) -> None:
        """Raise Problem unless the caller may do what needs this scope."""
        if scope not in self.key.scopes:
            raise Problem("scope_missing", f"The key lacks the scope {scope}.")

    @property
    def account(self) -> int:
        """The account whose key it is."""
        return self.key.account_id


class Reader(Caller, frozen=True):
    """A caller whose key has the scope `read`."""

    scope: ClassVar[str | None] = "read"


class Writer(Caller, frozen=True):
    """A caller whose key has the scope `write`."""

    scope: ClassVar[str | None] = "write"


class AdminKey(Caller, frozen=True):
    """A caller whose key has the scope `admin`."""

    scope: ClassVar[str | None] = "admin"


class Keyring:
    """Finds the key behind a secret. `clock` gives ms. It remembers `largest` secrets at most, right and wrong ones."""

    def __init__(self, store: Store, clock: Callable[[], int], *, largest: int = _LARGEST) -> None:
        self._store = store
        self._clock = clock
        self._largest = largest
        self._known: dict[tuple[bytes, bytes], tuple[float, Caller | None]] = {}
        self._used: dict[int, int] = {}

    def __len__(self) -> int:
        """The number of cached secrets."""
        return len(self._known)

    def recall(self, header: tuple[bytes, bytes]) -> Caller | None:
        """The caller of a header (`credentials.header_of`), if it is cached."""
        known = self._known.get(header)
        return None if known is None or known[0] < time.monotonic() else self._noted(known[1])

    async def find(self, header: tuple[bytes, bytes]) -> Caller | None:
        """The caller of a header; None if no valid key or token has its secret."""
        known = self._known.get(header)
        if known is None or known[0] < time.monotonic():
            if len(self._known) >= self._largest:
                self._known.clear()
            known = (time.monotonic() + REMEMBERED_SECONDS, await self._look_up(presented(*header)))
            if len(header[1]) <= LONGEST:
                self._known[header] = known
        return self._noted(known[1])

    def _noted(self, caller: Caller | None) -> Caller | None:
        if caller is not None:
            now = self._clock()
            if caller.key.has_expired(now):  # while it is cached
                return None
            self._used[caller.key.id] = now
        return caller

    def forget(self) -> None:
        """Drop the cache, because something was revoked or changed here."""
        self._known.clear()

    async def flush(self) -> None:
        """Store when keys were last used."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await control.note_use(self._store.engine, used)
        except BaseException:
            self._used = used | self._used
            raise

    async def _look_up(self, found: Presented) -> Caller | None:
        async with self._store.snapshot() as connection:
            key = await control.key_of_secret(connection, found.secret, now=self._clock())
            if key is None and found.bearer:
                behind = await tokens.key_of_token(connection, found.secret, kind="access", now=self._clock())
                key = None if behind is None else behind[0]
            if key is None:
                return None
            sites = await control.list_sites(connection, key.account_id)
        return Caller(key, {site.id: site.settings for site in sites})
