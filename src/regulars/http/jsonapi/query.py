"""The query of a call: which parameters it may have, as a table, and what a caller asked for with them.

Refusals name the parameter and list what is allowed, out of the same table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

from regulars.http.errors import Problem
from regulars.http.jsonapi import paging
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.paging import CURSORS, DEFAULT_SIZE, PAGE_NUMBER, PAGE_SIZE, Page

SORT: Final = "sort"
INCLUDE: Final = "include"
DESCRIBE: Final = "describe"
FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_MOST_PARAMETERS: Final = 500


class ParsedQuery(Struct, frozen=True):
    """What a caller asked for.

    filters: every different (name, value) once. sort: a spelling of the query_spec. fields: by type, the fields that
    were asked for; of a type that is absent, all. include: relationships, each once. describe: whether to put the
    question into words.
    """

    filters: Sequence[tuple[str, str]]
    sort: str
    page: Page
    fields: Mapping[str, frozenset[str]]
    include: frozenset[str]
    describe: bool = False


class QuerySpec:
    """The parameters of one call. `sorts` are spellings, the default first; `fields` are those of each type.

    paged: it has pages by number. cursors: and by cursor. described: it can be put into words.
    """

    def __init__(
        self,
        *,
        fields: Mapping[str, Iterable[str]],
        filters: Iterable[str] = (),
        sorts: Iterable[str] = (),
        include: Iterable[str] = (),
        paged: bool = False,
        cursors: bool = False,
        described: bool = False,
    ) -> None:
        self.filters = {f"filter[{name}]": name for name in filters}
        self.sorts = tuple(sorts)
        self.include = tuple(include)
        self.fields = {f"fields[{kind}]": (kind, tuple(names)) for kind, names in fields.items()}
        self.names = (
            *((PAGE_NUMBER, PAGE_SIZE) if paged else ()),
            *(CURSORS if cursors else ()),
            *((SORT,) if self.sorts else ()),
            *((INCLUDE,) if self.include else ()),
            *((DESCRIBE,) if described else ()),
            *self.fields,
            *self.filters,
        )
        self._singles = frozenset(self.names) - self.filters.keys()
        self._plain = ParsedQuery(
            filters=(),
            sort=self.sorts[0] if self.sorts else "",
            page=Page(1, DEFAULT_SIZE),
            fields={},
            include=frozenset(),
        )

    def read(self, raw: bytes, *, largest_page: int) -> ParsedQuery:
        """What the query string asks for. Of all parameters but filters the last one wins.

        Raises ParameterProblem for what is unknown or malformed.
        """
        if not raw and largest_page >= DEFAULT_SIZE:
            return self._plain
        singles: dict[str, str] = {}
        filters: dict[tuple[str, str], None] = {}
        for name, value in pairs(raw):
            if "\0" in value:
                raise ParameterProblem(name, f"{name} must not contain NUL.")
            if (filter_name := self.filters.get(name)) is not None:
                filters[filter_name, value] = None
            elif name in self._singles:
                singles[name] = value
            else:
                raise self._unknown(name)
        sort = singles.get(SORT, self._plain.sort)
        if SORT in singles and sort not in self.sorts:
            raise ParameterProblem(SORT, f"{SORT} must be one of the allowed: {', '.join(self.sorts)}.")
        return ParsedQuery(
            filters=tuple(filters),
            sort=sort,
            page=paging.parse(singles, largest_page),
            fields={
                kind: _listed(parameter, singles[parameter], names)
                for parameter, (kind, names) in self.fields.items()
                if parameter in singles
            },
            include=_listed(INCLUDE, singles[INCLUDE], self.include) if INCLUDE in singles else frozenset(),
            describe=DESCRIBE in singles and _flag(DESCRIBE, singles[DESCRIBE]),
        )

    def _unknown(self, name: str) -> ParameterProblem:
        if name.startswith("filter[") and self.filters:
            allowed = ", ".join(self.filters.values())
            return ParameterProblem(name, f"There is no such filter here; allowed: {allowed}.")
        others = [each for each in self.names if each not in self.filters]
        allowed = ", ".join([*others, "filter[...]"] if self.filters else others)
        return ParameterProblem(name, f"There is no such parameter here; allowed: {allowed or 'none'}.")


def pairs(raw: bytes) -> list[tuple[str, str]]:
    """A query string's or form's parameters in order. Raises Problem when it cannot be read."""
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise Problem("malformed", "The parameters are not valid UTF-8.") from None
    except ValueError:
        raise Problem("malformed", f"There must be at most {_MOST_PARAMETERS} parameters.") from None


def _flag(parameter: str, value: str) -> bool:
    if value not in FLAGS:
        raise ParameterProblem(parameter, f"{parameter} must be one of the allowed: {', '.join(FLAGS)}.")
    return FLAGS[value]


def _listed(parameter: str, value: str, allowed: Sequence[str]) -> frozenset[str]:
    """The names of a comma-separated list; an empty one names nothing."""
    names = frozenset(value.split(",")) if value else frozenset[str]()
    if unknown := names.difference(allowed):
        wrong = ", ".join(sorted(unknown)) or "an empty name"
        raise ParameterProblem(parameter, f"{parameter} does not take {wrong}; allowed: {', '.join(allowed)}.")
    return names
