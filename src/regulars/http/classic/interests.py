"""Blueshift's interests: topics that a customer follows. A topic is a newsletter here."""

from typing import Final

from starlette.responses import Response

from regulars.domain.faults import Fault
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, asked_of
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, listed
from regulars.store.query import read
from regulars.store.reads import find_card, held_ties, objects_by_number

KIND: Final = "newsletter"
RELATION: Final = "newsletter.subscribed"


async def user_subscriptions(call: Call, caller: Reader) -> Response:
    """The topics of a customer; none if nobody has the identifiers."""
    who = asked_of(call)
    if who is None:
        fault = Fault("email", "is required, or customer_id or uuid")
        raise Problem("invalid", f"{fault.field} {fault.detail}.", faults=[fault])
    topics: list[str] = []
    async with call.services.store.snapshot() as connection:
        card = await find_card(connection, caller.site, who)
        if card is not None:
            number = card.number
            ties = await read(connection, held_ties(caller.site, [number], [RELATION]))
            numbers = ties.get((number, RELATION), ())
            topics = [each.public_id for each in await objects_by_number(connection, caller.site, KIND, numbers)]
    return json_response({**DONE, "topics": topics})


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "interests.user_subscriptions",
        "GET",
        "/api/v1/interests/user_subscriptions",
        user_subscriptions,
        "List the topics of a customer",
        "The keys of the newsletters that the customer subscribes to, or their numbers. Empty for nobody.",
        parameters={"email": TEXT, "customer_id": TEXT, "uuid": {"type": "string", "format": "uuid"}},
        reply=schemas.done(topics=listed(TEXT, examples=[["weekly"]])),
    ),
)
"""The operations on interests."""
