"""Pages of lists that are ordered by a time and a number, by page number or by cursor."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from regulars.audience.page_slice import SortKey
from regulars.http.call import Call
from regulars.http.jsonapi import paging
from regulars.http.jsonapi.cursors import Cursors
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.paging import PAGE_AFTER, PAGE_BEFORE, Neighbours
from regulars.http.jsonapi.query import ParsedQuery
from regulars.store.list_ranges import ListPlace, ListRange

Item = TypeVar("Item")


class RangePages:
    """One list, and the page of it that a call asks for. path: of the list, below /v1."""

    def __init__(self, call: Call, path: str, site: int | None, query: ParsedQuery) -> None:
        self._call = call
        self._path = path
        self._query = query
        self._cursors = Cursors(call.services.cursors, site, f"{path} {query.sort}", query.filters)

    def wanted(self) -> ListRange:
        """What to read: one row more than the page has. Raises ParameterProblem."""
        page, descending = self._query.page, self._query.sort.startswith("-")
        if page.after is not None:
            return ListRange(page.size + 1, descending, self._place(PAGE_AFTER, page.after))
        if page.before is not None:
            return ListRange(page.size + 1, not descending, self._place(PAGE_BEFORE, page.before))
        return ListRange(page.size + 1, descending, skip=page.skip)

    def shown(self, rows: Sequence[Item], place_of: Callable[[Item], ListPlace]) -> tuple[list[Item], Neighbours]:
        """The rows of the page in their order, out of those that were read, and the cursors beside it."""
        page = self._query.page
        found = list(rows[: page.size])
        has_more = len(rows) > page.size
        if page.before is not None:
            found.reverse()
        if not page.has_cursor:
            return found, paging.NOWHERE
        if not found:
            return found, paging.NOWHERE
        first, last = self._cursor(place_of(found[0])), self._cursor(place_of(found[-1]))
        if page.before is not None:
            return found, Neighbours(first if has_more else None, last if page.before else None)
        return found, Neighbours(first if page.after else None, last if has_more else None)

    def answer(self, shown: dict[str, Any], total: int, beside: Neighbours) -> Response:
        """The reply: `data` and what is included, with the links and the total."""
        query, call = self._query, self._call
        home = origin(call.scope, call.services.settings.trusted_proxies)
        links = paging.links(f"{home}/v1/{self._path}", call.scope["query_string"], query.page, total, beside)
        return document({**shown, "links": links, "meta": paging.meta(query.page, total)}, warnings=query.warnings)

    def _place(self, parameter: str, cursor: str) -> ListPlace | None:
        if not cursor:
            return None
        key = self._cursors.read(parameter, cursor)
        return ListPlace(int(key.value or 0), key.number)

    def _cursor(self, place: ListPlace) -> str:
        return self._cursors.write(SortKey(*place))
