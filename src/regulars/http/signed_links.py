"""Signed links: what lets a customer use pages without signing in.

A link is the number of its site and a sealed token, which holds numbers only: of the customer, and of what the link is
about. Each site has a key of its own for each purpose, so a link for one purpose opens nothing else.
"""

import re
from functools import lru_cache
from typing import Final, Literal

import msgspec

from regulars.http.sealed_tokens import Sealer
from regulars.store.control import Site

Purpose = Literal["confirm", "preferences", "unsubscribe"]

_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{24,200})", re.ASCII)
_decode: Final = msgspec.msgpack.Decoder(tuple[int, ...]).decode


class SignedLinks:
    """Makes and opens the tokens of links. secret: the database's."""

    def __init__(self, secret: bytes) -> None:
        self._sealer = lru_cache(maxsize=1024)(
            lambda purpose, site, key: Sealer(secret, f"link {purpose} of site {site}, key {key}")
        )

    def token(self, purpose: Purpose, site: Site, *numbers: int) -> str:
        """A token, for the path of a URL. The same numbers give the same token until the key of the site changes."""
        sealed = self._sealer(purpose, site.id, site.link_key).seal(msgspec.msgpack.encode(numbers))
        return f"{site.id}.{sealed}"

    def open(self, purpose: Purpose, site: Site, token: str) -> tuple[int, ...] | None:
        """The numbers in a token; None if it was not made for this purpose and site, or its key was revoked."""
        found = _WRITTEN.fullmatch(token)
        if found is None or int(found[1]) != site.id:
            return None
        for key in range(site.link_key, site.oldest_link_key - 1, -1):
            plain = self._sealer(purpose, site.id, key).open(found[2])
            if plain is not None:
                return _decode(plain)
        return None


def site_of(token: str) -> int | None:
    """The number of the site that a token names; None for any other text."""
    found = _WRITTEN.fullmatch(token)
    return None if found is None else int(found[1])
