"""A ChangeSource in memory: a model of each site, the change log, and snapshots that copy what they need."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from copy import deepcopy
from typing import Any

from regulars.audience.source import AttributeRows, ChangeRow, CustomerRow, EventRow, Head, Look, Name, ValueRows
from regulars.audience.structures.attribute_values import texts_at
from regulars.domain.changes import Record, encode

from .model import Model


class FakeSite:
    """One site: commit changes with `commit(record)` after changing the model."""

    def __init__(self, seed: int = 1) -> None:
        self.model = Model()
        self.rows: list[ChangeRow] = []
        self.head = Head(0, 0)
        self.seed = seed
        self.objects: dict[tuple[str, str], int] = {}
        self.identifiers: dict[tuple[str, str], int] = {}
        self.events: list[EventRow] = []
        self.tie_times: dict[tuple[int, int, int], int] = {}

    def commit(self, record: Record, *, bodies: list[bytes] | None = None) -> None:
        token = hash((self.head, self.seed)) & 0xFFFFFFFF
        told = self.events[-1].number if self.events else 0
        parts = bodies or encode(record.entries, cleared=record.cleared, rebuild=record.rebuild, activities=told)
        number = self.head.number + 1
        for at, body in enumerate(parts, 1):
            self.rows.append(ChangeRow(number, token, self.head.token, at == len(parts), body))
        self.head = Head(number, token)

    def add(self, name: str | None = None, **columns: int) -> None:
        self.commit(self.model.upsert(None, dict(columns), {"name": name} if name else {}))


class FakeSource:
    """Sites by number. `gate`: while it is clear, loads wait. `reads` counts calls by name.

    A reading is a function of the sites as they are in the snapshot.
    """

    is_remote = True

    def __init__(self) -> None:
        self.sites: dict[int, FakeSite] = {1: FakeSite()}
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads: dict[str, int] = {}
        self.open = 0

    @property
    def site(self) -> FakeSite:
        return self.sites[1]

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["FakeSnapshot"]:
        self.open += 1
        try:
            yield FakeSnapshot(self)
        finally:
            self.open -= 1


class FakeSnapshot:
    def __init__(self, source: FakeSource) -> None:
        self._source = source
        self.sites = deepcopy(source.sites)
        self._over = False

    async def _read(self, name: str) -> None:
        assert not self._over
        self._source.reads[name] = self._source.reads.get(name, 0) + 1
        await asyncio.sleep(0)

    async def head(self, site: int) -> Head | None:
        await self._read("head")
        return self.sites[site].head if site in self.sites else None

    async def changes(self, site: int, after: int, limit: int) -> list[ChangeRow]:
        await self._read("changes")
        rows = [row for row in self.sites[site].rows if row.number > after]
        return [row for row in rows if row.number < rows[0].number + limit] if rows else []

    async def texts(self, site: int, numbers: Sequence[int]) -> list[tuple[int, tuple[str | None, ...]]]:
        await self._read("texts")
        return list(self.sites[site].model.texts(numbers).items())

    async def attributes(self, site: int, numbers: Sequence[int]) -> list[tuple[int, str | None]]:
        await self._read("attributes")
        known = self.sites[site].model.customers
        return [(number, known[number].attributes) for number in numbers if number in known]

    async def all_attributes(self, site: int) -> AsyncGenerator[AttributeRows, None]:
        await self._source.gate.wait()
        await self._read("all_attributes")
        found = [(each.number, each.attributes) for each in self.sites[site].model.customers.values()]
        kept = [(number, text) for number, text in sorted(found) if text is not None]
        for start in range(0, len(kept), 2):
            some = kept[start : start + 2]
            numbers, documents = (",".join(str(each) for each in column) for column in zip(*some, strict=True))
            yield AttributeRows(f"[{numbers}]", f"[{documents}]")

    async def all_values(self, site: int, path: str) -> AsyncGenerator[ValueRows, None]:
        names = tuple(path.split("."))
        async with aclosing(self.all_attributes(site)) as chunks:
            async for rows in chunks:
                yield ValueRows(rows.numbers, b"\n".join(texts_at(rows.documents, names)).decode())

    async def buckets(self, site: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
        await self._read("buckets")
        known = self.sites[site].model.customers
        return [(number, number % 100 + 1) for number in numbers if number in known]

    async def all_buckets(self, site: int) -> AsyncIterator[Sequence[tuple[int, int]]]:
        await self._source.gate.wait()
        yield await self.buckets(site, sorted(self.sites[site].model.customers))

    async def last_event(self, site: int) -> int:
        await self._read("last_event")
        return max((row.number for row in self.sites[site].events), default=0)

    async def events(self, site: int, after: int, limit: int) -> list[EventRow]:
        await self._read("events")
        return [row for row in self.sites[site].events if row.number > after][:limit]

    async def events_named(self, site: int, name: str, until: int) -> AsyncIterator[Sequence[EventRow]]:
        await self._source.gate.wait()
        await self._read("events_named")
        rows = [row for row in self.sites[site].events if row.name == name and row.number <= until]
        for start in range(0, len(rows), 2):
            yield rows[start : start + 2]

    async def times_named(self, site: int, name: str, until: int) -> AsyncIterator[Sequence[tuple[int, int]]]:
        async for rows in self.events_named(site, name, until):
            yield [(row.customer, row.at) for row in rows]

    async def object_numbers(self, site: int, names: Sequence[Name]) -> dict[Name, int]:
        await self._read("object_numbers")
        known = self.sites[site].objects
        return {name: known[name] for name in names if name in known}

    async def tie_times(self, site: int, relation: int, target: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
        await self._read("tie_times")
        known = self.sites[site].tie_times
        return [(each, known[each, relation, target]) for each in numbers if (each, relation, target) in known]

    async def customers(self, site: int) -> AsyncIterator[Sequence[CustomerRow]]:
        await self._source.gate.wait()
        await self._read("customers")
        model = self.sites[site].model
        numbers = sorted(model.customers)
        for start in range(0, len(numbers), 2):
            yield [model.row(number) for number in numbers[start : start + 2]]

    async def ties(self, site: int) -> AsyncGenerator[tuple[int, int, Sequence[int]], None]:
        await self._read("ties")
        for (relation, target), numbers in self.sites[site].model.ties().items():
            yield relation, target, numbers

    async def look(
        self, site: int, names: Iterable[Name] = (), queries: Sequence[Any] = (), *, last: bool = False
    ) -> Look:
        await self._read("look")
        self._over = last
        if site not in self.sites:
            return Look(None, {}, [])
        found = self.sites[site]
        known = {**found.objects, **found.identifiers}
        numbers = {name: known[name] for name in names if name in known}
        return Look(found.head, numbers, [reading(self.sites) for reading in queries])

    async def read(self, queries: Sequence[Any], *, last: bool = False) -> list[Any]:
        await self._read("read")
        self._over = last
        return [reading(self.sites) for reading in queries]
