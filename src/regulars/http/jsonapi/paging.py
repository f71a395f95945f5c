"""Pages: which part of a list a caller asks for, and the links and figures that a page comes with."""

from typing import Any, Final
from urllib.parse import quote, unquote_plus

from msgspec import Struct

from regulars.http.jsonapi.failures import ParameterProblem

PAGE_NUMBER: Final = "page[number]"
PAGE_SIZE: Final = "page[size]"
DEFAULT_SIZE: Final = 25
LARGEST_NUMBER: Final = 10**9
"""More pages than any list has; with the largest size the rows to skip are far from any integer's end."""

_WRITTEN: Final = "!$&'()*+,-./:;=?@[]_~%"


class Page(Struct, frozen=True):
    """A page of a list, counted from 1."""

    number: int
    size: int

    @property
    def skip(self) -> int:
        """How many stand before it."""
        return (self.number - 1) * self.size


def parse_number(text: str) -> int:
    """Read page[number]. Raises ParameterProblem."""
    return _whole(PAGE_NUMBER, text, LARGEST_NUMBER)


def parse_size(text: str, largest: int) -> int:
    """Read page[size]. Raises ParameterProblem."""
    return _whole(PAGE_SIZE, text, largest)


def _whole(parameter: str, text: str, largest: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= (value := int(text)) <= largest:
        return value
    raise ParameterProblem(parameter, f"{parameter} must be a whole number from 1 to {largest}.")


def links(address: str, raw_query: bytes, page: Page, total: int) -> dict[str, str | None]:
    """The links of a page: `address` is the URL without its query, whose other parameters stay as they were sent."""
    kept = [
        part
        for part in quote(raw_query, safe=_WRITTEN).split("&")
        if part and unquote_plus(part.partition("=")[0]) not in (PAGE_NUMBER, PAGE_SIZE)
    ]
    start = f"{address}?{'&'.join((*kept, PAGE_NUMBER))}="
    end = f"&{PAGE_SIZE}={page.size}"
    last = pages(page, total)
    before = min(page.number - 1, last)
    here = f"{start}{page.number}{end}"
    return {
        "self": here,
        "current": here,
        "first": f"{start}1{end}",
        "prev": f"{start}{before}{end}" if before else None,
        "next": f"{start}{page.number + 1}{end}" if page.number < last else None,
        "last": f"{start}{max(last, 1)}{end}",
    }


def meta(page: Page, total: int) -> dict[str, Any]:
    """The figures of a page; the vendor and we call the total differently."""
    return {"total_count": total, "total": total, "total_pages": pages(page, total), "current_page": page.number}


def pages(page: Page, total: int) -> int:
    """How many pages of this size there are."""
    return -(-total // page.size)
