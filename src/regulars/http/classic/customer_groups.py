"""Blueshift's customer groups: households. They are groups here, which customers join by `groups`."""

from typing import Final

from starlette.responses import Response

from regulars.domain.commands import DeleteObject, Relate
from regulars.domain.faults import Fault
from regulars.domain.identity import Who, parse_uuid
from regulars.domain.references import Reference, parse_reference
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.groups import KIND
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Writer
from regulars.http.operation import Operation
from regulars.http.schema import one_of

KEPT: Final = "delete_users"


async def remove(call: Call, caller: Writer) -> Response:
    """Delete a group whose customers are kept."""
    given = call.request.query_params.get(KEPT, "").strip().lower()
    if given not in ("false", "0"):
        fault = Fault(KEPT, "must be false: a call that deletes every customer of a group does not exist here")
        raise Problem("unprocessable", f"{fault.field} {fault.detail}.", faults=[fault])
    await call.submit(caller.site, DeleteObject(KIND, _group(call)))
    return json_response(DONE)


async def leave(call: Call, caller: Writer) -> Response:
    """Remove a customer from a group."""
    try:
        who = Who(uuid=parse_uuid(call.path("user")))
    except ValueError:
        fault = Fault("user", "must be a uuid")
        raise Problem("invalid", "The customer in the path must be a uuid.", faults=[fault]) from None
    outcome = await call.submit(caller.site, Relate(who, "group.member", (_group(call),), "remove"))
    return json_response({**DONE, "result": outcome.verdict})


def _group(call: Call) -> Reference:
    try:
        return parse_reference(call.path("group"), KIND, longest=call.services.store.limits.object_key)
    except ValueError as error:
        raise Problem("invalid", f"The group in the path {error}.", faults=[Fault("group", str(error))]) from None


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "customer_groups.remove",
        "DELETE",
        "/api/v1/customer_group/{group}",
        remove,
        "Delete a group and keep its customers",
        f"`{KEPT}=false` is required: without it, Blueshift deletes the customers too.",
        parameters={KEPT: one_of(("false",))},
        reply=schemas.done(),
        errors=(404,),
    ),
    Operation(
        CLASSIC,
        "customer_groups.leave",
        "DELETE",
        "/api/v1/customer_group/{group}/user/{user}",
        leave,
        "Remove a customer from a group",
        reply=schemas.done(result=schemas.RESULT),
        errors=(404,),
    ),
)
"""The operations on customer groups."""
