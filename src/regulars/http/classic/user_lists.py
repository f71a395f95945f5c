"""Custom user lists on the classic surface: Blueshift's name for audiences of the kind list."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.audiences import KIND, Definition
from regulars.domain.commands import DefinitionChange, SaveAudience, SaveObject, SetChange
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.identity import Who
from regulars.domain.moments import iso
from regulars.domain.objects import RelatedObject
from regulars.domain.profile import parse_who
from regulars.domain.references import parse_reference
from regulars.domain.text import is_storable
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem, after_commit
from regulars.http.keyring import Reader, Writer
from regulars.http.list_changes import change_members, count_in
from regulars.http.operation import Handler, Operation
from regulars.http.schema import ANY, TEXT, WHOLE, YES_OR_NO, Schema, either, listed, one_of, or_null, record, such_as
from regulars.store.audience_reads import definitions_of
from regulars.store.object_lists import objects_in_slices
from regulars.store.reads import find_object

IDENTIFIERS: Final = ("email", "customer_id")
FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
MOST: Final = 25
MOST_ASYNC: Final = 500
"""Customers of one bulk call, without and with `async=true`. Both answer when all is done."""


async def create(call: Call, caller: Writer) -> Response:
    """Create a list; no other audience may have its name."""
    body = await call.json_object()
    limits = call.services.store.limits
    faults, texts = [], []
    for field in ("name", "description"):
        value = body.get(field)
        if isinstance(value, str) and len(text := value.strip()) <= limits.text and is_storable(text):
            texts.append(text)
        else:
            texts.append("")
            if value is not None:
                faults.append(Fault(field, f"must be text of at most {limits.text} characters"))
    if not faults and not texts[0]:
        faults.append(Fault("name", "is required"))
    source, is_seed_list = body.get("source"), body.get("is_seed_list")
    if source is not None and source not in IDENTIFIERS:
        faults.append(Fault("source", f"must be one of {', '.join(IDENTIFIERS)}"))
    if is_seed_list is not None and str(is_seed_list).lower() not in FLAGS:
        faults.append(Fault("is_seed_list", "must be true or false"))
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    change = DefinitionChange(kind="list", is_seed_list=FLAGS.get(str(is_seed_list).lower()), source=source)
    command = SaveAudience(SaveObject(kind=KIND, name=texts[0], description=texts[1] or None), change)
    outcome = await call.submit(caller.site, command)
    assert outcome.object is not None
    with after_commit():
        return json_response({**DONE, **_shown(outcome.object, change.is_seed_list or False, source, 0)})


async def show(call: Call, caller: Reader) -> Response:
    """One list, with the number of its customers."""
    found = await _list(call, caller)
    return json_response({**DONE, **await _counted(call, caller, found)})


async def seed_lists(call: Call, caller: Reader) -> Response:
    """The lists that were created as lists of test customers."""
    async with call.services.store.snapshot() as connection:
        found = []
        async for items in objects_in_slices(connection, caller.site, KIND):
            definitions = await definitions_of(connection, caller.site, [item.number for item in items])
            seeds = [number for number, each in definitions.items() if each.is_seed_list]
            found += [(item, definitions[item.number]) for item in items if item.number in seeds]
    return json_response({**DONE, "seed_lists": [await _counted(call, caller, each) for each in found]})


async def _counted(call: Call, caller: Reader, found: tuple[RelatedObject, Definition]) -> dict[str, Any]:
    item, definition = found
    count = await count_in(call, caller.site, item.number)
    return _shown(item, definition.is_seed_list, definition.source, count)


def _changing(change: SetChange, *, is_bulk: bool) -> Handler:
    async def write(call: Call, caller: Writer) -> Response:
        found, _ = await _list(call, caller)
        body = await call.json_object()
        values = _identifiers(call, body, is_bulk=is_bulk)
        named = [_who(body["identifier_key"], value, call) for value in values]
        results = await change_members(call, caller.site, found.number, named, change)
        if not is_bulk and results[0].detail is not None:
            code = "customer_not_found" if isinstance(named[0], Who) else "invalid"
            raise Problem(code, results[0].detail)
        failed = [
            {"identifier_value": value, "error": result.detail}
            for value, result in zip(values, results, strict=True)
            if result.detail is not None
        ]
        if not is_bulk:
            return json_response({**DONE, "result": results[0].result})
        return json_response({**DONE, "count": len(values) - len(failed), "failed": failed})

    return write


async def overwrite(call: Call, caller: Writer) -> Response:
    """Refused: the call names a file in the vendor's storage."""
    await _list(call, caller)
    raise Problem(
        "unprocessable",
        "Files in S3 cannot be read here. Replace the list with PATCH /v1/audiences/{id}/customers instead.",
    )


def _identifiers(call: Call, body: dict[str, Any], *, is_bulk: bool) -> list[Any]:
    """The values that name customers. Raises Problem."""
    if body.get("identifier_key") not in IDENTIFIERS:
        detail = f"must be one of {', '.join(IDENTIFIERS)}"
        raise Problem("invalid", f"identifier_key {detail}.", faults=[Fault("identifier_key", detail)])
    if not is_bulk:
        return [body.get("identifier_value")]
    values = body.get("identifier_values")
    if not isinstance(values, list) or not values:
        detail = "must be a list of emails or customer_ids"
        raise Problem("invalid", f"identifier_values {detail}.", faults=[Fault("identifier_values", detail)])
    is_async = call.request.query_params.get("async", str(body.get("async", ""))).lower() == "true"
    most = MOST_ASYNC if is_async else MOST
    if len(values) > most:
        more = "" if is_async else f", or {MOST_ASYNC} with async=true"
        raise Problem("too_many", f"A call may list at most {most} customers{more}.")
    return values


def _who(identifier: str, value: Any, call: Call) -> Who | str:
    try:
        return parse_who({identifier: value}, limits=call.services.store.limits)
    except RefusedError as error:
        return error.sentence


async def _list(call: Call, caller: Reader | Writer) -> tuple[RelatedObject, Definition]:
    """The list in the path. Raises Problem if there is none."""
    try:
        reference = parse_reference(call.path("list"), KIND, longest=call.services.store.limits.object_key)
    except ValueError:
        raise _unknown() from None
    async with call.services.store.snapshot() as connection:
        found = await find_object(connection, caller.site, KIND, reference)
        definitions = {} if found is None else await definitions_of(connection, caller.site, [found.number])
    if found is None or found.number not in definitions or definitions[found.number].kind != "list":
        raise _unknown()
    return found, definitions[found.number]


def _unknown() -> Problem:
    return Problem("object_not_found", "No list has this id.")


def _shown(item: RelatedObject, is_seed_list: bool, source: str | None, count: int) -> dict[str, Any]:
    return {
        "id": item.number,
        "name": item.title,
        "description": item.description,
        "is_seed_list": is_seed_list,
        "source": source or IDENTIFIERS[0],
        "user_count": count,
        "created_at": iso(item.created_at),
        "updated_at": iso(item.updated_at),
    }


_FIELDS: Final[dict[str, Schema]] = {
    "id": WHOLE,
    "name": TEXT,
    "description": or_null(TEXT),
    "is_seed_list": YES_OR_NO,
    "source": one_of(IDENTIFIERS),
    "user_count": WHOLE,
    "created_at": TEXT,
    "updated_at": TEXT,
}
_LIST: Final = schemas.done(**_FIELDS)
_PATH: Final = "/api/v1/custom_user_lists"
_KEY: Final = such_as(one_of(IDENTIFIERS), "email")
_ONE: Final = record({"identifier_key": _KEY, "identifier_value": such_as(either(TEXT, WHOLE), "anna@example.com")})
_SEVERAL: Final = record(
    {"identifier_key": _KEY, "identifier_values": listed(either(TEXT, WHOLE), MOST_ASYNC)},
    examples=[{"identifier_key": "email", "identifier_values": ["anna@example.com"]}],
)
_REPORT: Final = schemas.done(count=WHOLE, failed=listed(record({"identifier_value": ANY, "error": TEXT})))
_RESULT: Final = schemas.done(result=one_of(("added", "removed", "unchanged")))
_BULK: Final = f"Up to {MOST} customers, or {MOST_ASYNC} with `async=true`. The reply comes when all is done."

OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "user_lists.create",
        "POST",
        f"{_PATH}/create",
        create,
        "Create a list",
        "The name must be unique. `source` is what the customers will be named by; default: `email`.",
        body=record(
            {
                "name": such_as(TEXT, "Beta testers"),
                "description": or_null(TEXT),
                "source": or_null(one_of(IDENTIFIERS)),
                "is_seed_list": or_null(YES_OR_NO),
            },
            required=("name",),
        ),
        reply=_LIST,
    ),
    Operation(CLASSIC, "user_lists.show", "GET", f"{_PATH}/id/{{list}}", show, "Get a list", reply=_LIST),
    Operation(
        CLASSIC,
        "user_lists.seed_lists",
        "GET",
        f"{_PATH}/seed_lists",
        seed_lists,
        "List the test lists",
        "The lists that were created with `is_seed_list`.",
        reply=schemas.done(seed_lists=listed(record(_FIELDS))),
    ),
    Operation(
        CLASSIC,
        "user_lists.add",
        "PUT",
        f"{_PATH}/add_user_to_list/{{list}}",
        _changing("add", is_bulk=False),
        "Add a customer to a list",
        body=_ONE,
        reply=_RESULT,
    ),
    Operation(
        CLASSIC,
        "user_lists.remove",
        "PUT",
        f"{_PATH}/remove_user_from_list/{{list}}",
        _changing("remove", is_bulk=False),
        "Remove a customer from a list",
        body=_ONE,
        reply=_RESULT,
    ),
    Operation(
        CLASSIC,
        "user_lists.bulk_add",
        "PUT",
        f"{_PATH}/bulk_add_users_to_list/{{list}}",
        _changing("add", is_bulk=True),
        "Add customers to a list",
        _BULK,
        parameters={"async": such_as(one_of(("true", "false")), "true")},
        body=_SEVERAL,
        reply=_REPORT,
    ),
    Operation(
        CLASSIC,
        "user_lists.bulk_remove",
        "PUT",
        f"{_PATH}/bulk_remove_users_from_list/{{list}}",
        _changing("remove", is_bulk=True),
        "Remove customers from a list",
        _BULK,
        parameters={"async": such_as(one_of(("true", "false")), "true")},
        body=_SEVERAL,
        reply=_REPORT,
    ),
    Operation(
        CLASSIC,
        "user_lists.overwrite",
        "PUT",
        f"{_PATH}/overwrite_list/{{list}}",
        overwrite,
        "Replace a list",
        "Always refused, as it names a file in S3. Use `PATCH /v1/audiences/{id}/customers`.",
        reply=schemas.done(),
    ),
)
"""The operations on lists."""
