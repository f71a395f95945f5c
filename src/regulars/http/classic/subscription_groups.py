"""Subscription groups on the classic surface: Blueshift's name for newsletters."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.objects import RelatedObject
from regulars.domain.references import parse_reference
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import listed, ref
from regulars.http.slices import rendered
from regulars.store.object_lists import objects_in_slices
from regulars.store.reads import find_object

KIND: Final = "newsletter"


async def index(call: Call, caller: Reader) -> Response:
    """Every subscription group."""
    return await _listed(call, caller, _shown)


async def index_lite(call: Call, caller: Reader) -> Response:
    """Every subscription group, by id and name."""
    return await _listed(call, caller, _shown_in_short)


async def show(call: Call, caller: Reader) -> Response:
    """One subscription group."""
    try:
        reference = parse_reference(call.path("id"), KIND, longest=call.services.store.limits.object_key)
    except ValueError:
        raise _unknown() from None
    async with call.services.store.snapshot() as connection:
        found = await find_object(connection, caller.site, KIND, reference)
    if found is None:
        raise _unknown()
    return json_response({**DONE, "subscription_group": _shown(found)})


async def _listed(call: Call, caller: Reader, view: Any) -> Response:
    async with call.services.store.snapshot() as connection:
        found = [item async for some in objects_in_slices(connection, caller.site, KIND) for item in some]
    return json_response({**DONE, "subscription_groups": await rendered(found, view)})


def _shown_in_short(item: RelatedObject) -> dict[str, Any]:
    return {"id": item.public_id, "name": item.name or item.public_id}


def _shown(item: RelatedObject) -> dict[str, Any]:
    return {**_shown_in_short(item), "description": item.description}


def _unknown() -> Problem:
    return Problem("object_not_found", "No subscription group has this id.")


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "subscription_groups.index",
        "GET",
        "/api/v1/subscription_groups",
        index,
        "List subscription groups",
        "Subscription groups are the newsletters of `/v1`.",
        reply=schemas.done(subscription_groups=listed(ref("Group"))),
    ),
    Operation(
        CLASSIC,
        "subscription_groups.index_lite",
        "GET",
        "/api/v1/subscription_groups/index_lite",
        index_lite,
        "List ids and names of subscription groups",
        reply=schemas.done(subscription_groups=listed(ref("GroupInShort"))),
    ),
    Operation(
        CLASSIC,
        "subscription_groups.show",
        "GET",
        "/api/v1/subscription_groups/{id}",
        show,
        "Get a subscription group",
        reply=schemas.done(subscription_group=ref("Group")),
    ),
)
"""The operations on subscription groups."""
