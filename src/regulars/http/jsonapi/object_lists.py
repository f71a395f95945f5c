"""Lists of objects: filters and sort orders by kind, and the requested page."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from regulars.domain.objects import RelatedObject
from regulars.domain.text import composed, fold, search_key
from regulars.http.jsonapi.kinds import ResourceType
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import ParsedQuery
from regulars.store import object_lists as store_lists
from regulars.store.engine import SLICE, Connection
from regulars.store.reads import find_object, objects_by_number
from regulars.store.threads import off_loop

Test = Callable[[RelatedObject, str], bool]

PARTS: Final = ("cont", "contains")
"""The vendor's ending of a filter by a part of a text, and ours."""


def _title_contains(item: RelatedObject, text: str) -> bool:
    return search_key(text) in item.title_key


def _description_contains(item: RelatedObject, text: str) -> bool:
    return search_key(text) in search_key(item.description or "")


def _has_key(item: RelatedObject, text: str) -> bool:
    return item.key == composed(text)


def _has_code(item: RelatedObject, text: str) -> bool:
    return item.key == fold(text)


def tests(kind: ResourceType) -> dict[str, Test]:
    """The filters of a kind's list, but for the site. What we call `name` has that name whatever the vendor says."""
    return {
        **{f"{name}_{part}": _title_contains for name in dict.fromkeys((kind.title, "name")) for part in PARTS},
        **{f"description_{part}": _description_contains for part in PARTS},
        kind.key: _has_code if kind.by_key else _has_key,
        **({} if kind.status is None else {"status_eq": lambda _, text: text == kind.status}),
    }


def filters(kind: ResourceType) -> tuple[str, ...]:
    """The names of all filters of a kind's list."""
    return (SITE_ID, *tests(kind))


def sorts(kind: ResourceType) -> tuple[str, ...]:
    """The orders of a kind's list; the default first."""
    columns = ("id", *dict.fromkeys((kind.title, "name")), "description", "created_at", "updated_at")
    return (*columns, *(f"-{column}" for column in columns))


async def page_of(
    connection: Connection, site: int, kind: ResourceType, query: ParsedQuery
) -> tuple[list[RelatedObject], int]:
    """The objects of the page that is asked for, and how many the filters select.

    Lists without filters, and those by a part of the title, come from indexes. Rarer questions go through all objects
    of the kind, a slice at a time.
    """
    asked = [each for each in query.filters if each[0] != SITE_ID]
    order, page = _order(kind, query.sort), query.page
    if not asked and order in store_lists.ORDERS:
        total = await store_lists.count_objects(connection, site, kind.kind)
        numbers = await store_lists.page_of_objects(
            connection, site, kind.kind, order, skip=page.skip, count=page.size, total=total
        )
        return await _objects(connection, site, kind, numbers), total
    known = tests(kind)
    if len(asked) == 1 and known[asked[0][0]] is _title_contains and order in store_lists.MATCH_ORDERS:
        numbers = await store_lists.titled_objects(connection, site, kind.kind, order, search_key(asked[0][1]))
        shown = numbers[page.skip : page.skip + page.size]
        return await _objects(connection, site, kind, shown), len(numbers)
    found: list[RelatedObject] = []
    async for items in _candidates(connection, site, kind, dict(asked).get(kind.key)):
        found += (item for item in items if all(known[name](item, text) for name, text in asked))
    listed = in_order(found, order) if len(found) <= SLICE else await off_loop(in_order, found, order)
    return listed[page.skip : page.skip + page.size], len(listed)


def _order(kind: ResourceType, sort: str) -> str:
    """The order as the store calls it."""
    column = sort.removeprefix("-")
    return sort if column not in (kind.title, "name") else sort.replace(column, "title")


async def _objects(connection: Connection, site: int, kind: ResourceType, numbers: list[int]) -> list[RelatedObject]:
    """The objects with these numbers, in their order."""
    found = {item.number: item for item in await objects_by_number(connection, site, kind.kind, numbers)}
    return [found[number] for number in numbers if number in found]


async def _candidates(
    connection: Connection, site: int, kind: ResourceType, key: str | None
) -> AsyncIterator[list[RelatedObject]]:
    """The objects that filters may select: one where they name its key, else all."""
    if key is None:
        async for items in store_lists.objects_in_slices(connection, site, kind.kind):
            yield items
    else:
        found = await find_object(connection, site, kind.kind, fold(key) if kind.by_key else composed(key))
        yield [] if found is None else [found]


def in_order(found: list[RelatedObject], order: str) -> list[RelatedObject]:
    """Objects in an order: texts folded, null last in both directions, equal ones by number."""
    value = _VALUES[order.removeprefix("-")]
    found = sorted(found, key=lambda item: item.number)
    missing = [item for item in found if value(item) is None]
    there = [item for item in found if value(item) is not None]
    # The sort is stable in reverse too, so that equal ones stand by ascending number.
    return [*sorted(there, key=value, reverse=order.startswith("-")), *missing]


def _comparable(text: str | None) -> tuple[str, str] | None:
    return None if text is None else (search_key(text), text)


_VALUES: Final[dict[str, Callable[[RelatedObject], Any]]] = {
    "id": lambda item: item.number,
    "title": lambda item: item.title_key,
    "description": lambda item: _comparable(item.description),
    "created_at": lambda item: item.created_at,
    "updated_at": lambda item: item.updated_at,
}
