"""Blueshift's merge: a customer gets another customer_id, which another customer may have already."""

from typing import Final

from starlette.responses import Response

from regulars.domain.commands import ChangeCustomerId
from regulars.domain.faults import Fault
from regulars.domain.identity import parse_customer_id
from regulars.domain.profile import parse_who
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customer_object import shown_customer
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Writer
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, WHOLE, listed, one_of, record, ref, such_as

NEW_ID: Final = "bsft_new_customer_id"


async def merge(call: Call, caller: Writer) -> Response:
    """Give a customer a new customer_id, or merge it into the customer who has that."""
    body = await call.json_object()
    limits = call.services.store.limits
    try:
        new = parse_customer_id(body.get(NEW_ID), longest=limits.customer_id)
    except ValueError as error:
        raise Problem("invalid", f"{NEW_ID} {error}.", faults=[Fault(NEW_ID, str(error))]) from None
    who = parse_who({name: value for name, value in body.items() if name != NEW_ID}, limits=limits)
    outcome = await call.submit(caller.site, ChangeCustomerId(who, new))
    assert outcome.person is not None
    result = "merged" if outcome.merges else outcome.verdict
    merges = [made.number for made in outcome.merges]
    return json_response({**DONE, "result": result, "merges": merges, "customer": await shown_customer(outcome.person)})


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "customers.merge",
        "POST",
        "/api/v1/customers/merge",
        merge,
        "Merge two customers",
        f"`{NEW_ID}` is the customer_id that the customer gets. If another customer has it, the customer is merged "
        "into that one. If nobody has either, a customer is created. The old identifiers go on to name the customer.",
        body=record(
            {
                "customer_id": such_as(TEXT, "c-1"),
                "email": such_as(TEXT, "anna@example.com"),
                NEW_ID: such_as(TEXT, "c-2"),
            },
            required=(NEW_ID,),
        ),
        reply=schemas.done(
            result=one_of(("merged", "updated", "created", "unchanged")),
            merges=listed(WHOLE, examples=[[12]]),
            customer=ref("Customer"),
        ),
        errors=(409,),
    ),
)
"""The operations on merges."""
