"""The parts of every response of the surface, and the resources in it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from starlette.responses import Response

from regulars.http.call import json_response
from regulars.http.jsonapi.failures import MEDIA_TYPE

Row = TypeVar("Row")
Attributes = Mapping[str, Callable[[Row], Any]]
"""The attributes of a type of resource: how each is read from a row, in the order in which they are shown."""


EMPTY: Final[dict[str, Any]] = {"data": {}}
"""What the vendor answers when a resource was deleted."""


_encode: Final = msgspec.json.Encoder().encode
_LISTED: Final = 100
"""The maximum length of a short list of identifiers."""


def document(
    value: dict[str, Any],
    *,
    warnings: Sequence[Mapping[str, Any]] = (),
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response of this surface. warnings: what of the request was not applied as sent."""
    if warnings:
        value = {**value, "meta": {**value.get("meta", {}), "warnings": warnings}}
    return json_response(value, status=status, media_type=MEDIA_TYPE, headers=headers)


def chosen(table: Attributes[Row], fields: frozenset[str] | None) -> list[tuple[str, Callable[[Row], Any]]]:
    """The part of a table of attributes that the caller asked for; None asks for all."""
    return [(name, get) for name, get in table.items() if fields is None or name in fields]


def resource(kind: str, number: int, table: Attributes[Row], fields: frozenset[str] | None, row: Row) -> dict[str, Any]:
    """A resource of attributes only."""
    return {**identifier(kind, number), "attributes": {name: get(row) for name, get in chosen(table, fields)}}


def identifier(kind: str, number: int) -> dict[str, str]:
    """What names a resource."""
    return {"id": str(number), "type": kind}


def identifiers(kind: str, numbers: Sequence[int]) -> list[dict[str, str]] | msgspec.Raw:
    """What names several resources of a type; long lists are JSON already.

    One resource may be related to 100,000 others. Their identifiers as dictionaries would hold the event loop for half
    a second; joined as text they take 6 ms.
    """
    if len(numbers) <= _LISTED:
        return [identifier(kind, number) for number in numbers]
    between = f'","type":"{kind}"}},{{"id":"'.encode()
    joined = _encode(numbers)[1:-1].replace(b",", between)
    return msgspec.Raw(b"".join((b'[{"id":"', joined, f'","type":"{kind}"}}]'.encode())))


def related(address: str, name: str) -> dict[str, str]:
    """The links of a relationship; `address` is that of the resource that has it."""
    return {"self": f"{address}/relationships/{name}"}


def nothing(_: object) -> None:
    """The value of a vendor's attribute that we do not store."""
    return
