"""Blueshift's interests: topics that a customer follows. A topic is a newsletter here."""

from typing import Final

from starlette.responses import Response

from regulars.domain.faults import Fault
from regulars.domain.references import parse_reference
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, asked_of
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, listed, record, such_as
from regulars.store.query import read
from regulars.store.reads import find_card, find_object, held_ties, objects_by_number

KIND: Final = "newsletter"
RELATION: Final = "newsletter.subscribed"
REQUIRED: Final = ("event", "topic", "author", "metadata")


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


async def alert(call: Call, caller: Writer) -> Response:
    """Refused, as nothing sends emails; the refusal of a body that is wrong says so first."""
    body = await call.json_object()
    faults = [Fault(name, "is required") for name in REQUIRED if body.get(name) in (None, "")]
    if "metadata" in body and not isinstance(body["metadata"], dict):
        faults = [each for each in faults if each.field != "metadata"] + [Fault("metadata", "must be an object")]
    topic = None
    if body.get("topic") not in (None, ""):
        try:
            topic = parse_reference(body["topic"], KIND, longest=call.services.store.limits.object_key)
        except ValueError as error:
            faults.append(Fault("topic", str(error)))
    if topic is None or faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    async with call.services.store.snapshot() as connection:
        found = await find_object(connection, caller.site, KIND, topic)
    if found is None:
        raise Problem("object_not_found", "No newsletter has this key.")
    raise Problem(
        "unprocessable",
        f"Nothing sends emails here. GET /v1/customers?q=newsletter:{found.public_id} lists who follows the topic.",
    )


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
    Operation(
        CLASSIC,
        "interests.alert",
        "POST",
        "/api/v1/interests/alert",
        alert,
        "Alert the customers who follow a topic",
        "Always refused, as nothing sends emails. `GET /v1/customers?q=newsletter:KEY` lists them.",
        body=record(
            {
                "event": such_as(TEXT, "interest_news_alert"),
                "topic": such_as(TEXT, "weekly"),
                "author": such_as(TEXT, "anna@example.com"),
                "metadata": {"type": "object", "examples": [{"city": "Rome"}]},
            }
        ),
        reply=schemas.done(),
        errors=(404,),
    ),
)
"""The operations on interests."""
