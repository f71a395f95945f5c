"""What the audience needs of a store: read snapshots, an ordered change log, and bulk reads to load from.

The store implements these protocols; neither side imports the other. Customers are named by their number
within the site throughout.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol


class Head(NamedTuple):
    """The newest change of a site: its number (0: none yet) and its random token."""

    number: int
    token: int


class ChangeRow(NamedTuple):
    """One part of one change. `token` is the change's own, `previous` its predecessor's.

    A change may have several parts; they come in order and `last` is True on the last one.
    """

    number: int
    token: int
    previous: int
    last: bool
    body: bytes


class CustomerRow(NamedTuple):
    """One customer as the index loads it: values in the order of `domain.changes.COLUMNS` and `TEXTS`.

    Unset columns are `domain.changes.NULL`, unset texts None. Texts are as they are shown, not folded.
    """

    number: int
    columns: tuple[int, ...]
    texts: tuple[str | None, ...]


class Snapshot(Protocol):
    """One consistent view of the store: everything read through it belongs to the same moment."""

    async def head(self, site: int) -> Head | None:
        """The newest change of the site, None if there is no such site."""
        ...

    async def changes(self, site: int, after: int, limit: int) -> list[ChangeRow]:
        """The parts of up to `limit` changes that follow change number `after`, in order."""
        ...

    async def texts(self, site: int, numbers: Sequence[int]) -> list[tuple[int, tuple[str | None, ...]]]:
        """The current texts (order of TEXTS) of those of the customers that still exist."""
        ...

    def customers(self, site: int) -> AsyncIterator[Sequence[CustomerRow]]:
        """Every customer of the site by ascending number, in chunks; the reading happens off the event loop."""
        ...

    def ties(self, site: int) -> AsyncIterator[tuple[int, int, Sequence[int]]]:
        """Every tie that holds, as (relation code, object number, customer numbers), in as many pieces as it likes."""
        ...

    async def object_numbers(self, site: int, kind: str, keys: Iterable[str]) -> dict[str, int]:
        """The numbers of the objects of a kind that have these keys; unknown keys are left out."""
        ...


class ChangeSource(Protocol):
    """A store that can be followed."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open one consistent view."""
        ...
