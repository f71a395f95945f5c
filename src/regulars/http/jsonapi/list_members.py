"""Who is in an audience, by page; and the calls that change who is in a list."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.audience.questions.tree import SavedCondition
from regulars.domain.commands import SetChange
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who, public_number
from regulars.domain.objects import RelatedObject
from regulars.domain.profile import parse_who
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import listing, schemas
from regulars.http.jsonapi.asked_customers import Within
from regulars.http.jsonapi.customer_documents import CustomersDocument
from regulars.http.jsonapi.customers import INDEX
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.kinds import AUDIENCE
from regulars.http.jsonapi.listing import Listing
from regulars.http.jsonapi.objects import asked, reference_in_path, unknown
from regulars.http.jsonapi.places import SITE_ID, customer_place
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.list_changes import RESULTS, RowResult, change_members
from regulars.http.operation import Handler, Operation
from regulars.http.schema import TEXT, WHOLE, Schema, either, listed, one_of, record, such_as
from regulars.store.reads import find_object

MOST_ROWS: Final = 10_000

CHANGE: Final = QuerySpec(fields={}, filters=(SITE_ID,))
METHODS: Final[dict[str, SetChange]] = {"POST": "add", "PATCH": "replace", "DELETE": "remove"}


async def members(call: Call, caller: Reader) -> Response:
    """The customers of an audience."""
    site, item = await _audience(call, caller, INDEX)
    path = f"{AUDIENCE.type}/{item.number}/customers"
    within = Within(site, SavedCondition("audience", item.number if item.key is None else item.key))
    return await listing.answer(call, caller, Listing(path, INDEX, CustomersDocument), within=within)


async def _audience(call: Call, caller: Caller, query_spec: QuerySpec) -> tuple[int, RelatedObject]:
    _, site = await asked(call, caller, AUDIENCE, query_spec)
    async with call.services.store.snapshot() as connection:
        item = await find_object(connection, site, AUDIENCE.kind, reference_in_path(call, AUDIENCE))
    if item is None:
        raise unknown(AUDIENCE)
    return site, item


def _changing(change: SetChange) -> Handler:
    async def write(call: Call, caller: Writer) -> Response:
        site, item = await _audience(call, caller, CHANGE)
        rows = (await call.json_object()).get("data")
        if not isinstance(rows, list):
            raise Problem("invalid", "data must be a list of customers, each with id, email or customer_id.")
        if len(rows) > MOST_ROWS:
            raise Problem("too_many", f"A request may list at most {MOST_ROWS} customers.")
        named = [_who(row, site, caller, call) for row in rows]
        results = await change_members(call, site, item.number, named, change)
        return document({"meta": _report(results, len(rows), site)})

    return write


def _who(row: Any, site: int, caller: Caller, call: Call) -> Who | str:
    """Whom a row names, or what is wrong with it."""
    if not isinstance(row, dict) or sum(row.get(name) is not None for name in ("id", "email", "customer_id")) != 1:
        return "must be an object with one of id, email and customer_id"
    if row.get("id") is None:
        return who_of(row, call)
    try:
        place, number = customer_place(str(row["id"]), caller)
    except Problem:
        return "The customer does not exist."
    return Who(number=number) if place == site else "The customer does not exist."


def who_of(row: dict[str, Any], call: Call) -> Who | str:
    """Whom an email or customer_id names, or what is wrong with it."""
    given = {name: row[name] for name in ("email", "customer_id") if row.get(name) is not None}
    try:
        return parse_who(given, limits=call.services.store.limits)
    except RefusedError as error:
        return error.sentence


def _report(results: Sequence[RowResult], rows: int, site: int) -> dict[str, Any]:
    shown = []
    for place, each in enumerate(results[:rows]):
        row: dict[str, Any] = {"row": place, "result": each.result}
        if each.number is not None:
            row["id"] = str(public_number(site, each.number))
        if each.detail is not None:
            row["detail"] = each.detail
        shown.append(row)
    return {**{name: sum(each.result == name for each in results) for name in RESULTS}, "results": shown}


_ROW: Final = record({"id": either(TEXT, WHOLE), "email": TEXT, "customer_id": TEXT}, required=())
_BODY: Final = record(
    {"data": listed(_ROW, MOST_ROWS)}, examples=[{"data": [{"email": "anna@example.com"}, {"customer_id": "c-1042"}]}]
)
_REPORT: Final[Schema] = record(
    {
        "meta": record(
            {
                **dict.fromkeys(RESULTS, WHOLE),
                "results": listed(
                    record(
                        {
                            "row": WHOLE,
                            "result": one_of(RESULTS),
                            "id": such_as(TEXT, "4294967297"),
                            "detail": TEXT,
                        },
                        required=("row", "result"),
                    )
                ),
            }
        )
    }
)
_SUMMARIES: Final = {
    "POST": "Add customers to a list",
    "PATCH": "Replace the customers of a list",
    "DELETE": "Remove customers from a list",
}
_PATH: Final = f"/v1/{AUDIENCE.type}/{{id}}/customers"

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "audiences.customers",
        "GET",
        _PATH,
        members,
        "List the customers of an audience",
        "Parameters and reply are those of `GET /v1/customers`.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    *(
        Operation(
            JSONAPI,
            f"audiences.{change}_customers",
            method,
            _PATH,
            _changing(change),
            _SUMMARIES[method],
            f"Up to {MOST_ROWS} customers by `id`, `email` or `customer_id`. The reply has a result for each row; rows "
            "that fail do not stop the others. Repeating the call is safe.",
            query=CHANGE,
            body=_BODY,
            reply=_REPORT,
        )
        for method, change in METHODS.items()
    ),
)
"""The operations on who is in an audience."""
