"""Attribute surveys: which attributes the customers of a site have, with their types and commonest values.

A survey reads the attributes of all customers on a thread, a chunk at a time. It is kept and used again while nothing
has changed; after changes, until it is older than a multiple of the time that it took. So small sites are surveyed for
each call, and a large one keeps the thread busy for a small part of the time.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.audience.answering import LoadingError
from regulars.audience.source import ChangeSource, Head
from regulars.audience.structures.attribute_values import Path
from regulars.audience.worker_thread import WorkerThread
from regulars.domain.faults import UnknownSiteError
from regulars.domain.moments import now_ms

MOST_LEVELS: Final = 4
MOST_PATHS: Final = 5_000
MOST_DISTINCT: Final = 1_000
LONGEST_VALUE: Final = 100
MOST_VALUES: Final = 10
AS_OLD_AS: Final = 20
"""How many times as old as the time that it took a survey may become."""

TYPES: Final = ("string", "number", "boolean", "array", "object", "null")

_TYPE_OF: Final[dict[type, str]] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}
_decode: Final = msgspec.json.Decoder(list[dict[str, Any]]).decode


class SurveyedAttribute(Struct, frozen=True):
    """One path. customers: how many have a value other than null. types: how many have each JSON type.

    values: the commonest texts, numbers and booleans with the number of customers; for lists, of their items. Of paths
    with more than MOST_DISTINCT values, those that came first are counted: has_all_values is False.
    """

    path: Path
    customers: int
    types: dict[str, int]
    values: list[tuple[Any, int]]
    has_all_values: bool


class Survey(Struct, frozen=True):
    """The attributes of a site by path, as of a change. at: when it was begun (ms). took: seconds.

    customers: how many have any attribute. has_all_paths: False if there are more than MOST_PATHS.
    """

    head: Head
    at: int
    took: float
    customers: int
    attributes: tuple[SurveyedAttribute, ...]
    has_all_paths: bool


class _Path:
    """What was counted of one path."""

    __slots__ = ("types", "values")

    def __init__(self) -> None:
        self.types = dict.fromkeys(TYPES, 0)
        self.values: dict[tuple[str, Any], int] = {}

    def count(self, kind: str, value: Any) -> None:
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            return
        key = (kind, value)
        times = self.values.get(key)
        if times is not None:
            self.values[key] = times + 1
        elif len(self.values) < MOST_DISTINCT:
            self.values[key] = 1

    def commonest(self) -> list[tuple[Any, int]]:
        """The commonest values; of equally common ones, those that came first."""
        found = sorted(self.values.items(), key=lambda each: -each[1])[:MOST_VALUES]
        return [(value, times) for (_, value), times in found]


class Counting:
    """Counts the attributes of customers."""

    def __init__(self) -> None:
        self.customers = 0
        self.has_all_paths = True
        self._paths: dict[Path, _Path] = {}

    def add(self, documents: str) -> None:
        """Count customers by their attributes, a JSON array of objects. Raises msgspec.MsgspecError for others."""
        for document in _decode(documents):
            self.customers += 1
            self._walk((), document)

    def _walk(self, prefix: Path, document: dict[str, Any]) -> None:
        for name, value in document.items():
            path = (*prefix, name)
            found = self._paths.get(path)
            if found is None:
                if len(self._paths) == MOST_PATHS:
                    self.has_all_paths = False
                    continue
                found = self._paths[path] = _Path()
            kind = type_of(value)
            found.types[kind] += 1
            if kind == "object":
                if len(path) < MOST_LEVELS:
                    self._walk(path, value)
            elif kind == "array":
                for item in {(type_of(each), each) for each in value if isinstance(each, str | int | float)}:
                    found.count(*item)
            elif kind != "null":
                found.count(kind, value)

    def survey(self, head: Head, at: int, took: float) -> Survey:
        """What was counted; attributes by path."""
        return Survey(
            head,
            at,
            took,
            self.customers,
            tuple(
                SurveyedAttribute(
                    path,
                    sum(found.types.values()) - found.types["null"],
                    {kind: found.types[kind] for kind in TYPES if found.types[kind]},
                    found.commonest(),
                    len(found.values) < MOST_DISTINCT,
                )
                for path, found in sorted(self._paths.items())
            ),
            self.has_all_paths,
        )


def type_of(value: Any) -> str:
    """The JSON type of a decoded value."""
    return _TYPE_OF[type(value)]


class AttributeSurveys:
    """The surveys of the sites of one store. wait: seconds that a caller waits for the first survey of a site."""

    def __init__(self, source: ChangeSource, *, wait: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._wait = wait
        self._clock = clock
        self._thread = WorkerThread()
        self._kept: dict[int, tuple[Survey, float]] = {}
        self._running: dict[int, asyncio.Task[Survey]] = {}
        self.made = 0

    async def of(self, site: int) -> tuple[Survey, bool]:
        """The survey of a site, and whether it is as of the newest change.

        Raises UnknownSiteError, and LoadingError while the first one takes long.
        """
        async with self._source.snapshot() as snapshot:
            head = await snapshot.head(site)
        if head is None:
            raise UnknownSiteError(site)
        kept = self._kept.get(site)
        if kept is not None:
            survey, ended = kept
            if survey.head == head:
                return survey, True
            if self._clock() - ended < AS_OLD_AS * survey.took and survey.took > 0.05:
                return survey, False
        task = self._running.get(site)
        if task is None:
            task = self._running[site] = asyncio.create_task(self._make(site))
            task.add_done_callback(lambda done: self._ended(site, done))
        try:
            survey = await asyncio.wait_for(asyncio.shield(task), self._wait)
        except TimeoutError:
            if kept is None:
                raise LoadingError(f"the attributes of site {site} are being read") from None
            return kept[0], False
        return survey, survey.head.number >= head.number

    async def close(self) -> None:
        """Stop surveying."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._thread.close()

    def _ended(self, site: int, task: "asyncio.Task[Survey]") -> None:
        del self._running[site]
        if not task.cancelled():
            task.exception()  # mark it as retrieved: every caller may have gone

    async def _make(self, site: int) -> Survey:
        started, at = self._clock(), now_ms()
        counting = Counting()
        async with self._source.snapshot() as snapshot:
            head = await snapshot.head(site)
            if head is None:
                raise UnknownSiteError(site)
            async with aclosing(snapshot.all_attributes(site)) as chunks:
                async for rows in chunks:
                    await self._thread.run(partial(counting.add, rows.documents))
        ended = self._clock()
        survey = await self._thread.run(lambda: counting.survey(head, at, ended - started))
        self._kept[site] = (survey, ended)
        self.made += 1
        return survey
