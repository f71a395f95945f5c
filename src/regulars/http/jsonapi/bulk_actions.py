"""Bulk actions: one thing is done to many customers by a job, after a preview, and can be undone."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.audience.matching_numbers import packed
from regulars.domain.bulk_actions import ACTIONS, BY, OBJECTS, TIES, BulkAction
from regulars.domain.customer import shown_name
from regulars.domain.existing_fields import EXISTING
from regulars.domain.identity import public_number
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.relations import BY_NAME
from regulars.http.call import Call
from regulars.http.job_queue import enqueue
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.bulk_selection import (
    ACTION,
    IDS,
    MOST_IDS,
    Chosen,
    CustomerSelection,
    choose,
    read_action,
    read_selection,
)
from regulars.http.jsonapi.job_undo import UNDO_SCHEMA, begin_undo
from regulars.http.jsonapi.stored_jobs import job_of_number
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.jsonapi.undoable_jobs import UndoableJobs
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import (
    ANY,
    MOMENT,
    TEXT,
    WHOLE,
    Schema,
    either,
    listed,
    one_of,
    or_null,
    record,
    such_as,
)
from regulars.jobs.bulk_actions import BULK_ACTION, BULK_ATTEMPTS, BulkArguments
from regulars.store.jobs import STATES, Job
from regulars.store.query import read_all
from regulars.store.reads import customers_by_number, held_ties, objects_by_number

TYPE: Final = "bulk_actions"
PREVIEWS: Final = "bulk_action_previews"


async def create(call: Call, caller: Writer) -> Response:
    """Begin a bulk action."""
    selection, action, chosen = await _asked(call, caller)
    arguments = BulkArguments(
        action=action, actor=call.origin.actor, customers=len(chosen.numbers), question=selection.text
    )
    number = await enqueue(
        call,
        BULK_ACTION,
        attempts=BULK_ATTEMPTS,
        site=selection.site,
        arguments=msgspec.to_builtins(arguments),
        job_input=packed(chosen.numbers),
    )
    await call.record(caller.account, f"{TYPE}/{number}", "created")
    job = await job_of_number(call, number)
    assert job is not None
    return await BULK_ACTIONS.shown(call, caller, job, status=202)


async def preview(call: Call, caller: Writer) -> Response:
    """What a bulk action would do."""
    selection, action, chosen = await _asked(call, caller)
    shown = {
        "customers": len(chosen.numbers),
        "changes": chosen.changes,
        "sample": await _sample(call, selection.site, action, chosen),
        "action": _shown_action(action),
    }
    return studies.shown(PREVIEWS, shown)


async def _asked(call: Call, caller: Caller) -> tuple[CustomerSelection, BulkAction, Chosen]:
    body = await studies.body_of(call, (IDS, ACTION))
    selection = read_selection(body, caller)
    action = await read_action(call, selection.site, body.get(ACTION))
    return selection, action, await choose(call, selection, action)


async def index(call: Call, caller: Reader) -> Response:
    """The newest bulk actions."""
    return await BULK_ACTIONS.listed(call, caller)


async def show(call: Call, caller: Reader) -> Response:
    """One bulk action."""
    return await BULK_ACTIONS.shown(call, caller, await BULK_ACTIONS.job(call, caller))


async def cancel(call: Call, caller: Writer) -> Response:
    """Ask a bulk action to stop; what is done stays."""
    return await BULK_ACTIONS.cancelled(call, caller)


async def undo(call: Call, caller: Writer) -> Response:
    """Begin to take back what a bulk action did, unless that is being done."""
    job = await BULK_ACTIONS.job(call, caller)
    BULK_ACTIONS.refuse_under_way(job)
    await begin_undo(call, caller, job, f"{TYPE}/{job.id}", actor=call.origin.actor)
    return await BULK_ACTIONS.shown(call, caller, job, status=202)


async def _sample(call: Call, site: int, action: BulkAction, chosen: Chosen) -> list[dict[str, Any]]:
    """Some of the customers, with what would change before and after."""
    if not chosen.sample:
        return []
    relation = None if action.object is None else TIES[action.type][0]
    queries: list[Any] = [customers_by_number(site, chosen.sample)]
    if relation is not None:
        queries.append(held_ties(site, chosen.sample, [relation]))
    async with call.services.store.snapshot() as connection:
        customers, *ties = await read_all(connection, queries)
        names: dict[int, str | None] = {}
        if relation is not None:
            items = {action.object, action.by, *(item for held in ties[0].values() for item in held)}
            kind = BY_NAME[relation].kind
            found = await objects_by_number(connection, site, str(kind), [each for each in items if each is not None])
            names = {item.number: item.title or item.public_id for item in found}
    shown = []
    for each in customers:
        if relation is None:
            before = (msgspec.json.decode(each.attributes) if each.attributes else {}).get(action.attribute)
            after = before if action.existing == "fill" and before is not None else action.value
        else:
            held = ties[0].get((each.number, relation), [])
            changed = {*held, action.object} if TIES[action.type][1] else {*held} - {action.object}
            if action.by is not None and action.object in held:
                changed.add(action.by)
            before, after = (sorted(str(names[item]) for item in which if item in names) for which in (held, changed))
        shown.append(
            {
                "id": str(public_number(site, each.number)),
                "name": shown_name(each.name, each.email, each.customer_id),
                "email": each.email,
                "before": before,
                "after": after,
            }
        )
    return shown


def _shown_action(action: BulkAction) -> dict[str, Any]:
    """An action as the API takes it; objects by their number."""
    if action.object is not None:
        by = {} if action.by is None else {BY: str(action.by)}
        return {"type": action.type, OBJECTS[action.type]: str(action.object), **by}
    return {
        "type": action.type,
        "attribute": action.attribute,
        "value": action.value,
        "existing": action.existing,
    }


ATTRIBUTES: Final[Mapping[str, Callable[[Job], Any]]] = {
    "action": lambda job: _shown_action(msgspec.convert(job.arguments["action"], BulkAction)),
    "q": lambda job: job.arguments["question"],
    "customers": lambda job: job.arguments["customers"],
    "site_id": lambda job: str(job.site),
    "state": lambda job: job.state,
    "done": lambda job: job.done,
    "summary": lambda job: job.result,
    "error": lambda job: job.error,
    "created_at": lambda job: iso(job.created_at),
    "started_at": lambda job: iso_or_none(job.started_at),
    "finished_at": lambda job: iso_or_none(job.finished_at),
}

BULK_ACTIONS: Final = UndoableJobs(BULK_ACTION, TYPE, "bulk action", ATTRIBUTES)
"""What is shown of a bulk action. customers: how many there are; done: how many of them are done."""

_ACTION: Final = record(
    {
        "type": one_of(ACTIONS),
        **{name: such_as(either(TEXT, WHOLE), "7") for name in dict.fromkeys((*OBJECTS.values(), BY))},
        "attribute": such_as(TEXT, "plan"),
        "value": ANY,
        "existing": {**one_of(EXISTING[:2]), "default": EXISTING[0]},
    },
    required=("type",),
)
_SUMMARY: Final = record(
    {
        **dict.fromkeys(("customers", "updated", "unchanged", "failed"), WHOLE),
        "reasons": {"type": "object", "examples": [{"The customer does not exist.": 1}]},
    }
)
_SCHEMAS: Final[Mapping[str, Schema]] = {
    "action": _ACTION,
    "q": such_as(or_null(TEXT), "is subscribed"),
    "customers": such_as(WHOLE, 1234),
    "site_id": such_as(TEXT, "1"),
    "state": one_of(STATES),
    "done": such_as(WHOLE, 1234),
    "summary": or_null(_SUMMARY),
    "error": or_null(TEXT),
    **dict.fromkeys(("created_at", "started_at", "finished_at"), or_null(MOMENT)),
}
_BODY: Final = studies.takes(
    {IDS: listed(either(TEXT, WHOLE), MOST_IDS), ACTION: _ACTION},
    {"q": "revenue > 100", "action": {"type": "set_attribute", "attribute": "plan", "value": "gold"}},
)
_PREVIEW: Final[Mapping[str, Schema]] = {
    "customers": such_as(WHOLE, 1234),
    "changes": such_as(or_null(WHOLE), 1200),
    "sample": listed(record({"id": TEXT, "name": or_null(TEXT), "email": or_null(TEXT), "before": ANY, "after": ANY})),
    "action": _ACTION,
}
_RESOURCE: Final[Schema] = record(
    {
        "id": TEXT,
        "type": one_of((TYPE,)),
        "attributes": record({**{name: _SCHEMAS[name] for name in ATTRIBUTES}, "undo": or_null(UNDO_SCHEMA)}),
        "links": record({"self": TEXT}),
    }
)
_ONE: Final[Schema] = record({"data": _RESOURCE, "links": record({"self": TEXT})})
_MANY: Final[Schema] = record({"data": listed(_RESOURCE), "links": record({"self": TEXT})})

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "bulk_actions.create",
        "POST",
        "/v1/bulk_actions",
        create,
        "Change many customers at once",
        "Adds or removes a tag, replaces one by another, adds to or removes from a list, or sets an attribute: for all "
        "customers of a question, or for those with these `ids`. The customers are those of this moment; a background "
        "job goes through them. Bulk actions record no events.",
        body=_BODY,
        reply=_ONE,
        status=202,
    ),
    Operation(
        JSONAPI,
        "bulk_actions.preview",
        "POST",
        "/v1/bulk_actions/preview",
        preview,
        "Preview a bulk action",
        "Takes the same body and changes nothing. `customers` is how many there are, `changes` how many of them would "
        "change, null where the index cannot tell. `sample` has what some of those have before and after.",
        body=_BODY,
        reply=studies.reply(PREVIEWS, _PREVIEW),
    ),
    Operation(
        JSONAPI, "bulk_actions.index", "GET", "/v1/bulk_actions", index, "List the newest bulk actions", reply=_MANY
    ),
    Operation(
        JSONAPI,
        "bulk_actions.show",
        "GET",
        "/v1/bulk_actions/{id}",
        show,
        "Get a bulk action",
        "`done` counts the customers that are done. When `state` is done, `summary` has the figures. `undo` is the "
        "newest undo of it, null if there was none.",
        reply=_ONE,
    ),
    Operation(
        JSONAPI,
        "bulk_actions.cancel",
        "POST",
        "/v1/bulk_actions/{id}/cancel",
        cancel,
        "Stop a bulk action",
        "What is done stays; it can be undone.",
        reply=_ONE,
    ),
    Operation(
        JSONAPI,
        "bulk_actions.undo",
        "POST",
        "/v1/bulk_actions/{id}/undo",
        undo,
        "Undo a bulk action",
        "A background job gives customers what they had before. Customers who were changed since stay as they are; "
        "`undo.summary` has their number by reason. It can be repeated.",
        reply=_ONE,
        status=202,
    ),
)
"""The operations on bulk actions."""
