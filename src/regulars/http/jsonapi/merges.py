"""Merges: customers made one, shown and undone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.commands import MergeCustomers, UndoMerge
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.identity import NUMBER_LIMIT, Who, public_number, split_number
from regulars.domain.merge_records import RULES
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.outcome import Merged, Outcome
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem, after_commit
from regulars.http.jsonapi import site_pages
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.list_members import who_of
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import customer_place, unknown_customer
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import (
    ANY,
    MOMENT,
    TEXT,
    WHOLE,
    YES_OR_NO,
    Schema,
    either,
    listed,
    one_of,
    or_null,
    record,
    such_as,
)
from regulars.store.merges import NEWEST, KeptMerge, find_merge, list_merges

TYPE: Final = "merges"
MOST_OTHERS: Final = 10
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

PREVIEW: Final[Mapping[str, Schema]] = {
    "preview": {**YES_OR_NO, "description": "Show what each field would become, without changing anything."}
}
PAGES: Final = site_pages.parameters_of("Merges", "The id of the last merge of the page before.")


async def merge(call: Call, caller: Writer) -> Response:
    """Merge other customers into the one in the path."""
    preview = _preview(call)
    site, number = customer_place(call.path("id"), caller)
    body = await call.json_object()
    prefer = body.get("prefer", RULES[0])
    if prefer not in RULES:
        raise refused([Fault("prefer", f"must be one of {', '.join(RULES)}")])
    command = MergeCustomers(Who(number=number), _others(body.get("data"), site, caller, call), prefer)
    if preview:
        (outcome,) = (await call.services.store.ledger.rehearse(site, [command])).outcomes
        if outcome.refusal is not None:
            raise _explained(outcome.refusal)
        return document({"data": [], "meta": _meta(outcome, site, preview=True)})
    outcome = await call.submit(site, command, explained=_explained)
    with after_commit():
        async with call.services.store.snapshot() as connection:
            kept = [await find_merge(connection, site, made.number) for made in outcome.merges]
    shown = [_resource(each, site, _home(call)) for each in kept if each is not None]
    return document({"data": shown, "meta": _meta(outcome, site, preview=False)})


async def index(call: Call, caller: Reader) -> Response:
    """The newest merges."""
    site, size, below = site_pages.asked_page(call, caller, NEWEST, _number_of)
    async with call.services.store.snapshot() as connection:
        found = await list_merges(connection, site, below=below, count=size + 1)
    home, shown = _home(call), found[:size]
    links: dict[str, str | None] = {"self": f"{home}/v1/{TYPE}", "next": None}
    if len(found) > size:
        after = public_number(site, shown[-1].record.number)
        links["next"] = site_pages.next_link(f"{home}/v1/{TYPE}", site, size, after)
    return document({"data": [_resource(each, site, home) for each in shown], "links": links})


async def show(call: Call, caller: Reader) -> Response:
    """One merge."""
    site_pages.no_parameters(call)
    site, number = _place(call, caller)
    return await _shown(call, site, number)


async def undo(call: Call, caller: Writer) -> Response:
    """Undo a merge. One that is undone already stays as it is."""
    site_pages.no_parameters(call)
    site, number = _place(call, caller)
    await call.submit(site, UndoMerge(number), explained=lambda refusal: _blocked(refusal, site))
    with after_commit():
        return await _shown(call, site, number)


def _others(data: Any, site: int, caller: Caller, call: Call) -> tuple[Who, ...]:
    if not isinstance(data, list) or not 1 <= len(data) <= MOST_OTHERS:
        raise refused([Fault("data", f"must be a list of 1 to {MOST_OTHERS} customers, by id, email or customer_id")])
    found, faults = [], []
    for place, row in enumerate(data):
        who = _who(row, site, caller, call)
        if isinstance(who, Who):
            found.append(who)
        else:
            faults.append(Fault(f"data.{place}", who))
    if faults:
        raise refused(faults)
    return tuple(found)


def _who(row: Any, site: int, caller: Caller, call: Call) -> Who | str:
    """Whom a row names, or what is wrong with it."""
    if not isinstance(row, dict) or sum(row.get(name) is not None for name in ("id", "email", "customer_id")) != 1:
        return "must be an object with one of id, email and customer_id"
    if row.get("id") is None:
        return who_of(row, call)
    known = whole_number(str(row["id"]), longest=16)
    if known is None or known >= NUMBER_LIMIT or split_number(known)[0] not in caller.sites:
        return "must name a customer that exists"
    place, number = split_number(known)
    return Who(number=number) if place == site else "must be a customer of the same site"


def _explained(refusal: RefusedError) -> Exception:
    fault = refusal.faults[0]
    if refusal.code == "customer_not_found" and not fault.field:
        return unknown_customer()
    if refusal.code == "customer_not_found":
        place = fault.field.rpartition(".")[2]
        return refused([Fault(f"data.{place}", "must name a customer that exists")], refusal.code)
    return refusal


def _blocked(refusal: RefusedError, site: int) -> Exception:
    """The refusal of an undo; it names a later merge by its public id."""
    if refusal.code != "merge_blocked":
        return refusal
    later = public_number(site, int(refusal.faults[0].field))
    return Problem("merge_blocked", f"Merge {later} came later and must be undone first.")


def _place(call: Call, caller: Caller) -> tuple[int, int]:
    known = whole_number(call.path("id"), longest=16)
    if known is not None and known < NUMBER_LIMIT:
        site, number = split_number(known)
        if site in caller.sites:
            return site, number
    raise Problem("merge_not_found", "No merge has this id.")


def _preview(call: Call) -> bool:
    for parameter, text in call.query:
        if parameter != "preview":
            raise ParameterProblem(parameter, f"There is no parameter {parameter}; allowed: preview.")
        if text.lower() not in _FLAGS:
            raise ParameterProblem(parameter, "preview must be true or false.")
    return any(_FLAGS[text.lower()] for _, text in call.query)


def _number_of(text: str) -> int:
    """The number of a merge. Raises ValueError."""
    known = whole_number(text, longest=16)
    if known is None or known >= NUMBER_LIMIT:
        raise ValueError("must be the id of a merge")
    return split_number(known)[1]


async def _shown(call: Call, site: int, number: int) -> Response:
    async with call.services.store.snapshot() as connection:
        kept = await find_merge(connection, site, number)
    if kept is None:
        raise Problem("merge_not_found", "No merge has this id.")
    shown = _resource(kept, site, _home(call))
    return document({"data": shown, "links": shown["links"]})


def _home(call: Call) -> str:
    return origin(call.scope, call.services.settings.trusted_proxies)


def _meta(outcome: Outcome, site: int, *, preview: bool) -> dict[str, Any]:
    assert outcome.person is not None
    return {
        "result": "merged" if outcome.merges else "unchanged",
        "preview": preview,
        "customer": str(public_number(site, outcome.person.customer.number)),
        "values": _values(outcome.merges, site),
    }


def _values(merges: Sequence[Merged], site: int) -> list[dict[str, Any]]:
    return [
        {
            "customer": str(public_number(site, made.gone)),
            "field": each.field,
            "survivor": each.survivor,
            "other": each.other,
            "merged": each.merged,
            "source": each.source,
        }
        for made in merges
        for each in made.values
    ]


def _resource(kept: KeptMerge, site: int, home: str) -> dict[str, Any]:
    found = kept.record
    number = str(public_number(site, found.number))
    return {
        "id": number,
        "type": TYPE,
        "attributes": {
            "prefer": found.rule,
            "merged_at": iso(found.merged_at),
            "undone_at": iso_or_none(found.undone_at),
            "can_be_undone": kept.can_be_undone,
        },
        "relationships": {
            name: {"data": {"type": "customers", "id": str(public_number(site, customer))}}
            for name, customer in (("survivor", found.survivor), ("merged", found.gone))
        },
        "links": {"self": f"{home}/v1/{TYPE}/{number}"},
    }


_CUSTOMER: Final = record({"data": record({"type": one_of(("customers",)), "id": such_as(TEXT, "4294967297")})})
_RESOURCE: Final[Schema] = record(
    {
        "id": such_as(TEXT, "4294967308"),
        "type": one_of((TYPE,)),
        "attributes": record(
            {
                "prefer": one_of(RULES),
                "merged_at": MOMENT,
                "undone_at": or_null(MOMENT),
                "can_be_undone": such_as(YES_OR_NO, True),
            }
        ),
        "relationships": record({"survivor": _CUSTOMER, "merged": _CUSTOMER}),
        "links": record({"self": TEXT}),
    }
)
_VALUE: Final = record(
    {
        "customer": such_as(TEXT, "4294967298"),
        "field": such_as(TEXT, "firstname"),
        "survivor": such_as(ANY, None),
        "other": such_as(ANY, "Anna"),
        "merged": such_as(ANY, "Anna"),
        "source": one_of(("survivor", "other")),
    }
)
_MERGED: Final = record(
    {
        "data": listed(_RESOURCE),
        "meta": record(
            {
                "result": one_of(("merged", "unchanged")),
                "preview": such_as(YES_OR_NO, False),
                "customer": such_as(TEXT, "4294967297"),
                "values": listed(_VALUE),
            }
        ),
    }
)
_ONE: Final[Schema] = record({"data": _RESOURCE, "links": record({"self": TEXT})})
_MANY: Final[Schema] = record({"data": listed(_RESOURCE), "links": record({"self": TEXT, "next": or_null(TEXT)})})
_BODY: Final = record(
    {
        "data": listed(
            record({"id": either(TEXT, WHOLE), "email": TEXT, "customer_id": TEXT}, required=()), MOST_OTHERS
        ),
        "prefer": one_of(RULES),
    },
    required=("data",),
    examples=[{"data": [{"email": "ben@example.com"}], "prefer": "newest"}],
)

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.merge",
        "POST",
        "/v1/customers/{id}/merge",
        merge,
        "Merge customers",
        f"Merges up to {MOST_OTHERS} customers, by `id`, `email` or `customer_id`, into the one in the path. `prefer` "
        "says whose value a field gets where both have one: the one updated last (`newest`, the default) or the "
        "`survivor`'s. With `preview=true` nothing changes, and `meta.values` shows what each field would become. All "
        "identifiers of the merged customers go on to name the customer.",
        parameters=PREVIEW,
        body=_BODY,
        reply=_MERGED,
    ),
    Operation(
        JSONAPI,
        "merges.index",
        "GET",
        "/v1/merges",
        index,
        "List merges",
        "Newest first.",
        parameters=PAGES,
        reply=_MANY,
    ),
    Operation(JSONAPI, "merges.show", "GET", "/v1/merges/{id}", show, "Get a merge", reply=_ONE),
    Operation(
        JSONAPI,
        "merges.undo",
        "POST",
        "/v1/merges/{id}/undo",
        undo,
        "Undo a merge",
        "Each customer gets back what was theirs, and what later reports say of them by their own identifiers. Other "
        "changes since the merge stay with the survivor. Later merges of the same customer must be undone first. "
        "Repeating the call is safe.",
        reply=_ONE,
    ),
)
"""The operations on merges."""
