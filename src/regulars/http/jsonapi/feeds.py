"""Feeds: lists of entries, newest first, that are read with a cursor from one page to the next.

They have no total, as they may be long and grow all the time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.domain.moments import parse_moment
from regulars.http.call import Call
from regulars.http.jsonapi import paging
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.paging import PAGE_AFTER, PAGE_SIZE
from regulars.http.jsonapi.query import ParsedQuery
from regulars.http.schema import ADDRESS, TEXT, Schema, listed, or_null, record
from regulars.store.customer_history import NEWEST, HistoryPlace, HistoryRange
from regulars.store.reads import FOREVER

SINCE: Final = "since"
UNTIL: Final = "until"
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[bytes, int, int, int]).decode


class Feed:
    """One feed with its filters, to which its cursors belong. path: below the server's address."""

    def __init__(self, call: Call, path: str, query: ParsedQuery) -> None:
        self._call = call
        self._query = query
        self._home = origin(call.scope, call.services.settings.trusted_proxies)
        self._path = path
        self._identity = hashlib.sha256(_encode([path, sorted(query.filters)])).digest()[:8]

    def span(self) -> HistoryRange:
        """The part of the feed that the call asks for. Raises ParameterProblem."""
        page = self._query.page
        since, until = self.moment(SINCE), self.moment(UNTIL)
        return HistoryRange(
            page.size,
            self._read(page.after) if page.after else NEWEST,
            -FOREVER if since is None else since,
            FOREVER if until is None else until,
        )

    def chosen(self, name: str) -> str | None:
        """The value of a filter that takes one. Raises ParameterProblem if there are several."""
        found = [value for each, value in self._query.filters if each == name]
        if len(found) > 1:
            raise ParameterProblem(f"filter[{name}]", f"filter[{name}] takes one value.")
        return found[0] if found else None

    def answer(self, data: Sequence[dict[str, Any]], following: HistoryPlace | None) -> Response:
        """The reply: a page, with the link to the next."""
        start = paging.without_page(self._home + self._path, self._call.scope["query_string"])
        end = f"&{PAGE_SIZE}={self._query.page.size}"

        def link(cursor: str | None) -> str | None:
            return None if cursor is None else f"{start}{PAGE_AFTER}={cursor}{end}"

        links = {
            "self": link(self._query.page.after or ""),
            "first": link(""),
            "next": link(None if following is None else self._write(following)),
        }
        return document({"data": list(data), "links": links}, warnings=self._query.warnings)

    def moment(self, name: str) -> int | None:
        """The moment (ms) of a filter; None without it. Raises ParameterProblem."""
        text = self.chosen(name)
        if text is None:
            return None
        try:
            return parse_moment(text.strip().replace(" ", "+"))
        except ValueError:
            raise ParameterProblem(
                f"filter[{name}]",
                f"filter[{name}] must be a date such as 2026-01-31, an ISO 8601 time or Unix seconds.",
            ) from None

    def _write(self, place: HistoryPlace) -> str:
        return self._call.services.cursors.seal(_encode((self._identity, *place)))

    def _read(self, cursor: str) -> HistoryPlace:
        plain = self._call.services.cursors.open(cursor)
        try:
            identity, at, rank, number = (b"", 0, 0, 0) if plain is None else _decode(plain)
        except msgspec.DecodeError:  # a cursor of another kind of list
            identity, at, rank, number = b"", 0, 0, 0
        if identity != self._identity:
            raise ParameterProblem(
                PAGE_AFTER,
                f"{PAGE_AFTER} must be an unchanged cursor from the links of this list with the same filters, or "
                "empty for the start.",
            )
        return HistoryPlace(at, rank, number)


def reply(kind: str, attributes: Mapping[str, Schema]) -> Schema:
    """The schema of a page of a feed. kind: the type of its entries, any of whose attributes may be left out."""
    data = record({"id": TEXT, "type": {"const": kind}, "attributes": record(attributes, required=())})
    links = record({"self": ADDRESS, "first": ADDRESS, "next": or_null(ADDRESS)})
    return record({"data": listed(data), "links": links})


def one_of_names(parameter: str, text: str, allowed: Iterable[str]) -> list[str]:
    """A comma-separated list of names. Raises ParameterProblem for unknown ones."""
    names, known = text.split(","), tuple(allowed)
    if unknown := sorted(set(names).difference(known)):
        raise ParameterProblem(
            parameter, f"{parameter} does not take {', '.join(unknown) or 'nothing'}. Allowed: {', '.join(known)}."
        )
    return names
