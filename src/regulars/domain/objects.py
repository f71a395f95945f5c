"""Objects: the groups, tags, offers, broadcasts, ... that customers are tied to."""

import secrets
from typing import Final

from msgspec import Struct

from regulars.domain.object_kinds import OBJECT_KIND
from regulars.domain.text import INDEXED_BYTES, fits_an_index, search_key

OWN_NUMBERS: Final = range(10**12, 2**40)
"""The numbers that the server assigns; callers cannot create objects with them.

So which object a reference names never depends on what arrived before it. Callers' own ids are rarely here: counters
are smaller, milliseconds larger. It ends where ties can still be read packed (`change_statements.LOAD_PACKED_TIES`).
"""


class RelatedObject(Struct):
    """One object; the fields are the columns, in order. `deleted_at` keeps the number from being given out again."""

    kind: int
    number: int
    key: str | None
    name: str | None
    name_key: str | None
    description: str | None
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    @property
    def public_id(self) -> str:
        """The public id: the key if there is one, else the number."""
        return self.key if self.key is not None else str(self.number)

    @property
    def title(self) -> str:
        """The name, or a substitute; never empty."""
        return self.name or self.public_id

    @property
    def title_key(self) -> str:
        """The title as lists sort and search it, cut to what a database index can hold."""
        key = search_key(self.title)
        return key if fits_an_index(key) else key.encode()[:INDEXED_BYTES].decode(errors="ignore")


def new_key(kind: str) -> str | None:
    """A key for a new object of a kind that always has one, else None."""
    prefix = OBJECT_KIND[kind].key_prefix
    return None if prefix is None else prefix + secrets.token_urlsafe(9).replace("-", "a").replace("_", "b")
