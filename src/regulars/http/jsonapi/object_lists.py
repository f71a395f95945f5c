"""Lists of objects: their filters and orders, by kind, and the part of them that a caller asks for."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from regulars.domain.objects import RelatedObject
from regulars.domain.text import composed, fold, search_key
from regulars.http.jsonapi.kinds import READY, ObjectKind, title_of
from regulars.http.jsonapi.places import SITE_ID

Test = Callable[[RelatedObject, str], bool]

PARTS: Final = ("cont", "contains")
"""The vendor's ending of a filter by a part of a text, and ours."""


def _title_contains(item: RelatedObject, text: str) -> bool:
    return search_key(text) in search_key(title_of(item))


def _description_contains(item: RelatedObject, text: str) -> bool:
    return search_key(text) in search_key(item.description or "")


def _has_key(item: RelatedObject, text: str) -> bool:
    return item.key == composed(text)


def _has_code(item: RelatedObject, text: str) -> bool:
    return item.key == fold(text)


def _has_status(_: RelatedObject, text: str) -> bool:
    return text == READY


def tests(kind: ObjectKind) -> dict[str, Test]:
    """The filters of a kind's list, but for the site. What we call `name` has that name whatever the vendor says."""
    return {
        **{f"{name}_{part}": _title_contains for name in dict.fromkeys((kind.title, "name")) for part in PARTS},
        **{f"description_{part}": _description_contains for part in PARTS},
        kind.key: _has_code if kind.by_key else _has_key,
        **({"status_eq": _has_status} if kind.kind == "product" else {}),
    }


def filters(kind: ObjectKind) -> tuple[str, ...]:
    """The names of all filters of a kind's list."""
    return (SITE_ID, *tests(kind))


def sorts(kind: ObjectKind) -> tuple[str, ...]:
    """The orders of a kind's list; the default first."""
    columns = ("id", *dict.fromkeys((kind.title, "name")), "description", "created_at", "updated_at")
    return (*columns, *(f"-{column}" for column in columns))


def selected(
    kind: ObjectKind, items: Sequence[RelatedObject], asked: Sequence[tuple[str, str]], sort: str
) -> list[RelatedObject]:
    """The objects that the filters select, in order: texts folded, null last in both directions, ties by number."""
    known = tests(kind)
    found = [item for item in items if all(known[name](item, text) for name, text in asked if name != SITE_ID)]
    column = sort.removeprefix("-")
    value = _VALUES.get(column, title_of)
    found.sort(key=lambda item: item.number)
    missing = [item for item in found if value(item) is None]
    there = [item for item in found if value(item) is not None]
    # The sort is stable in reverse too, so that equal ones stand by ascending number.
    return [*sorted(there, key=lambda item: _comparable(value(item)), reverse=sort.startswith("-")), *missing]


def _comparable(value: Any) -> Any:
    return (search_key(value), value) if isinstance(value, str) else value


_VALUES: Final[dict[str, Callable[[RelatedObject], Any]]] = {
    "id": lambda item: item.number,
    "description": lambda item: item.description,
    "created_at": lambda item: item.created_at,
    "updated_at": lambda item: item.updated_at,
}
