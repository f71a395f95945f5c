"""Pages: the requested part of a list, and the links and totals of a page.

A page is named by its number, or by a cursor that it stands behind or before (after the cursor profile of JSON:API).
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from msgspec import Struct

from regulars.domain.text import is_digits, whole_number
from regulars.http.jsonapi.failures import ParameterProblem

PAGE_NUMBER: Final = "page[number]"
PAGE_SIZE: Final = "page[size]"
PAGE_AFTER: Final = "page[after]"
PAGE_BEFORE: Final = "page[before]"
CURSORS: Final = (PAGE_AFTER, PAGE_BEFORE)
PARAMETERS: Final = (PAGE_NUMBER, PAGE_SIZE, *CURSORS)
DEFAULT_SIZE: Final = 25
LARGEST_NUMBER: Final = 10**9
"""More pages than any list has; with the largest size the rows to skip are far from any integer's end."""

_WRITTEN: Final = "!$&'()*+,-./:;=?@[]_~%"


class Page(Struct, frozen=True):
    """A page of a list: by its number, counted from 1, or by a cursor. An empty cursor is the list's own end.

    after, before: the cursor that the page stands behind, or before; at most one of them.
    """

    number: int
    size: int
    after: str | None = None
    before: str | None = None

    @property
    def skip(self) -> int:
        """The number of items before it."""
        return (self.number - 1) * self.size

    @property
    def has_cursor(self) -> bool:
        """Whether it is named by a cursor."""
        return self.after is not None or self.before is not None


class Neighbours(Struct, frozen=True):
    """The cursors at the ends of a page, where another page lies beyond; else None."""

    previous: str | None = None
    following: str | None = None


NOWHERE: Final = Neighbours()


def parse(given: Mapping[str, str], largest_size: int) -> Page:
    """Read the page out of the parameters. Raises ParameterProblem."""
    named = [name for name in (*CURSORS, PAGE_NUMBER) if name in given]
    if len(named) > 1:
        raise ParameterProblem(named[1], f"{named[1]} cannot be combined with {named[0]}. Send one of them.")
    return Page(
        parse_number(given[PAGE_NUMBER]) if PAGE_NUMBER in given else 1,
        parse_size(given[PAGE_SIZE], largest_size) if PAGE_SIZE in given else min(DEFAULT_SIZE, largest_size),
        given.get(PAGE_AFTER),
        given.get(PAGE_BEFORE),
    )


def parse_number(text: str) -> int:
    """Read page[number]. Raises ParameterProblem."""
    return whole(PAGE_NUMBER, text, LARGEST_NUMBER)


def parse_size(text: str, largest: int) -> int:
    """Read page[size]. Raises ParameterProblem."""
    return whole(PAGE_SIZE, text, largest)


def is_larger(text: str, largest: int) -> bool:
    """Whether page[size] is a whole number, and larger than a page can be."""
    return is_digits(text) and (len(text) > 10 or int(text) > largest)


def whole(parameter: str, text: str, largest: int) -> int:
    """Read a whole number from 1. Raises ParameterProblem."""
    value = whole_number(text, longest=10)
    if value is not None and 1 <= value <= largest:
        return value
    raise ParameterProblem(parameter, f"{parameter} must be a whole number from 1 to {largest}.")


def links(
    address: str, raw_query: bytes, page: Page, total: int, beside: Neighbours = NOWHERE
) -> dict[str, str | None]:
    """The links of a page: `address` is the URL without its query, whose other parameters stay as they were sent.

    They name pages in the way that this one is named: by number, or by the cursors `beside` it.
    """
    start, end = without_page(address, raw_query), f"&{PAGE_SIZE}={page.size}"

    def link(parameter: str, value: int | str | None) -> str | None:
        return None if value is None else f"{start}{parameter}={value}{end}"

    if page.has_cursor:
        here = link(PAGE_AFTER, page.after) or link(PAGE_BEFORE, page.before)
        first, last = link(PAGE_AFTER, ""), link(PAGE_BEFORE, "")
        before, after = link(PAGE_BEFORE, beside.previous), link(PAGE_AFTER, beside.following)
    else:
        end_page = pages(page, total)
        here = link(PAGE_NUMBER, page.number)
        first, last = link(PAGE_NUMBER, 1), link(PAGE_NUMBER, max(end_page, 1))
        before = link(PAGE_NUMBER, min(page.number - 1, end_page) or None)
        after = link(PAGE_NUMBER, page.number + 1 if page.number < end_page else None)
    return {"self": here, "current": here, "first": first, "prev": before, "next": after, "last": last}


def without_page(address: str, raw_query: bytes) -> str:
    """The address with the query as it was sent, but for the page, and what goes before another parameter."""
    kept = [
        part
        for part in quote(raw_query, safe=_WRITTEN).split("&")
        if part and unquote_plus(part.partition("=")[0]) not in PARAMETERS
    ]
    return f"{address}?{'&'.join((*kept, ''))}"


def meta(page: Page, total: int) -> dict[str, Any]:
    """The figures of a page; the vendor and we call the total differently. Behind a cursor it has no number."""
    figures = {"total_count": total, "total": total, "total_pages": pages(page, total)}
    return figures if page.has_cursor else {**figures, "current_page": page.number}


def pages(page: Page, total: int) -> int:
    """How many pages of this size there are."""
    return -(-total // page.size)
