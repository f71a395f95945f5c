"""Email logs on the classic surface: of one customer, of all, one of them, and its events."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.domain.events import EVENTS
from regulars.domain.faults import Fault
from regulars.domain.mail import STATUSES, Log, default_message
from regulars.domain.moments import SECOND
from regulars.domain.text import whole_number
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, who_in_path
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import SECONDS, TEXT, listed, ref, such_as
from regulars.store.drip_reads import find_pending_log, pending_logs_of
from regulars.store.engine import Connection
from regulars.store.log_reads import events_of_log, find_log, logs_of_site, mail_names
from regulars.store.reads import FOREVER, find_card, logs_of, numbers_of

LARGEST_COUNT: Final = 100
LARGEST_OFFSET: Final = 10_000
"""The largest offset. To read further, callers use `before`."""

MOST_EVENTS: Final = 1_000
"""The maximum number of events shown for one email."""

_LATEST: Final = FOREVER // SECOND


async def of_customer(call: Call, caller: Reader) -> Response:
    """The mails to a customer, newest first; with `count`, those too that are still to be sent.

    Bounds are Unix seconds and excluded.
    """
    who = who_in_path(call)
    faults: list[Fault] = []
    count = _whole(call, "count", 1, LARGEST_COUNT, LARGEST_COUNT, faults)
    before = _whole(call, "created_lt", -_LATEST, _LATEST, _LATEST, faults)
    after = _whole(call, "created_gt", -_LATEST, _LATEST, -_LATEST, faults)
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    after, before = (
        # Strictly later than a second means later than all of its milliseconds.
        after * SECOND + SECOND - 1 if after > -_LATEST else -FOREVER,
        before * SECOND if before < _LATEST else FOREVER,
    )
    async with call.services.store.snapshot() as connection:
        card = await find_card(connection, caller.site, who)
        email_key = card.email_key if card is not None else who.email_key
        numbers = [] if card is None else await numbers_of(connection, caller.site, card)
        wanted: Any = {"email_key": email_key or "", "customers": numbers, "after": after, "before": before}
        logs = await logs_of(connection, caller.site, **wanted, count=count)
        if _is_given(call, "count"):
            logs += await pending_logs_of(connection, caller.site, **wanted, count=count)
            logs = sorted(logs, key=lambda log: (-log.created_at, -log.number))[:count]
        names = await mail_names(connection, caller.site, logs)
    if card is None and not logs:
        raise Problem("customer_not_found", "No customer or email has this address.")
    return json_response({**DONE, "logs": [log_object(log, caller.site, names) for log in logs]})


async def index(call: Call, caller: Reader) -> Response:
    """The emails of all customers, newest first. Bounds are Unix seconds."""
    faults: list[Fault] = []
    count = _whole(call, "count", 1, LARGEST_COUNT, LARGEST_COUNT, faults)
    skip = _whole(call, "offset", 0, LARGEST_OFFSET, 0, faults)
    later, earliest = _seconds(call, "created_gt", faults), _seconds(call, "created_gte", faults)
    earlier, latest = _seconds(call, "created_lt", faults), _seconds(call, "created_lte", faults)
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    after = max(
        -FOREVER if later is None else later * SECOND + SECOND - 1,
        -FOREVER if earliest is None else earliest * SECOND - 1,
    )
    until = min(
        FOREVER if earlier is None else earlier * SECOND - 1,
        FOREVER if latest is None else latest * SECOND + SECOND - 1,
    )
    number = FOREVER
    async with call.services.store.snapshot() as connection:
        if before := call.request.query_params.get("before", ""):
            last = await _found(connection, caller.site, before)
            if last.created_at <= until:
                until, number = last.created_at, last.number
        logs = await logs_of_site(
            connection, caller.site, after=after, until=until, before=number, skip=skip, count=count
        )
        names = await mail_names(connection, caller.site, logs)
    return json_response([log_object(log, caller.site, names) for log in logs])


async def show(call: Call, caller: Reader) -> Response:
    """One mail."""
    async with call.services.store.snapshot() as connection:
        log = await _found(connection, caller.site, call.path("log"), with_pending=True)
        names = await mail_names(connection, caller.site, [log])
    return json_response(log_object(log, caller.site, names))


async def events(call: Call, caller: Reader) -> Response:
    """The events of one email, oldest first."""
    async with call.services.store.snapshot() as connection:
        log = await _found(connection, caller.site, call.path("log"), with_pending=True)
        happened = await events_of_log(connection, caller.site, log.number, count=MOST_EVENTS)
    return json_response([event_object(*each) for each in happened])


async def _found(connection: Connection, site: int, key: str, *, with_pending: bool = False) -> Log:
    log = await find_log(connection, site, key)
    if log is None and with_pending:
        log = await find_pending_log(connection, site, key)
    if log is None:
        raise Problem("object_not_found", "No log has this id.")
    return log


def event_object(name: str, at: int, detail: str | None) -> dict[str, Any]:
    """An event of an email in the format of Sendwithus; `created` is Unix seconds."""
    kind = EVENTS.get(name)
    status = name if kind is None or kind.mail is None else kind.mail
    reported = msgspec.json.decode(detail).get("message") if detail else None
    return {
        "object": "event",
        "created": at // SECOND,
        "type": status,
        "message": reported if isinstance(reported, str) and reported else default_message(status),
    }


def log_object(log: Log, site: int, names: Mapping[str, str]) -> dict[str, Any]:
    """A log in the format of Sendwithus; `created` is Unix seconds. names: template names by `email_id`."""
    return {
        "object": "log",
        "id": log.public_id(site),
        "created": log.created_at // SECOND,
        "recipient_name": log.recipient_name or "",
        "recipient_address": log.recipient_address or "",
        "status": STATUSES[log.status],
        "message": log.shown_message,
        "email_id": log.email_id or "",
        "email_name": log.email_name or names.get(log.email_id or "") or log.email_id or "",
        "email_version": log.email_version or "",
    }


def _whole(call: Call, name: str, low: int, high: int, default: int, faults: list[Fault]) -> int:
    text = call.request.query_params.get(name, "").strip()
    if not text:
        return default
    size = whole_number(text.removeprefix("-"), longest=18)
    if size is not None and low <= (value := -size if text.startswith("-") else size) <= high:
        return value
    allowed = f"a whole number from {low} to {high}" if name in ("count", "offset") else "a Unix timestamp in seconds"
    faults.append(Fault(name, f"must be {allowed}"))
    return default


def _is_given(call: Call, name: str) -> bool:
    return bool(call.request.query_params.get(name, "").strip())


def _seconds(call: Call, name: str, faults: list[Fault]) -> int | None:
    """A moment in Unix seconds, None where none is given."""
    if not _is_given(call, name):
        return None
    return _whole(call, name, -_LATEST, _LATEST, 0, faults)


_COUNT: Final = {
    "type": "integer",
    "minimum": 1,
    "maximum": LARGEST_COUNT,
    "default": LARGEST_COUNT,
    "description": "The maximum number of logs to return.",
}
_OFFSET: Final = {
    "type": "integer",
    "minimum": 0,
    "maximum": LARGEST_OFFSET,
    "default": 0,
    "description": "The number of logs to skip. To go further, pass the id of the last log as `before`.",
}


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "logs.of_customer",
        "GET",
        "/api/v1/customers/{who}/logs",
        of_customer,
        "List the emails of a customer",
        "Newest first. With `count`, the list includes the pending emails of drip campaigns, at their due times.",
        parameters={
            "count": _COUNT,
            "created_gt": {**SECONDS, "description": "Created after this time, in Unix seconds."},
            "created_lt": {**SECONDS, "description": "Created before this time, in Unix seconds."},
        },
        reply=schemas.done(logs=listed(ref("Log"))),
    ),
    Operation(
        CLASSIC,
        "logs.index",
        "GET",
        "/api/v1/logs",
        index,
        "List the emails of all customers",
        "Newest first.",
        parameters={
            "count": _COUNT,
            "offset": _OFFSET,
            "before": {
                **such_as(TEXT, "log_4294967297"),
                "description": "Return the logs after this one, by id.",
            },
            "created_gt": {**SECONDS, "description": "Created after this time, in Unix seconds."},
            "created_gte": {**SECONDS, "description": "Created at or after this time, in Unix seconds."},
            "created_lt": {**SECONDS, "description": "Created before this time, in Unix seconds."},
            "created_lte": {**SECONDS, "description": "Created at or before this time, in Unix seconds."},
        },
        reply=listed(ref("Log")),
        errors=(404,),
    ),
    Operation(
        CLASSIC,
        "logs.show",
        "GET",
        "/api/v1/logs/{log}",
        show,
        "Get an email",
        "If several customers have an email with this id, the newest.",
        reply=ref("Log"),
    ),
    Operation(
        CLASSIC,
        "logs.events",
        "GET",
        "/api/v1/logs/{log}/events",
        events,
        "List the events of an email",
        f"Oldest first, at most {MOST_EVENTS}.",
        reply=listed(ref("LogEvent")),
    ),
)
"""The operations on logs."""
