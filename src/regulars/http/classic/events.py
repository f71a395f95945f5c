"""Activity on the classic surface: one event, or many in one call."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.activity import parse_activity
from regulars.domain.commands import RecordActivity
from regulars.domain.faults import Fault, RefusedError
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, STRICT, is_strict, warned
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Writer
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, WHOLE, listed, record, ref, such_as

BULK_LIMIT: Final = 100
BULK_BYTES: Final = 1024 * 1024
"""The largest body of a bulk call; the vendor's clients cut theirs to fit."""


async def record_event(call: Call, caller: Writer) -> Response:
    """Record something that a customer did, or that was done to them."""
    services = call.services
    body, strict = await call.json_object(), is_strict(call)
    activity = parse_activity(body, now=services.clock(), limits=services.store.limits, strict=strict)
    outcome = await call.submit(caller.site, RecordActivity(activity))
    return json_response({**DONE, "result": outcome.verdict, **warned(activity.profile)})


async def bulk(call: Call, caller: Writer) -> Response:
    """Record up to 100 events, 1 MB at most, each by itself, in order; tells which failed and why."""
    services = call.services
    events = (await call.json_object(BULK_BYTES)).get("events")
    if not isinstance(events, list):
        raise Problem("malformed", 'The body must be {"events": [...]}.', faults=[Fault("events", "must be a list")])
    if len(events) > BULK_LIMIT:
        raise Problem("too_many", f"You can send up to {BULK_LIMIT} events in an API call.")
    commands: list[tuple[int, RecordActivity]] = []
    refused: dict[int, RefusedError] = {}
    for place, event in enumerate(events):
        try:
            if not isinstance(event, dict):
                raise RefusedError("invalid", (Fault("events", "must be a list of objects"),))
            activity = parse_activity(event, now=services.clock(), limits=services.store.limits)
            commands.append((place, RecordActivity(activity)))
        except RefusedError as refusal:
            refused[place] = refusal
    outcomes = await services.store.ledger.submit_all(caller.site, [command for _, command in commands])
    for (place, _), outcome in zip(commands, outcomes, strict=True):
        if outcome.refusal is not None:
            refused[place] = outcome.refusal
    failed = [_failure(place, events[place], refused[place]) for place in sorted(refused)]
    return json_response({"success": True, "status": "ok", "count": len(events) - len(failed), "failed": failed})


def _failure(place: int, event: Any, refusal: RefusedError) -> dict[str, Any]:
    return {
        "index": place,
        "event": event,
        "code": refusal.code,
        "errors": [{"field": fault.field, "detail": fault.detail} for fault in refusal.faults],
    }


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "events.record",
        "POST",
        "/api/v1/event",
        record_event,
        "Record an event",
        "Something that a customer did, or that was done to them.",
        parameters=STRICT,
        body=ref("Event"),
        reply=schemas.done(result=such_as(TEXT, "updated")),
        errors=(404, 409),
    ),
    Operation(
        CLASSIC,
        "events.bulk",
        "POST",
        "/api/v1/bulkevents",
        bulk,
        f"Record up to {BULK_LIMIT} events",
        "At most 1 MB. Each event is judged by itself, in order; `failed` lists the refused ones, and why.",
        body=record({"events": listed(ref("Event"), BULK_LIMIT)}),
        reply=schemas.done(count=WHOLE, failed=schemas.FAILED),
    ),
)
"""The operations on events."""
