"""Cursors: positions in a list, each valid for the query that returned it.

A cursor holds the sort value and the number of a customer. That may be a name or an address, and cursors stand in
URLs and so in other people's logs: they are sealed, not only signed.
"""

import hashlib
from collections.abc import Iterable
from functools import cached_property
from typing import Final

import msgspec

from regulars.audience.answering import Answer
from regulars.audience.page_slice import LAST, PageSlice, SortKey
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.paging import PAGE_AFTER, PAGE_BEFORE, Neighbours, Page
from regulars.http.sealed_tokens import Sealer

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[bytes, int | str | None, int]).decode


class Cursors:
    """The cursors in the answers to one question: a site, a sort and filters, whose order makes no difference."""

    def __init__(self, sealer: Sealer, site: int | None, sort: str, filters: Iterable[tuple[str, str]]) -> None:
        self._sealer = sealer
        self._asked = (site, sort, filters)

    @cached_property
    def _question(self) -> bytes:
        """What tells this question from others."""
        site, sort, filters = self._asked
        return hashlib.sha256(_encode([site, sort, sorted(filters)])).digest()[:8]

    def page_slice(self, page: Page) -> PageSlice:
        """The span of the order that the page is. Raises ParameterProblem."""
        after = self.read(PAGE_AFTER, page.after) if page.after else None
        before = None
        if after is None and page.before is not None:
            before = self.read(PAGE_BEFORE, page.before) if page.before else LAST
        return PageSlice(page.skip, page.size, after, before)

    def neighbours(self, page: Page, answer: Answer) -> Neighbours:
        """The cursors of the pages around the one that a cursor names; beside an empty page lies the list's end."""
        if answer.ends is None:
            end = "" if answer.total else None
            return Neighbours(following=end) if page.after is None else Neighbours(previous=end)
        first, last = answer.ends
        return Neighbours(
            previous=self.write(first) if answer.skipped else None,
            following=self.write(last) if answer.skipped + len(answer.numbers) < answer.total else None,
        )

    def write(self, key: SortKey) -> str:
        """The cursor of a place."""
        return self._sealer.seal(_encode((self._question, key.value, key.number)))

    def read(self, parameter: str, cursor: str) -> SortKey:
        """The place that a cursor stands for. Raises ParameterProblem if it is not one of this question."""
        plain = self._sealer.open(cursor)
        if plain is None:
            raise ParameterProblem(
                parameter,
                f"{parameter} must be an unchanged cursor from the links of another page, or empty for the start or "
                "the end of the list.",
            )
        question, value, number = _decode(plain)
        if question != self._question:
            raise ParameterProblem(
                parameter,
                f"{parameter} is a cursor of a query with other filters, another sort order or another site. Repeat "
                f"that query, or start again with an empty {parameter}.",
            )
        return SortKey(value, number)
