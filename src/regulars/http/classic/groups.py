"""Groups on the classic surface, and their members."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from starlette.responses import Response, StreamingResponse

from regulars.domain.commands import DeleteObject, Relate, SaveObject, SetChange
from regulars.domain.faults import Fault
from regulars.domain.limits import Limits
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference, parse_reference
from regulars.domain.text import is_storable
from regulars.http.call import JSON, Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, who_in_path
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import listed, ref
from regulars.store.engine import SLICE
from regulars.store.object_lists import objects_after

KIND = "group"


async def index(call: Call, caller: Reader) -> Response:
    """All groups in order of creation. Long lists are sent in slices.

    Each slice is read separately, so that a slow client holds no transaction open. A group that exists all the
    time is listed once.
    """
    first = await _groups_after(call, caller, -1)
    if len(first) < SLICE:
        return json_response({**DONE, "groups": [_shown(group) for group in first]})
    return StreamingResponse(_list(call, caller, first), media_type=JSON)


async def _list(call: Call, caller: Reader, groups: list[RelatedObject]) -> AsyncIterator[bytes]:
    """The body of the list; the first groups have been read already."""
    yield msgspec.json.encode(DONE)[:-1] + b',"groups":['
    separator = b""
    while groups:
        yield separator + msgspec.json.encode([_shown(group) for group in groups])[1:-1]
        separator = b","
        await asyncio.sleep(0)  # others get their turn
        groups = await _groups_after(call, caller, groups[-1].number) if len(groups) == SLICE else []
    yield b"]}"


async def _groups_after(call: Call, caller: Reader, number: int) -> list[RelatedObject]:
    async with call.services.store.snapshot() as connection:
        return await objects_after(connection, caller.site, KIND, number)


async def create(call: Call, caller: Writer) -> Response:
    """Create a group. The name is required and must be unique."""
    name, description = _fields(await call.json_object(), call.services.store.limits, name_required=True)
    return await _saved(call, caller, SaveObject(kind=KIND, name=name, description=description))


async def update(call: Call, caller: Writer) -> Response:
    """Change a group."""
    name, description = _fields(await call.json_object(), call.services.store.limits, name_required=False)
    command = SaveObject(kind=KIND, reference=_group(call), name=name, description=description)
    return await _saved(call, caller, command)


async def remove(call: Call, caller: Writer) -> Response:
    """Delete a group and all memberships."""
    await call.submit(caller.site, DeleteObject(KIND, _group(call)))
    return json_response(DONE)


async def join(call: Call, caller: Writer) -> Response:
    """Add a customer to a group."""
    return await _relate(call, caller, holds=True)


async def leave(call: Call, caller: Writer) -> Response:
    """Remove a customer from a group."""
    return await _relate(call, caller, holds=False)


async def _relate(call: Call, caller: Writer, *, holds: bool) -> Response:
    change: SetChange = "add" if holds else "remove"
    outcome = await call.submit(caller.site, Relate(who_in_path(call), "group.member", (_group(call),), change))
    return json_response({**DONE, "result": outcome.verdict})


async def _saved(call: Call, caller: Writer, command: SaveObject) -> Response:
    outcome = await call.submit(caller.site, command)
    assert outcome.object is not None
    return json_response({**DONE, "result": outcome.verdict, "group": _shown(outcome.object)})


def _group(call: Call) -> Reference:
    """The group in the path, also as the vendor's documentation writes it: groups(grp_...)."""
    text = call.path("group")
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    try:
        return parse_reference(text.removeprefix(":"), KIND, longest=call.services.store.limits.object_key)
    except ValueError as error:
        raise Problem("invalid", f"The group in the path {error}.") from None


def _fields(body: dict[str, Any], limits: Limits, *, name_required: bool) -> tuple[str | None, str | None]:
    faults = []
    found: list[str | None] = []
    for field in ("name", "description"):
        value = body.get(field)
        if value is None or value == "":
            if field == "name" and name_required:
                faults.append(Fault(field, "is required"))
            found.append(None)
        elif isinstance(value, str) and len(text := value.strip()) <= limits.text and text and is_storable(text):
            found.append(text)
        else:
            faults.append(Fault(field, f"must be text of 1 to {limits.text} characters"))
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    return found[0], found[1]


def _shown(group: RelatedObject) -> dict[str, Any]:
    return {"id": group.public_id, "name": group.title, "description": group.description}


_GROUP: Final = schemas.done(result=schemas.RESULT, group=ref("Group"))
_MEMBERSHIP: Final = schemas.done(result=schemas.RESULT)
_ONE: Final = "/api/v1/groups/{group}"
_MEMBER: Final = "/api/v1/customers/{who}/groups/{group}"
_VENDOR_SPELLING: Final = ("/api/v1/customers/{who}/groups{group}",)
"""A documented slip of the vendor: a group without the slash in front of it."""

OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "groups.join",
        "POST",
        _MEMBER,
        join,
        "Add a customer to a group",
        reply=_MEMBERSHIP,
        also=_VENDOR_SPELLING,
    ),
    Operation(
        CLASSIC,
        "groups.leave",
        "DELETE",
        _MEMBER,
        leave,
        "Remove a customer from a group",
        reply=_MEMBERSHIP,
        also=_VENDOR_SPELLING,
    ),
    Operation(
        CLASSIC,
        "groups.index",
        "GET",
        "/api/v1/groups",
        index,
        "List groups",
        reply=schemas.done(groups=listed(ref("Group"))),
    ),
    Operation(
        CLASSIC,
        "groups.create",
        "POST",
        "/api/v1/groups",
        create,
        "Create a group",
        "The name is required and must be unique.",
        body=ref("GroupInput"),
        reply=_GROUP,
    ),
    Operation(CLASSIC, "groups.update", "PUT", _ONE, update, "Change a group", body=ref("GroupChange"), reply=_GROUP),
    Operation(
        CLASSIC,
        "groups.remove",
        "DELETE",
        _ONE,
        remove,
        "Delete a group",
        "Removes all customers from the group.",
        reply=schemas.done(),
    ),
)
"""The operations on groups and their members."""
