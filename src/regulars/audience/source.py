"""The interface of a store for the audience: read snapshots, an ordered change log, and bulk reads for loading.

The store implements these protocols; neither side imports the other. Customers are always identified by their number
within the site.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from regulars.domain.changes import AttributeRows, ChangeRow, CustomerRow, EventRow, Head, Look, Name, ValueRows

__all__ = (
    "AttributeRows",
    "ChangeRow",
    "ChangeSource",
    "CustomerRow",
    "EventRow",
    "Head",
    "Look",
    "Name",
    "Snapshot",
    "ValueRows",
)


class Snapshot(Protocol):
    """One consistent view of the store: all reads through it see the same state."""

    async def head(self, site: int) -> Head | None:
        """The newest change of the site, None if there is no such site."""
        ...

    async def look(
        self, site: int, names: Iterable[Name] = (), queries: Sequence[Any] = (), *, last: bool = False
    ) -> Look:
        """The head, the numbers behind the names, and the results of the queries, at the cost of one read.

        last: nothing else will be read in the snapshot.
        """
        ...

    async def read(self, queries: Sequence[Any], *, last: bool = False) -> list[Any]:
        """The results of queries built by the store. last: nothing else will be read in the snapshot."""
        ...

    async def changes(self, site: int, after: int, limit: int) -> list[ChangeRow]:
        """The parts of up to `limit` changes after change number `after`, in order."""
        ...

    async def texts(self, site: int, numbers: Sequence[int]) -> list[tuple[int, tuple[str | None, ...]]]:
        """The current texts (in the order of TEXTS) of those customers that still exist."""
        ...

    async def attributes(self, site: int, numbers: Sequence[int]) -> list[tuple[int, str | None]]:
        """The attributes, as JSON, of those customers that still exist; None for those without any."""
        ...

    def all_attributes(self, site: int) -> AsyncGenerator[AttributeRows, None]:
        """The attributes of all customers that have some, by ascending number, in chunks read off the event loop.

        The generator may read ahead: read nothing else before it is closed.
        """
        ...

    def all_values(self, site: int, path: str) -> AsyncGenerator[ValueRows, None]:
        """The values of all customers at a path in their attributes, as `all_attributes` has them.

        path: names joined by dots. Each consists of letters, digits, spaces, _ and -, and begins with a letter or _.
        """
        ...

    async def buckets(self, site: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """(number, control bucket) of those customers that still exist."""
        ...

    def all_buckets(self, site: int) -> AsyncIterator[Sequence[tuple[int, int]]]:
        """The same of all customers, by ascending number, in chunks read off the event loop."""
        ...

    async def last_event(self, site: int) -> int:
        """The largest number of an event of the site; 0 if there is none."""
        ...

    async def events(self, site: int, after: int, limit: int) -> list[EventRow]:
        """Up to `limit` events whose numbers are above `after`, in order."""
        ...

    def events_named(self, site: int, name: str, until: int) -> AsyncIterator[Sequence[EventRow]]:
        """The events of a name with numbers up to `until`, in chunks read off the event loop."""
        ...

    def times_named(self, site: int, name: str, until: int) -> AsyncIterator[Sequence[tuple[int, int]]]:
        """(customer, at) of the same events: cheaper to read."""
        ...

    async def object_numbers(self, site: int, names: Sequence[Name]) -> dict[Name, int]:
        """The numbers behind keys of objects, deleted ones included, as their keys stay with them."""
        ...

    async def tie_times(self, site: int, relation: int, target: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """(customer, at) of the ties to an object that these customers have."""
        ...

    def customers(self, site: int) -> AsyncIterator[Sequence[CustomerRow]]:
        """All customers of the site by ascending number, in chunks that are read off the event loop."""
        ...

    def ties(self, site: int) -> AsyncGenerator[tuple[int, int, Sequence[int]], None]:
        """All current ties as (relation code, object number, customer numbers), in any number of chunks.

        The generator may read ahead: read nothing else before it is closed.
        """
        ...


class ChangeSource(Protocol):
    """A store that can be followed. is_remote: each read costs a round trip, so few large reads are best."""

    is_remote: bool

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open one consistent view."""
        ...
