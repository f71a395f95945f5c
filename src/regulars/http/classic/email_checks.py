"""Blueshift's validation of addresses: their form and known typing errors. No server is asked."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.address_checks import check_address
from regulars.domain.faults import Fault
from regulars.http import rate_limits
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, YES_OR_NO, Schema, listed, one_of, or_null, record, such_as

MOST_ADDRESSES: Final = 30
_LONGEST: Final = 512
"""The longest text (characters) that a reply repeats."""

_CHECK: Final[dict[str, Schema]] = {
    "email": such_as(TEXT, "anna@gmial.com"),
    "address": {**TEXT, "description": "Same as `email`.", "examples": ["anna@gmial.com"]},
    "valid": such_as({**YES_OR_NO, "description": "Whether it is well formed."}, True),
    "result": one_of(("unknown", "undeliverable"), description="Whether mail arrives is not known."),
    "reason": listed(such_as(TEXT, "domain_typo"), examples=[["domain_typo"]]),
    "risk": one_of(("unknown", "medium", "high")),
    "did_you_mean": such_as(or_null(TEXT), "anna@gmail.com"),
    "is_role_address": such_as(YES_OR_NO, False),
    "is_disposable_address": {**such_as(or_null(YES_OR_NO), None), "description": "Not known here."},
}


async def validate(call: Call, caller: Reader) -> Response:
    """Check one address."""
    text = call.request.query_params.get("email", "").strip()
    if not text:
        raise Problem("invalid", "email is required.", faults=[Fault("email", "is required")])
    return json_response({**DONE, **_checked(text.replace(" ", "+"), call)})


async def bulk_validate(call: Call, caller: Reader) -> Response:
    """Check up to 30 addresses."""
    emails = (await call.json_object()).get("emails")
    if not isinstance(emails, list) or not emails or not all(isinstance(each, str) for each in emails):
        fault = Fault("emails", "must be a list of addresses as text")
        raise Problem("invalid", f"{fault.field} {fault.detail}.", faults=[fault])
    if len(emails) > MOST_ADDRESSES:
        raise Problem("too_many", f"You can validate up to {MOST_ADDRESSES} addresses in an API call.")
    rate_limits.count_items(call.scope, caller, len(emails))
    return json_response({**DONE, "results": [_checked(each, call) for each in emails]})


def _checked(email: str, call: Call) -> dict[str, Any]:
    found = check_address(email, longest=call.services.store.limits.email)
    reasons = ["malformed"] if found.problem else ["domain_typo"] if found.meant else []
    shown = email[:_LONGEST]
    return {
        "email": shown,
        "address": shown,
        "valid": found.problem is None,
        "result": "undeliverable" if found.problem else "unknown",
        "reason": reasons,
        "risk": "high" if found.problem else "medium" if found.meant else "unknown",
        "did_you_mean": found.meant,
        "is_role_address": found.is_role,
        "is_disposable_address": None,
    }


OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "emails.validate",
        "GET",
        "/api/v1/emails/validate",
        validate,
        "Validate an email address",
        "Checks its form, and the domain for known typing errors. No server is asked, so `result` is never "
        "`deliverable`.",
        parameters={"email": such_as(TEXT, "anna@gmial.com")},
        reply=schemas.done(**_CHECK),
    ),
    Operation(
        CLASSIC,
        "emails.bulk_validate",
        "POST",
        "/api/v1/emails/bulk_validate",
        bulk_validate,
        f"Validate up to {MOST_ADDRESSES} email addresses",
        "The same for each address, in order.",
        body=record({"emails": listed(such_as(TEXT, "anna@gmial.com"), MOST_ADDRESSES)}),
        reply=schemas.done(results=listed(record(_CHECK))),
    ),
)
"""The operations on addresses."""
