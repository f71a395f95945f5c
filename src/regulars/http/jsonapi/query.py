"""Query parameters: which ones a call has, as a table, and how a query string is parsed.

Refusals name the parameter and list what is allowed, out of the same table. A parameter that is none of the call's and
does not resemble a filter is ignored, and the response says so: existing scripts of the vendor's users send such. What
resembles a filter is refused, because ignoring a filter would select more customers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct

from regulars.audience.questions.tree import Node
from regulars.domain.text import search_key, whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import asked_question, paging
from regulars.http.jsonapi.asked_question import AskedQuestion
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.paging import CURSORS, DEFAULT_SIZE, PAGE_AFTER, PAGE_NUMBER, PAGE_SIZE, Page

SORT: Final = "sort"
INCLUDE: Final = "include"
DESCRIBE: Final = "describe"
FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
"""How a flag may be written, in letters of any case."""

_NEEDLES: Final = ("_cont]", "_contains]", "search]")
"""How the names of filters end that look for a part of a text."""

_MOST_PARAMETERS: Final = 500
_MOST_WARNINGS: Final = 20
"""The number of unknown parameters that are ignored; one more is refused."""

_NEVER_PASSED_OVER: Final = frozenset({SORT, INCLUDE, *CURSORS})
"""JSON:API wants them refused where there are none, and a client that followed cursors would never come to an end."""

_OF_ADDRESSES: Final = frozenset({"email", "email_contains"})
"""Filters whose value is an address or part of one, which has no blanks: where one arrives, a + was sent bare."""

_WORD: Final = re.compile(r"[^a-z0-9]+")
_ALIKE: Final = 0.9
"""How similar a name without brackets must be to that of a filter to be refused; 1 is the same."""

_GUESSED: Final = 0.6
"""How similar a filter must be to be suggested."""


class ParsedQuery(Struct, frozen=True):
    """What a caller asked for.

    filters: every different (name, value) once. sort: a spelling of the query_spec. fields: by type, the fields that
    were asked for; of a type that is absent, all. include: relationships, each once. describe: whether to put the
    question into words. warnings: what of the query was passed over or changed, as replies tell it.
    is_paged: whether a page was asked for. asked: the question, if there is one. numbers: those of the call's own
    parameters that take one.
    """

    filters: Sequence[tuple[str, str]]
    sort: str
    page: Page
    fields: Mapping[str, frozenset[str]]
    include: frozenset[str]
    describe: bool = False
    warnings: Sequence[Mapping[str, Any]] = ()
    is_paged: bool = False
    asked: AskedQuestion | None = None
    numbers: Mapping[str, int] = {}


class QuerySpec:
    """The parameters of one call. `sorts` are spellings, the default first; `fields` are those of each type.

    paged: it has pages by number. cursors: and by cursor. feed: it has pages by a cursor, forwards only. described: it
    can be put into words. asked: it takes a question; without one, `otherwise` is asked. numbers: parameters of its own
    that take a whole number: the least, the largest and the default. idle: parameters of the vendor's for filters that
    have nothing to select by here, with the reason; they are passed over.
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
        feed: bool = False,
        described: bool = False,
        asked: bool = False,
        otherwise: Node | None = None,
        numbers: Mapping[str, tuple[int, int, int]] | None = None,
        idle: Mapping[str, str] | None = None,
    ) -> None:
        self.asks = asked
        self._otherwise = otherwise
        self._idle = dict(idle or {})
        self.numbers = dict(numbers or {})
        self.filters = {f"filter[{name}]": name for name in filters}
        self.sorts = tuple(sorts)
        self.include = tuple(include)
        self.fields = {f"fields[{kind}]": (kind, tuple(names)) for kind, names in fields.items()}
        self.names = (
            *((PAGE_NUMBER, PAGE_SIZE) if paged else ()),
            *((PAGE_SIZE, PAGE_AFTER) if feed else ()),
            *(CURSORS if cursors else ()),
            *((SORT,) if self.sorts else ()),
            *((INCLUDE,) if self.include else ()),
            *((DESCRIBE,) if described else ()),
            *(asked_question.PARAMETERS if asked else ()),
            *self.numbers,
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
            asked=None if otherwise is None else AskedQuestion(otherwise),
            numbers={name: default for name, (_, _, default) in self.numbers.items()},
        )

    def of(self, call: Call, raw: bytes | None = None) -> ParsedQuery:
        """What a call asks for, as `read` takes it. raw: the query string, if it is not that of the call.

        `Prefer: handling=strict` (RFC 7240) refuses what is unknown.
        """
        return self.read(
            call.scope["query_string"] if raw is None else raw,
            largest_page=call.services.settings.page_size_limit,
            strict=prefers_strict(call),
        )

    def read(self, raw: bytes, *, largest_page: int, strict: bool = False) -> ParsedQuery:
        """What the query string asks for. Of all parameters but filters the last one wins.

        Unknown parameters are ignored, and a too large page size becomes the maximum. Raises ParameterProblem for
        what is malformed, for what resembles a filter, and with `strict` for the other two as well.
        """
        if not raw and largest_page >= DEFAULT_SIZE:
            return self._plain
        singles: dict[str, str] = {}
        filters: dict[tuple[str, str], None] = {}
        warnings: dict[str, str] = {}
        attributes: list[tuple[str, str]] = []
        for name, value in pairs(raw):
            if "\0" in value:
                raise ParameterProblem(name, f"{name} must not contain NUL.")
            if (filter_name := self.filters.get(name)) is not None:
                if value and name.endswith(_NEEDLES) and not search_key(value):
                    raise ParameterProblem(name, f"{name} must contain a visible character.")
                filters[filter_name, address(value) if filter_name in _OF_ADDRESSES else value] = None
            elif name in self._singles:
                singles[name] = value
            elif self.asks and name.startswith(asked_question.ATTRIBUTE):
                attributes.append((name, value))
            elif strict or len(warnings) == _MOST_WARNINGS or self._must_be_known(name):
                raise self._unknown(name)
            else:
                warnings[name] = self._idle.get(name, "Unknown parameter; it was ignored.")
        if PAGE_SIZE in singles and not strict and paging.is_larger(singles[PAGE_SIZE], largest_page):
            warnings[PAGE_SIZE] = f"The maximum is {largest_page}, which was used instead."
            singles[PAGE_SIZE] = str(largest_page)
        sort = singles.get(SORT, self._plain.sort)
        if SORT in singles and sort not in self.sorts:
            raise ParameterProblem(SORT, f"{SORT} must be one of {', '.join(self.sorts)}.")
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
            is_paged=any(name in singles for name in paging.PARAMETERS),
            asked=asked_question.read_asked(singles, attributes, self._otherwise),
            numbers={name: self._number(name, singles) for name in self.numbers},
            describe=DESCRIBE in singles and _flag(DESCRIBE, singles[DESCRIBE]),
            warnings=[{"source": {"parameter": name}, "detail": detail} for name, detail in warnings.items()],
        )

    def _number(self, name: str, given: Mapping[str, str]) -> int:
        low, high, default = self.numbers[name]
        if name not in given:
            return default
        number = whole_number(given[name], longest=10)
        if number is None or not low <= number <= high:
            raise ParameterProblem(name, f"{name} must be a whole number from {low} to {high}.")
        return number

    def _must_be_known(self, name: str) -> bool:
        """Whether an unknown parameter would change the result, so that it cannot be ignored."""
        return name in _NEVER_PASSED_OVER or (name not in self._idle and self._resembles_filter(name))

    def _resembles_filter(self, name: str) -> bool:
        """Whether a parameter of another name was meant as a filter: filters[x], filter.x, fliter[x], has_tag_id."""
        outer, bracket, inner = name.lower().partition("[")
        if "filter" in outer or (bracket and get_close_matches(outer, ["filter"], 1, 0.7)):
            return True
        word = _WORD.sub("_", inner if bracket else outer).strip("_")
        cutoff = 1.0 if bracket else _ALIKE
        return bool(word and get_close_matches(word, self.filters.values(), 1, cutoff))

    def _unknown(self, name: str) -> ParameterProblem:
        if self.filters and self._resembles_filter(name):
            word = _WORD.sub("_", re.sub(r"^[^[]*\[", "", name.lower()).removeprefix("filter")).strip("_")
            near = get_close_matches(word, self.filters.values(), 1, _GUESSED)
            meant = f" Did you mean filter[{near[0]}]?" if near else ""
            allowed = ", ".join(self.filters.values())
            return ParameterProblem(name, f"Unknown filter.{meant} Allowed filters, written as filter[...]: {allowed}.")
        others = [each for each in self.names if each not in self.filters]
        allowed = ", ".join([*others, "filter[...]"] if self.filters else others)
        return ParameterProblem(name, f"Unknown parameter. Allowed: {allowed or 'none'}.")


def pairs(raw: bytes) -> list[tuple[str, str]]:
    """A query string's or form's parameters in order. Raises Problem when it cannot be read."""
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise Problem("malformed", "The query string is not valid UTF-8.") from None
    except ValueError:
        raise Problem("malformed", f"The query string may have at most {_MOST_PARAMETERS} parameters.") from None


def address(text: str) -> str:
    """An address, or part of one, as a query string brings it: a + that was not encoded arrives as a blank."""
    return text.strip().replace(" ", "+")


def prefers_strict(call: Call) -> bool:
    """Whether a call has the header `Prefer: handling=strict` (RFC 7240)."""
    return any(_prefers_strict(value) for value in call.request.headers.getlist("prefer"))


def _prefers_strict(value: str) -> bool:
    """Whether a Prefer header asks for strict handling."""
    asked = (part.partition(";")[0].strip().lower() for part in value.split(","))  # a preference may have parameters
    return any(each.replace('"', "").replace(" ", "") == "handling=strict" for each in asked)


def _flag(parameter: str, value: str) -> bool:
    if value.lower() not in FLAGS:
        raise ParameterProblem(parameter, f"{parameter} must be one of {', '.join(FLAGS)}.")
    return FLAGS[value.lower()]


def _listed(parameter: str, value: str, allowed: Sequence[str]) -> frozenset[str]:
    """The names of a comma-separated list; an empty one names nothing."""
    names = frozenset(value.split(",")) if value else frozenset[str]()
    if unknown := names.difference(allowed):
        wrong = ", ".join(sorted(unknown)) or "an empty name"
        raise ParameterProblem(parameter, f"{parameter} does not take {wrong}. Allowed: {', '.join(allowed)}.")
    return names
