"""Why somebody is in an audience, or not; and which audiences somebody is in."""

from collections.abc import Sequence
from typing import Any, Final

from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import All, Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.questions import why
from regulars.audience.questions.selecting import customers_of
from regulars.audience.questions.tree import SavedCondition
from regulars.domain.audiences import KIND
from regulars.domain.customer import Customer
from regulars.domain.identity import NUMBER_LIMIT, Who, split_number
from regulars.domain.objects import RelatedObject
from regulars.domain.references import parse_reference
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.asked_question import AskedQuestion
from regulars.http.jsonapi.audience_documents import AudiencesRead
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.kinds import AUDIENCE
from regulars.http.jsonapi.list_members import who_of
from regulars.http.jsonapi.objects import reference_in_path, unknown
from regulars.http.jsonapi.places import customer_place, unknown_customer
from regulars.http.jsonapi.query import pairs
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.jsonapi.why import EXPLANATION, Find, by_number, explanation
from regulars.http.keyring import Caller, Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, listed, record, such_as
from regulars.store.engine import Connection
from regulars.store.object_lists import objects_in_slices
from regulars.store.reads import find_card, find_object

EVERY: Final = "*"
"""Asks for all audiences that somebody is in."""


async def of_audience(call: Call, caller: Reader) -> Response:
    """Why a customer, by address, customer_id or id, is in an audience or not."""
    text = _parameter(call, "customer")
    reference = reference_in_path(call, AUDIENCE)
    for site in dict.fromkeys((caller.site, *caller.sites)):
        async with call.services.store.snapshot() as connection:
            item = await find_object(connection, site, KIND, reference)
        if item is not None:
            return studies.shown(
                "explanations", await _explained(call, caller, site, item, _named(call, caller, site, text))
            )
    raise unknown(AUDIENCE)


async def of_customer(call: Call, caller: Reader) -> Response:
    """Why a customer is in an audience or not; or all audiences that it is in."""
    text = _parameter(call, "audience")
    site, number = customer_place(call.path("id"), caller)
    if text == EVERY:
        found = await audiences_of(call, caller, site, number)
        return document(
            {"data": [{"type": AUDIENCE.type, "id": AUDIENCE.id_of(each)} | _names(each) for each in found]}
        )
    try:
        reference = parse_reference(text, KIND, longest=call.services.store.limits.object_key)
    except ValueError as error:
        raise ParameterProblem("audience", f"audience {error}.") from None
    async with call.services.store.snapshot() as connection:
        item = await find_object(connection, site, KIND, reference)
    if item is None:
        raise unknown(AUDIENCE)
    return studies.shown("explanations", await _explained(call, caller, site, item, by_number(site, number)))


def _names(item: RelatedObject) -> dict[str, Any]:
    return {"attributes": {"name": item.title, "key": item.key}}


async def _explained(call: Call, caller: Caller, site: int, item: RelatedObject, find: Find) -> dict[str, Any]:
    return await explanation(
        call, site, AskedQuestion(SavedCondition("audience", item.number), caller.time_zone(site)), find
    )


def _parameter(call: Call, name: str) -> str:
    given = dict(pairs(call.scope["query_string"]))
    if unknown_ones := sorted(given.keys() - {name}):
        raise ParameterProblem(unknown_ones[0], f"Unknown parameter. Allowed: {name}.")
    if not given.get(name) or "\0" in given[name]:
        raise ParameterProblem(name, f"{name} is required.")
    return given[name]


def _named(call: Call, caller: Caller, site: int, text: str) -> Find:
    """Finds a customer by id, address or customer_id. Raises Problem for a malformed one."""
    known = whole_number(text, longest=16)
    if known is not None and NUMBER_LIMIT > known > 2**32:
        place, number = split_number(known)
        if place == site and site in caller.sites:
            return by_number(site, number)
        raise unknown_customer()
    who = who_of({"email": text.replace(" ", "+")} if "@" in text else {"customer_id": text}, call)
    if not isinstance(who, Who):
        raise ParameterProblem("customer", who)

    async def find(connection: Connection) -> Customer | None:
        found = await find_card(connection, site, who)
        return None if found is None else await by_number(site, found.number)(connection)

    return find


async def audiences_of(call: Call, caller: Caller, site: int, number: int) -> list[RelatedObject]:
    """The audiences that a customer is in."""
    is_known: list[bool] = []

    async def chosen(connection: Connection) -> Sequence[RelatedObject]:
        return [item async for items in objects_in_slices(connection, site, KIND) for item in items]

    read = AudiencesRead(site, chosen, most_conditions=None)

    def sets(moment: Moment) -> list[Predicate]:
        alone = why.only(number)
        return [alone, *(All((alone, customers_of(node, moment))) for node in read.usable)]

    def work(_: SiteIndex, found: Sequence[BitMap]) -> list[bool]:
        is_known.append(bool(found[0]))
        return [bool(each) for each in found[1:]]

    asked = AskedQuestion(studies.EVERYBODY, caller.time_zone(site))
    holds = await studies.study(call, site, asked, sets, work, prepare=read.read)
    if not is_known[-1]:
        raise unknown_customer()
    usable = [each.item for each in read.audiences if each.node is not None]
    return [item for item, is_in in zip(usable, holds, strict=True) if is_in]


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "audiences.why",
        "GET",
        f"/v1/{AUDIENCE.type}/{{id}}/why",
        of_audience,
        "Explain why a customer is in an audience",
        "Takes the reply of `POST /v1/customers/{id}/why` to the question of the audience.",
        parameters={
            "customer": {**such_as(TEXT, "anna@example.com"), "description": "An address, a customer_id or an id."}
        },
        reply=studies.reply("explanations", EXPLANATION),
    ),
    Operation(
        JSONAPI,
        "customers.why_audience",
        "GET",
        "/v1/customers/{id}/why",
        of_customer,
        "Explain why a customer is in an audience, or list its audiences",
        "With `audience=*`, returns all audiences that the customer is in.",
        parameters={"audience": {**such_as(TEXT, EVERY), "description": "The number or key of an audience, or `*`."}},
        reply=record(
            {
                "data": {
                    "anyOf": [
                        record({"type": TEXT, "id": TEXT, "attributes": record(EXPLANATION)}),
                        listed(record({"type": TEXT, "id": TEXT, "attributes": record({}, required=())})),
                    ]
                }
            }
        ),
    ),
)
"""The operations of this module."""
