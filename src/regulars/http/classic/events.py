"""Activity on the classic surface: one event, several in one call, and recent events."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.domain.activity import parse_activity
from regulars.domain.commands import LastNames, Reassign, RecordActivity, handovers, is_taken, later_of
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.identity import uuid_text
from regulars.domain.moments import iso
from regulars.domain.orders import repeated_uuid
from regulars.domain.outcome import Outcome
from regulars.domain.text import whole_number
from regulars.domain.working import ActivityRow
from regulars.http import rate_limits
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, STRICT, WHOSE, asked_of, is_strict, warned
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, WHOLE, listed, record, ref, such_as
from regulars.store.export_reads import Identity, identities
from regulars.store.log_reads import activities_of
from regulars.store.reads import find_card, numbers_of

BULK_LIMIT: Final = 100
BULK_BYTES: Final = 1024 * 1024
"""The largest body of a bulk call; the vendor's clients cut theirs to fit."""

HISTORY_LIMIT: Final = 50
LOOKED_AT: Final = 1_000
"""The number of recent events that are searched for those with one name."""


async def record_event(call: Call, caller: Writer) -> Response:
    """Record one event."""
    services = call.services
    body, strict = await call.json_object(), is_strict(call, caller)
    limits, country = services.store.limits, caller.country()
    activity = parse_activity(body, now=services.clock(), limits=limits, strict=strict, country=country)
    outcome = await call.submit(caller.site, RecordActivity(activity))
    return json_response({**DONE, "result": outcome.verdict, **warned(activity.warnings, outcome)})


async def bulk(call: Call, caller: Writer) -> Response:
    """Record up to 100 events, at most 1 MB, each on its own, in order. Reports which failed and why."""
    services = call.services
    events, strict = (await call.json_object(BULK_BYTES)).get("events"), is_strict(call, caller)
    limits, country = services.store.limits, caller.country()
    if not isinstance(events, list):
        raise Problem("malformed", 'The body must be {"events": [...]}.', faults=[Fault("events", "must be a list")])
    if len(events) > BULK_LIMIT:
        raise Problem("too_many", f"You can send up to {BULK_LIMIT} events in an API call.")
    rate_limits.count_items(call.scope, caller, len(events))
    commands: list[tuple[int, RecordActivity]] = []
    refused: dict[int, RefusedError] = {}
    for place, event in enumerate(events):
        try:
            if not isinstance(event, dict):
                raise RefusedError("invalid", (Fault("events", "must be a list of objects"),))
            activity = parse_activity(event, now=services.clock(), limits=limits, strict=strict, country=country)
            commands.append((place, RecordActivity(activity)))
        except RefusedError as refusal:
            refused[place] = refusal
    outcomes = await _record_all(call, caller, [command for _, command in commands])
    warnings: list[dict[str, Any]] = []
    for (place, command), outcome in zip(commands, outcomes, strict=True):
        if outcome.refusal is not None:
            refused[place] = outcome.refusal
        elif found := warned(command.activity.warnings, outcome):
            warnings.append({"index": place, **found})
    ignored = [place for (place, _), outcome in zip(commands, outcomes, strict=True) if outcome.verdict == "ignored"]
    failed = [_failure(place, events[place], refused[place]) for place in sorted(refused)]
    done = {"success": True, "status": "ok", "count": len(events) - len(failed), "failed": failed}
    optional = {"warnings": warnings, "ignored": ignored}
    return json_response({**done, **{name: value for name, value in optional.items() if value}})


async def _record_all(call: Call, caller: Writer, commands: list[RecordActivity]) -> list[Outcome]:
    """The outcome of each event. Those of `identify` that exchange identifiers are executed together."""
    outcomes = await call.submit_all(caller.site, commands)
    last_names = LastNames()
    refused = []
    for place, (command, outcome) in enumerate(zip(commands, outcomes, strict=True)):
        if is_taken(outcome) and handovers(command):
            refused.append(place)
        elif refused and outcome.refusal is None:
            last_names.note(command, place)
    refused = [place for place in refused if not last_names.outdates(commands[place], place)]
    if len(commands) > 1 and refused:
        outcome = await call.submit(caller.site, Reassign(tuple((commands[place],) for place in refused)))
        for place, again in zip(refused, outcome.parts, strict=True):
            outcomes[place] = later_of(outcomes[place], again)
    return outcomes


async def of_customer(call: Call, caller: Reader) -> Response:
    """Recent events of one customer."""
    if asked_of(call) is None:
        fault = Fault("email", "is required, or customer_id or uuid")
        raise Problem("invalid", f"{fault.field} {fault.detail}.", faults=[fault])
    return await history(call, caller)


async def history(call: Call, caller: Reader) -> Response:
    """Recent events of one customer or of all; all events, or those with one name."""
    given = call.request.query_params
    text = given.get("limit", "").strip()
    limit = whole_number(text, longest=3) if text else HISTORY_LIMIT
    if limit is None or not 1 <= limit <= HISTORY_LIMIT:
        fault = Fault("limit", f"must be a whole number from 1 to {HISTORY_LIMIT}")
        raise Problem("invalid", f"{fault.field} {fault.detail}.", faults=[fault])
    who = asked_of(call)
    name = given.get("event_name", "").strip()
    numbers = None
    async with call.services.store.snapshot() as connection:
        if who is not None:
            card = await find_card(connection, caller.site, who)
            if card is None:
                raise Problem("customer_not_found", "No customer has this email address, customer_id or uuid.")
            numbers = await numbers_of(connection, caller.site, card)
        rows = await activities_of(
            connection, caller.site, numbers, name=name or None, looked_at=LOOKED_AT if name else limit, count=limit
        )
        people = await identities(connection, caller.site, (row.customer for row in rows)) if rows else {}
    return json_response({**DONE, "events": [_past_event(row, people.get(row.customer)) for row in rows]})


def _past_event(row: ActivityRow, customer: Identity | None) -> dict[str, Any]:
    """An event as it was sent, with its time and customer (null if deleted)."""
    detail = msgspec.json.decode(row.detail) if row.detail else {}
    uuid = row.uuid or repeated_uuid(detail)
    whose = (
        None
        if customer is None
        else {"uuid": uuid_text(customer.uuid), "email": customer.email, "customer_id": customer.customer_id}
    )
    return {
        **detail,
        "event": row.name,
        "timestamp": iso(row.at),
        "event_uuid": None if uuid is None else uuid_text(uuid),
        "customer": whose,
    }


def _failure(place: int, event: Any, refusal: RefusedError) -> dict[str, Any]:
    return {
        "index": place,
        "event": event,
        "code": refusal.code,
        "errors": [{"field": fault.field, "detail": fault.detail} for fault in refusal.faults],
    }


_HISTORY: Final = {
    "event_name": {**such_as(TEXT, "purchase"), "description": "Only events with this name."},
    "limit": {"type": "integer", "minimum": 1, "maximum": HISTORY_LIMIT, "default": HISTORY_LIMIT},
    **{name: {**TEXT, "description": "Only events of this customer."} for name in WHOSE},
}

OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "events.record",
        "POST",
        "/api/v1/event",
        record_event,
        "Record an event",
        "An event is something that a customer did, or that happened to them, such as a bounced email.",
        parameters=STRICT,
        body=ref("Event"),
        reply=schemas.done(result=such_as(TEXT, "updated"), warnings=schemas.WARNINGS),
        errors=(404, 409),
    ),
    Operation(
        CLASSIC,
        "events.history",
        "GET",
        "/api/v1/event/history",
        history,
        "List recent events",
        f"Newest first. `event_name` searches the last {LOOKED_AT} events of the customer or site.",
        parameters=_HISTORY,
        reply=schemas.done(events=listed(ref("PastEvent"))),
        errors=(404,),
        also=("/api/v1/event/debug",),
    ),
    Operation(
        CLASSIC,
        "events.of_customer",
        "GET",
        "/api/v1/customer_search/show_events",
        of_customer,
        "List recent events of a customer",
        "Newest first. `GET /v1/customers/{id}/activity` has all of them, in pages.",
        parameters=_HISTORY,
        reply=schemas.done(events=listed(ref("PastEvent"))),
        errors=(404,),
    ),
    Operation(
        CLASSIC,
        "events.bulk",
        "POST",
        "/api/v1/bulkevents",
        bulk,
        f"Record up to {BULK_LIMIT} events",
        "At most 1 MB. Each event is recorded or refused on its own, in order. `failed` lists the refused ones with "
        "the reason.",
        parameters=STRICT,
        body=record({"events": listed(ref("Event"), BULK_LIMIT)}),
        reply=schemas.done(
            count=WHOLE,
            failed=schemas.FAILED,
            warnings=listed(
                record({"index": WHOLE, "warnings": schemas.WARNINGS}),
                description="Fields that were not stored as sent, with the index of the event.",
                examples=[[]],
            ),
        ),
    ),
)
"""The operations on events."""
