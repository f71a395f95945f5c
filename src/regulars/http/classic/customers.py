"""Customers on the classic surface: read, create or update, in bulk, delete."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.commands import (
    DeleteCustomer,
    LiftErasure,
    Reassign,
    Upsert,
    UpsertGroup,
    group_upserts,
    is_taken,
    later_of,
)
from regulars.domain.customer import Picture
from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.identity import Who, parse_address, parse_uuid, uuid_text
from regulars.domain.outcome import Outcome
from regulars.domain.profile import Profile, parse_profile, parse_who
from regulars.http import rate_limits
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customer_object import shown_customer
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import FORMATS, TEXT, WHOLE, Schema, listed, record, ref
from regulars.store.reads import CustomerCard, find_person

BULK_LIMIT: Final = 50
STRICT: Final[dict[str, Schema]] = {"strict": {"type": "boolean"}}
"""The parameter that makes the server refuse invalid optional fields."""

DONE: Final[dict[str, Any]] = {"success": True, "status": "OK"}


WHOSE: Final = ("email", "customer_id", "uuid")
"""The query parameters that name a customer."""


def asked_of(call: Call) -> Who | None:
    """The customer whom the query string names; None if it names none. Raises RefusedError if an identifier is bad."""
    given = call.request.query_params
    wanted = {name: given[name] for name in WHOSE if given.get(name)}
    if "email" in wanted:
        wanted["email"] = wanted["email"].strip().replace(" ", "+")  # an address has no blanks: the + was sent bare
    return parse_who(wanted, limits=call.services.store.limits) if wanted else None


async def show(call: Call, caller: Reader) -> Response:
    """One customer."""
    person = await find(call, caller, who_in_path(call))
    return json_response({**DONE, "customer": await shown_customer(person)})


async def search(call: Call, caller: Reader) -> Response:
    """The customer with an address, customer_id or uuid, as a list of at most one.

    It stands under the three names that Blueshift's specification has.
    """
    who = asked_of(call)
    if who is None:
        missing = Fault("email", "is required, or customer_id or uuid instead")
        raise Problem("invalid", "The query needs email, customer_id or uuid.", faults=[missing])
    async with call.services.store.shared_snapshot() as connection:
        person = await find_person(connection, caller.site, who)
    shown = [] if person is None else [await shown_customer(person)]
    return json_response({**DONE, "customers": shown, "user": shown[0] if shown else None, "users": shown})


async def upsert(call: Call, caller: Writer) -> Response:
    """Create or update a customer."""
    body = await call.json_object()
    if body.get("restore") is True:
        await _lift_erasure(call, caller, body)
    profile = _profile(body, call, caller)
    outcome = await call.submit(caller.site, Upsert(profile))
    if outcome.person is None:  # it is about somebody who was erased
        return json_response({**DONE, "result": outcome.verdict})
    done = {**DONE, "result": outcome.verdict, "customer": await shown_customer(outcome.person)}
    return json_response({**done, **warned(profile.warnings, outcome)})


async def _lift_erasure(call: Call, caller: Writer, body: dict[str, Any]) -> None:
    """Let a person who was erased come back, who asked for it. Raises Problem without proof or the scope."""
    caller.require("admin")
    proof = body.get("proof")
    if not isinstance(proof, str) or not proof.strip():
        fault = Fault("proof", "is required with restore: what shows that the person wants to be kept again")
        raise Problem("invalid", f"{fault.field} {fault.detail}.", faults=[fault])
    body.pop("restore")
    await call.submit(caller.site, LiftErasure(parse_who(body, limits=call.services.store.limits)))


async def bulk(call: Call, caller: Writer) -> Response:
    """Create or update up to 50 customers, each all or nothing, in order."""
    body = await call.json_object()
    inputs = body.get("customers")
    if not isinstance(inputs, list):
        raise Problem(
            "malformed", 'The body must be {"customers": [...]}.', faults=[Fault("customers", "must be a list")]
        )
    if len(inputs) > BULK_LIMIT:
        raise Problem("too_many", f"You can upload up to {BULK_LIMIT} users in an API call.")
    rate_limits.count_items(call.scope, caller, len(inputs))
    parsed = [_parsed(item, call, caller) for item in inputs]
    outcomes = iter(await _upsert_all(call, caller, [item for item in parsed if isinstance(item, Upsert)]))
    failed, errors, results = [], [], []
    for given, item in zip(inputs, parsed, strict=True):
        outcome = next(outcomes) if isinstance(item, Upsert) else Outcome(refusal=item)
        if outcome.refusal is not None:
            failed.append(given)
            errors.append(_bulk_error(outcome.refusal))
        results.append(
            {**_result(outcome), **(warned(item.profile.warnings, outcome) if isinstance(item, Upsert) else {})}
        )
    return json_response({**DONE, "customers": failed, "errors": errors, "results": results})


async def remove(call: Call, caller: Writer) -> Response:
    """Delete a customer. Succeeds if there is none."""
    return await _delete(call, caller, who_in_path(call))


async def remove_posted(call: Call, caller: Writer) -> Response:
    """Delete the customer named in the body."""
    return await _delete(call, caller, parse_who(await call.json_object(), limits=call.services.store.limits))


def is_strict(call: Call, caller: Caller) -> bool:
    """Whether invalid optional fields are to be refused: `?strict=true`, or else the setting of the key."""
    if not call.scope["query_string"]:
        return caller.key.is_strict
    value = call.request.query_params.get("strict", "").lower()
    if value not in ("", "true", "1", "false", "0"):
        raise Problem("invalid", "strict must be true or false.", faults=[Fault("strict", "must be true or false")])
    return value in ("true", "1") if value else caller.key.is_strict


def warned(fields: Sequence[FieldWarning], outcome: Outcome) -> dict[str, Any]:
    """The member `warnings` of a response: what was not stored as sent. Empty if there is nothing to report.

    Invalid fields, and consent that was kept back because the person had ended it.
    """
    found: list[Any] = [*fields, *outcome.warnings]
    found += [{"field": fault.field, "detail": fault.detail} for fault in outcome.kept_back]
    return {"warnings": found} if found else {}


def who_in_path(call: Call) -> Who:
    """The customer that the path names by address or uuid. Raises Problem for anything else."""
    text = call.path("who")
    if "@" not in text:
        try:
            return Who(uuid=parse_uuid(text))
        except ValueError:
            faults = [Fault("who", "must be an email address or uuid")]
            raise Problem(
                "invalid", "The path must contain the customer's email address or uuid.", faults=faults
            ) from None
    try:
        shown, key = parse_address(text, longest=call.services.store.limits.email)
    except ValueError as error:
        faults = [Fault("who", str(error))]
        raise Problem("invalid", f"The customer's email address in the path {error}.", faults=faults) from None
    return Who(email=shown, email_key=key)


async def find(call: Call, caller: Caller, who: Who) -> Picture[CustomerCard]:
    """The customer whom the identifiers name. Raises Problem if there is none."""
    async with call.services.store.shared_snapshot() as connection:
        person = await find_person(connection, caller.site, who)
    if person is None:
        raise Problem("customer_not_found", "No customer has this email address or uuid.")
    return person


async def _delete(call: Call, caller: Writer, who: Who) -> Response:
    outcome = await call.submit(caller.site, DeleteCustomer(who))
    return json_response({**DONE, "result": outcome.verdict})


async def _upsert_all(call: Call, caller: Writer, upserts: list[Upsert]) -> list[Outcome]:
    """The outcome of each upsert. Upserts that exchange identifiers are executed together."""
    groups = group_upserts(upserts)
    commands = [upserts[at[0]] if len(at) == 1 else UpsertGroup(tuple(upserts[place] for place in at)) for at in groups]
    outcomes: list[Outcome] = [Outcome()] * len(upserts)
    refused: list[list[int]] = []
    for places, outcome in zip(groups, await call.submit_all(caller.site, commands), strict=True):
        for place, part in zip(places, outcome.parts or [outcome] * len(places), strict=True):
            outcomes[place] = part
        if is_taken(outcome):
            refused.append(places)
    if len(upserts) > 1 and refused:
        together = Reassign(tuple(tuple(upserts[place] for place in places) for places in refused))
        again = iter((await call.submit(caller.site, together)).parts)
        for place in (place for places in refused for place in places):
            outcomes[place] = later_of(outcomes[place], next(again))
    return outcomes


def _profile(body: dict[str, Any], call: Call, caller: Caller) -> Profile:
    limits, strict = call.services.store.limits, is_strict(call, caller)
    return parse_profile(body, limits=limits, strict=strict, country=caller.country())


def _parsed(item: Any, call: Call, caller: Caller) -> Upsert | RefusedError:
    if not isinstance(item, dict):
        return RefusedError("invalid", (Fault("customers", "must be a list of objects"),))
    try:
        return Upsert(_profile(item, call, caller))
    except RefusedError as refusal:
        return refusal


def _bulk_error(refusal: RefusedError) -> dict[str, Any]:
    if refusal.code == "user_identifier_missing":
        return {"status": 400, "error_data": {refusal.code: [refusal.faults[0].detail]}}
    data: dict[str, list[str]] = {}
    for fault in refusal.faults:
        data.setdefault(fault.field or refusal.code, []).append(fault.detail)
    return {"status": Problem(refusal.code, "").status, "error_data": data}


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.refusal is not None:
        return {"result": "failed", "code": outcome.refusal.code, "error": outcome.refusal.sentence}
    if outcome.person is None:  # it is about somebody who was erased
        return {"result": outcome.verdict}
    customer = outcome.person.customer
    return {"result": outcome.verdict, "uuid": uuid_text(customer.uuid), "email": customer.email}


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "customers.show",
        "GET",
        "/api/v1/customers/{who}",
        show,
        "Get a customer",
        reply=schemas.done(customer=ref("Customer")),
    ),
    Operation(
        CLASSIC,
        "customers.upsert",
        "POST",
        "/api/v1/customers",
        upsert,
        "Create or update a customer",
        "Fields that are not in the body stay unchanged. `result` is created, updated or unchanged, or "
        "ignored for a person who was erased.",
        parameters=STRICT,
        body=ref("CustomerInput"),
        reply=schemas.done(result=schemas.RESULT_OF_PERSON, customer=ref("Customer"), warnings=schemas.WARNINGS),
        errors=(404, 409),
    ),
    Operation(
        CLASSIC,
        "customers.search",
        "GET",
        "/api/v1/customers",
        search,
        "Find a customer by email, customer_id or uuid",
        "Returns a list of at most one customer, as `customers`, `user` and `users` for Blueshift clients.",
        parameters={"email": TEXT, "customer_id": TEXT, "uuid": {"type": "string", "format": "uuid"}},
        reply=schemas.customers(),
    ),
    Operation(
        CLASSIC,
        "customers.bulk",
        "POST",
        "/api/v1/customers/bulk",
        bulk,
        f"Create or update up to {BULK_LIMIT} customers",
        "Each item is stored completely or not at all, in order. `customers` lists the refused items, `errors` the "
        "reasons.",
        parameters=STRICT,
        body=record({"customers": listed(ref("CustomerInput"), BULK_LIMIT)}),
        reply=schemas.done(
            customers=schemas.FAILED,
            errors=listed(
                record({"status": WHOLE, "error_data": {"type": "object"}}),
                description="The reasons, in the order of `customers`.",
                examples=[[]],
            ),
            results=listed(
                {"type": "object"},
                description="The result of every item, with its `warnings` if there are any.",
                examples=[[{"result": "created", "uuid": FORMATS["uuid"], "email": FORMATS["email"]}]],
            ),
        ),
    ),
    Operation(
        CLASSIC,
        "customers.remove",
        "DELETE",
        "/api/v1/customers/{who}",
        remove,
        "Delete a customer",
        "Succeeds even if the customer does not exist. The customer's email logs are kept under the address.",
        reply=schemas.done(result=schemas.DELETED),
    ),
    Operation(
        CLASSIC,
        "customers.remove_posted",
        "POST",
        "/api/v1/customers/delete",
        remove_posted,
        "Delete the customer named in the body",
        body=ref("Who"),
        reply=schemas.done(result=schemas.DELETED),
        errors=(409,),
    ),
)
"""The operations on customers."""
