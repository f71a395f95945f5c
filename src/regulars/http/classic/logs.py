"""The mails of one customer, on the classic surface."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.faults import Fault
from regulars.domain.mail import STATUSES, Log
from regulars.domain.moments import SECOND
from regulars.domain.text import whole_number
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, who_in_path
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import SECONDS, listed, ref
from regulars.store.reads import FOREVER, find_person, logs_of

LARGEST_COUNT: Final = 100
_LATEST: Final = FOREVER // SECOND


async def of_customer(call: Call, caller: Reader) -> Response:
    """The mails to a customer, newest first.

    Bounds are Unix seconds and excluded.
    """
    who = who_in_path(call)
    faults: list[Fault] = []
    count = _whole(call, "count", 1, LARGEST_COUNT, LARGEST_COUNT, faults)
    before = _whole(call, "created_lt", -_LATEST, _LATEST, _LATEST, faults)
    after = _whole(call, "created_gt", -_LATEST, _LATEST, -_LATEST, faults)
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    async with call.services.store.snapshot() as connection:
        person = await find_person(connection, caller.site, who)
        email_key = person.customer.email_key if person is not None else who.email_key
        logs = await logs_of(
            connection,
            caller.site,
            email_key=email_key or "",
            customer=None if person is None else person.customer.number,
            # Strictly later than a second means later than all of its milliseconds.
            after=after * SECOND + SECOND - 1 if after > -_LATEST else -FOREVER,
            before=before * SECOND if before < _LATEST else FOREVER,
            count=count,
        )
    if person is None and not logs:
        raise Problem("customer_not_found", "There is no customer with this address, and no mail to it.")
    return json_response({**DONE, "logs": [log_object(log, caller.site) for log in logs]})


def log_object(log: Log, site: int) -> dict[str, Any]:
    """A log as Sendwithus shows one; `created` is Unix seconds."""
    return {
        "object": "log",
        "id": log.public_id(site),
        "created": log.created_at // SECOND,
        "recipient_name": log.recipient_name or "",
        "recipient_address": log.recipient_address or "",
        "status": STATUSES[log.status],
        "message": log.told,
        "email_id": log.email_id or "",
        "email_name": log.email_name or log.email_id or "",
        "email_version": log.email_version or "",
    }


def _whole(call: Call, name: str, low: int, high: int, default: int, faults: list[Fault]) -> int:
    text = call.request.query_params.get(name, "").strip()
    if not text:
        return default
    size = whole_number(text.removeprefix("-"), longest=18)
    if size is not None and low <= (value := -size if text.startswith("-") else size) <= high:
        return value
    allowed = f"a whole number from {low} to {high}" if name == "count" else "a Unix timestamp in seconds"
    faults.append(Fault(name, f"must be {allowed}"))
    return default


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "logs.of_customer",
        "GET",
        "/api/v1/customers/{who}/logs",
        of_customer,
        "List the mails sent to a customer",
        "Newest first. Bounds are Unix seconds and excluded.",
        parameters={
            "count": {
                "type": "integer",
                "minimum": 1,
                "maximum": LARGEST_COUNT,
                "default": LARGEST_COUNT,
                "description": "How many at most.",
            },
            "created_gt": {**SECONDS, "description": "Later than this, in Unix seconds."},
            "created_lt": {**SECONDS, "description": "Earlier than this, in Unix seconds."},
        },
        reply=schemas.done(logs=listed(ref("Log"))),
    ),
)
"""The operations on logs."""
