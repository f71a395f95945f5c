"""The whole profile of one customer: identifiers, fields, attributes and ties; and changing it as it was read."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.domain.commands import Upsert
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.fields import SPELLINGS
from regulars.domain.identity import Who, public_number
from regulars.domain.profile import EVIDENCE, Profile, parse_profile
from regulars.domain.text import is_blank, whole_number
from regulars.exporting.customer_lines import MEMBERS, whole_lines
from regulars.exporting.reading import read_people
from regulars.http.call import Call
from regulars.http.errors import Problem, after_commit
from regulars.http.jsonapi.bodies import read_resource, refused
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.etags import expected_etags
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import customer_place, find_customer, unknown_customer
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, YES_OR_NO, Schema, or_null, record, such_as
from regulars.store.query import read
from regulars.store.reads import customers_by_number

TYPE: Final = "profiles"
ATTRIBUTES: Final = "custom_attributes"
IDENTIFIERS: Final = ("email", "customer_id")
WRITABLE: Final = (*IDENTIFIERS, *SPELLINGS, ATTRIBUTES, "subscribed", *EVIDENCE)
"""What a change may name."""

READ_ONLY: Final = frozenset((*MEMBERS, "etag")) - frozenset(WRITABLE)
"""Ignored, because clients send back what they received."""

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""Stands in for the identifier that an upsert must have: the path names the customer."""

_SAME: Final = {"unsubscribed": "subscribed", "data": ATTRIBUTES}


async def show(call: Call, caller: Reader) -> Response:
    """The profile, with the etag that a change can name."""
    return await _shown(call, caller, *_place(call, caller))


async def change(call: Call, caller: Writer) -> Response:
    """Change what the body names; refused if the customer was changed since the etag of If-Match."""
    site, number = _place(call, caller)
    body = await read_resource(call, TYPE, id_=call.path("id"))
    if body.relationships:
        raise refused([Fault("data.relationships", "cannot be changed here")])
    command = Upsert(_profile(call, caller, body.attributes, site, number), expected=_expected(call))
    await call.submit(site, command, explained=_explained)
    with after_commit():
        return await _shown(call, caller, site, number)


def _place(call: Call, caller: Caller) -> tuple[int, int]:
    for parameter, _ in call.query:
        raise Problem("invalid", f"There is no parameter {parameter}; this call has none.")
    return customer_place(call.path("id"), caller)


def _expected(call: Call) -> tuple[int, ...] | None:
    """The moments of which the customer must be, by If-Match; None if any will do. Unknown etags match nothing."""
    etags = expected_etags(call)
    return (
        None
        if etags is None
        else tuple(moment for each in etags if (moment := whole_number(each, longest=16)) is not None)
    )


def _profile(call: Call, caller: Caller, given: Mapping[str, Any], site: int, number: int) -> Profile:
    given = {name: value for name, value in given.items() if name not in READ_ONLY}
    faults = [Fault(name, f"is unknown. Allowed: {', '.join(WRITABLE)}") for name in given if name not in WRITABLE]
    given = {name: None if is_blank(value) else value for name, value in given.items()}
    if not isinstance(given.get("subscribed", True), bool):
        faults.append(Fault("subscribed", "must be true or false"))
    if "email" in given and given["email"] is None:
        faults.append(Fault("email", "cannot be cleared"))
    attributes = given.get(ATTRIBUTES, {})
    if not isinstance(attributes, dict):
        faults.append(Fault(ATTRIBUTES, "must be an object"))
    if faults:
        raise _located(faults)
    cleared = {name: None for name in SPELLINGS if name in given and given[name] is None}
    upsert = {name: value for name, value in given.items() if name not in ("subscribed", *EVIDENCE, ATTRIBUTES)}
    upsert |= {"uuid": _NOBODY, "data": {**attributes, **cleared}}
    if "subscribed" in given:
        upsert |= {"unsubscribed": not given["subscribed"], **{name: given.get(name) for name in EVIDENCE}}
    try:
        profile = parse_profile(
            upsert,
            limits=call.services.store.limits,
            strict=True,
            country=caller.country(site),
        )
    except RefusedError as refusal:
        raise _located(refusal.faults) from None
    profile.fields |= cleared
    for name in SPELLINGS:
        if given.get(name) is not None and name not in attributes:
            profile.attributes.pop(name, None)  # it is said in the field alone
    profile.forget_customer_id = "customer_id" in given and given["customer_id"] is None
    who = profile.who
    profile.who = Who(who.email, who.email_key, who.customer_id, number=number)
    return profile


def _explained(refusal: RefusedError) -> Exception:
    if refusal.code == "customer_not_found":
        return unknown_customer()
    if refusal.code in ("address_taken", "identity_conflict"):
        return _located([Fault("email", "or customer_id belongs to another customer")], "address_taken")
    return _located(refusal.faults) if refusal.code == "invalid" else refusal


def _located(faults: Any, code: str = "unprocessable") -> Problem:
    named = (Fault(_SAME.get(each.field, each.field), each.detail.rstrip(".")) for each in faults)
    return refused([Fault(f"data.attributes.{each.field}", each.detail) for each in named], code)


async def _shown(call: Call, caller: Caller, site: int, number: int) -> Response:
    async with call.services.store.snapshot() as connection:
        customer, _ = await find_customer(connection, site, number)
        number = customer.number
        rows = await read(connection, customers_by_number(site, [number]))
        lines = [line async for people in read_people(connection, site, [number]) for line in whole_lines(people)]
    if not rows or not lines:
        raise unknown_customer()
    etag = f'"{rows[0].changed_at or rows[0].created_at}"'
    home = origin(call.scope, call.services.settings.trusted_proxies)
    public = str(public_number(site, number))
    shown = {
        "data": {
            "id": public,
            "type": TYPE,
            "attributes": {**msgspec.json.decode(msgspec.json.encode(lines[0])), "etag": etag},
        },
        "links": {"self": f"{home}/v1/customers/{public}/profile"},
    }
    return document(shown, headers={"ETag": etag})


_CHANGE: Final[dict[str, Schema]] = {
    **{name: or_null(TEXT) for name in (*IDENTIFIERS, *SPELLINGS)},
    ATTRIBUTES: {"type": "object", "examples": [{"plan": "pro", "trial": None}]},
    "subscribed": YES_OR_NO,
    **{name: or_null(TEXT) for name in EVIDENCE},
}
_REPLY: Final = record(
    {
        "data": record(
            {
                "id": TEXT,
                "type": {"const": TYPE},
                "attributes": record({"etag": such_as(TEXT, '"1774951200000"')}),
            }
        ),
        "links": record({"self": TEXT}),
    }
)
_BODY: Final = record(
    {
        "data": record(
            {"type": {"const": TYPE}, "id": TEXT, "attributes": record(_CHANGE, required=())},
            required=("type",),
        )
    },
    examples=[{"data": {"type": TYPE, "attributes": {"firstname": "Anna", ATTRIBUTES: {"plan": "pro"}}}}],
)
_PATH: Final = "/v1/customers/{id}/profile"

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.profile",
        "GET",
        _PATH,
        show,
        "Get the whole profile of a customer",
        "Identifiers, fields, attributes, and what the customer is tied to since when, as a line of "
        "`regulars export customers` has them. `etag` names this state.",
        reply=_REPLY,
    ),
    Operation(
        JSONAPI,
        "customers.change_profile",
        "PATCH",
        _PATH,
        change,
        "Change the profile of a customer",
        "What the body leaves out stays as it is; null clears a field or an attribute. Invalid values are refused. "
        "With `If-Match`, which takes an `etag`, the call is refused with 412 if the customer was changed since.",
        body=_BODY,
        reply=_REPLY,
        errors=(412,),
    ),
)
"""The operations on the profile."""
