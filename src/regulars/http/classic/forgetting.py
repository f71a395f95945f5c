"""Blueshift's forget and unforget: whether a customer is mailed, and whether their events are kept."""

from typing import Final

from starlette.responses import Response

from regulars.domain.commands import ForgetCustomer
from regulars.domain.profile import parse_who
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.keyring import Writer
from regulars.http.operation import Operation
from regulars.http.schema import WHOLE, YES_OR_NO, one_of, ref


async def forget(call: Call, caller: Writer) -> Response:
    """Stop tracking a customer."""
    return await _set(call, caller, forgotten=True)


async def unforget(call: Call, caller: Writer) -> Response:
    """Track a customer again."""
    return await _set(call, caller, forgotten=False)


async def _set(call: Call, caller: Writer, *, forgotten: bool) -> Response:
    who = parse_who(await call.json_object(), limits=call.services.store.limits)
    outcome = await call.submit(caller.site, ForgetCustomer(who, forgotten))
    assert outcome.person is not None
    ignored = outcome.person.customer.ignored_events or 0
    return json_response({**DONE, "result": outcome.verdict, "forgotten": forgotten, "ignored_events": ignored})


_REPLY: Final = schemas.done(
    result=one_of(("updated", "unchanged")), forgotten=YES_OR_NO, ignored_events={**WHOLE, "examples": [0]}
)
OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "customers.forget",
        "POST",
        "/api/v1/customers/forget",
        forget,
        "Forget a customer",
        "No email reaches the customer, and later events are answered with `ignored`, counted in `ignored_events` and "
        "not kept, except those that end consent or report a bounce. A repeat changes nothing.",
        body=ref("Who"),
        reply=_REPLY,
        errors=(404, 409),
    ),
    Operation(
        CLASSIC,
        "customers.unforget",
        "POST",
        "/api/v1/customers/unforget",
        unforget,
        "Track a forgotten customer again",
        "Consent is as it was. What was ignored meanwhile does not come back. A repeat changes nothing.",
        body=ref("Who"),
        reply=_REPLY,
        errors=(404, 409),
    ),
)
"""The operations on being forgotten."""
