"""The body of a submission of a form: the profile of the person, and the event that keeps what was entered."""

from collections.abc import Mapping
from typing import Any, Final

from regulars.domain.activity import Activity, parse_activity
from regulars.domain.commands import RecordActivity, SubmitForm, Upsert
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.limits import Limits
from regulars.domain.profile import Profile, parse_profile
from regulars.domain.text import is_blank
from regulars.http.jsonapi.bodies import refused
from regulars.http.schema import TEXT, Schema, or_null, record

TYPE: Final = "form_submissions"
EVENT: Final = "form_submitted"
REQUIRED: Final = ("name", "email")
PHONES: Final = ("phone_number", "business_number", "mobile_phone_number")
ADDRESS: Final = tuple(f"address_{part}" for part in ("line_1", "line_2", "city", "state", "country", "zip"))
CUSTOM: Final = ("custom_1", "custom_2", "custom_3")
FIELDS: Final = (*REQUIRED, *PHONES, *ADDRESS, *CUSTOM)
"""What a form asks for."""

_SHOWN: Final = ("created_at",)
"""Read-only attributes: ignored, because clients send back what they received."""

_TOP: Final = ("name", "email", "phone_number")


def submission_of(
    attributes: Mapping[str, Any],
    form: int,
    limits: Limits,
    *,
    event_uuid: str,
    now: int,
    strict: bool,
    country: str | None,
) -> tuple[SubmitForm, Profile]:
    """The command for a submission of the form with this number, and the profile in it. Raises Problem with all faults.

    What is absent, null or blank stays as it is. now: ms. strict, country: as in `parse_profile`.
    """
    entered = {name: value for name, value in attributes.items() if value is not None and not is_blank(value)}
    faults = {name: Fault(name, "is required") for name in REQUIRED if name not in entered}
    for name, value in entered.items():
        if name not in FIELDS and name not in _SHOWN:
            faults[name] = Fault(name, f"is unknown. Allowed: {', '.join(FIELDS)}")
        elif name not in _SHOWN and not isinstance(value, str):
            faults[name] = Fault(name, "must be text")
        elif name in FIELDS and len(value) > limits.text:
            faults[name] = Fault(name, f"must be text of at most {limits.text} characters")
    told = {name: value for name, value in entered.items() if name in FIELDS and name not in faults}
    profile, submission = None, None
    try:
        data = {name: value for name, value in told.items() if name not in _TOP}
        body: dict[str, Any] = {name: told[name] for name in _TOP if name in told}
        profile = parse_profile({**body, "data": data}, limits=limits, strict=strict, country=country)
        submission = _activity({**told, "form_id": form}, event_uuid, now, limits)
    except RefusedError as refusal:
        for fault in refusal.faults:
            faults.setdefault(fault.field if fault.field in FIELDS else "email", fault)
    if faults or profile is None or submission is None:
        listed = [Fault(f"data.attributes.{name}", fault.detail.rstrip(".")) for name, fault in faults.items()]
        raise refused(listed, "unprocessable")
    return SubmitForm(Upsert(profile, source="form"), RecordActivity(submission, source="form")), profile


def _activity(body: dict[str, Any], event_uuid: str, now: int, limits: Limits) -> Activity:
    return parse_activity({**body, "event": EVENT, "event_uuid": event_uuid}, now=now, limits=limits)


def form_submission_bodies(limits: Limits) -> dict[str, Schema]:
    """The request body by component name, with the limits of this server."""
    text: Schema = {**TEXT, "maxLength": limits.text}
    known: dict[str, Schema] = {
        "name": {**text, "minLength": 1, "examples": ["Anna Keller"]},
        "email": {**TEXT, "format": "email", "maxLength": limits.email, "examples": ["anna@example.com"]},
    }
    attributes = record({name: known.get(name) or or_null(text) for name in FIELDS}, required=REQUIRED)
    return {f"{TYPE}_creation": record({"data": record({"type": {"const": TYPE}, "attributes": attributes})})}
