"""What the audience needs of a store: read snapshots, an ordered change log, and bulk reads to load from.

The store implements these protocols; neither side imports the other. Customers are named by their number
within the site throughout.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from regulars.domain.changes import ChangeRow, CustomerRow, Head, Look, Name

__all__ = ("ChangeRow", "ChangeSource", "CustomerRow", "Head", "Look", "Name", "Snapshot")


class Snapshot(Protocol):
    """One consistent view of the store: everything read through it belongs to the same moment."""

    async def head(self, site: int) -> Head | None:
        """The newest change of the site, None if there is no such site."""
        ...

    async def look(
        self, site: int, names: Iterable[Name] = (), queries: Sequence[Any] = (), *, last: bool = False
    ) -> Look:
        """The head, the numbers of what is named, and what readings come to, at the price of one read.

        last: nothing else is read in the snapshot.
        """
        ...

    async def read(self, queries: Sequence[Any], *, last: bool = False) -> list[Any]:
        """What queries, which the store knows how to make, come to. last: nothing else is read in the snapshot."""
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

    def ties(self, site: int) -> AsyncGenerator[tuple[int, int, Sequence[int]], None]:
        """Every tie that holds, as (relation code, object number, customer numbers), in as many pieces as it likes.

        It may be reading ahead: nothing else is read until the generator is closed.
        """
        ...


class ChangeSource(Protocol):
    """A store that can be followed. is_remote: each read has to be waited for, so that few large ones are best."""

    is_remote: bool

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open one consistent view."""
        ...
