"""Drip campaigns on the classic surface: the list, one of them, and starting and ending them for a customer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from starlette.responses import Response

from regulars.domain.commands import ActivateDripCampaign, DeactivateDripCampaigns
from regulars.domain.drip_campaigns import KIND, DripPlan
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.identity import Who
from regulars.domain.objects import RelatedObject
from regulars.domain.profile import Profile, parse_profile, parse_who
from regulars.domain.references import Reference, parse_reference
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ANY, TEXT, WHOLE, Schema, listed, or_null, record, ref, such_as
from regulars.http.slices import rendered
from regulars.store.drip_reads import plans_of, templates_of_plans
from regulars.store.engine import Connection
from regulars.store.object_lists import objects_in_slices
from regulars.store.reads import find_object

_Parsed = TypeVar("_Parsed")

ADDRESS_FIELDS: Final = ("recipient_address", "email_address", "email")
"""The names under which the vendor's clients send the address; the first is the documented one."""

_RECIPIENT: Final = frozenset({"recipient", *ADDRESS_FIELDS})
_OBJECTS: Final = ("email_data", "sender")
_LISTS: Final = ("cc", "bcc", "tags")


async def index(call: Call, caller: Reader) -> Response:
    """Every drip campaign, as a list."""
    shown: list[dict[str, Any]] = []
    async with call.services.store.snapshot() as connection:
        async for campaigns in objects_in_slices(connection, caller.site, KIND):
            plans, templates = await _planned(connection, caller.site, campaigns)
            shown += await rendered(campaigns, lambda item: campaign_object(item, plans[item.number], templates))  # noqa: B023 - called at once
    return json_response(shown)


async def show(call: Call, caller: Reader) -> Response:
    """One drip campaign."""
    return json_response(await _found(call, caller))


async def steps(call: Call, caller: Reader) -> Response:
    """The steps of one drip campaign."""
    return json_response((await _found(call, caller))["drip_steps"])


async def activate(call: Call, caller: Writer) -> Response:
    """Schedule the mails of a campaign for a customer."""
    body = await call.json_object()
    profile, data = _recipient(body, call)
    outcome = await call.submit(caller.site, ActivateDripCampaign(_campaign(call), profile, data))
    if outcome.object is None:  # it is about somebody who was erased
        return json_response({**DONE, "result": outcome.verdict})
    return _done(outcome.object, profile.who, "added to", result=outcome.verdict)


async def deactivate(call: Call, caller: Writer) -> Response:
    """Cancel the pending mails of a campaign to a customer."""
    who = _address(await call.json_object(), call)
    outcome = await call.submit(caller.site, DeactivateDripCampaigns(who, _campaign(call)))
    return _done(outcome.object, who, "removed from", result=outcome.verdict)


async def deactivate_all(call: Call, caller: Writer) -> Response:
    """Cancel the pending mails of all campaigns to a customer."""
    who = _address(await call.json_object(), call)
    outcome = await call.submit(caller.site, DeactivateDripCampaigns(who))
    addresses = {"recipient_address": who.email, "email_address": who.email}
    return json_response({**DONE, "result": outcome.verdict, **addresses, "unsubscribed_count": outcome.count})


def campaign_object(campaign: RelatedObject, plan: DripPlan, templates: Mapping[int, str]) -> dict[str, Any]:
    """A drip campaign as Sendwithus shows one. templates: their public ids, by number."""
    trigger = plan.trigger_template
    return {
        "object": "drip_campaign",
        "id": campaign.public_id,
        "name": campaign.title,
        "enabled": plan.enabled,
        "trigger_email_id": None if trigger is None else templates[trigger],
        "drip_steps": [
            {
                "object": "drip_step",
                "id": step_id(campaign.number, place),
                "email_id": templates[step.template],
                "delay_seconds": step.delay_seconds,
            }
            for place, step in enumerate(plan.steps, 1)
        ],
    }


def step_id(campaign: int, place: int) -> str:
    """The id of a step: its campaign's number and its place, from 1."""
    return f"dcs_{campaign}_{place}"


async def _found(call: Call, caller: Reader) -> dict[str, Any]:
    async with call.services.store.snapshot() as connection:
        campaign = await find_object(connection, caller.site, KIND, _campaign(call))
        if campaign is None:
            raise _unknown()
        plans, templates = await _planned(connection, caller.site, [campaign])
    return campaign_object(campaign, plans[campaign.number], templates)


async def _planned(
    connection: Connection, site: int, campaigns: Sequence[RelatedObject]
) -> tuple[dict[int, DripPlan], dict[int, str]]:
    plans = await plans_of(connection, site, [item.number for item in campaigns])
    return plans, await templates_of_plans(connection, site, plans.values())


def _campaign(call: Call) -> Reference:
    try:
        return parse_reference(call.path("campaign"), KIND, longest=call.services.store.limits.object_key)
    except ValueError:
        raise _unknown() from None


def _unknown() -> Problem:
    return Problem("object_not_found", "No drip campaign has this id.")


def _done(campaign: RelatedObject | None, who: Who, verb: str, *, result: str) -> Response:
    assert campaign is not None
    told = {
        "drip_campaign": {"id": campaign.public_id, "name": campaign.title},
        "recipient_address": who.email,
        "message": f"Recipient successfully {verb} drip campaign.",
    }
    return json_response({**DONE, "result": result, **told})


def _recipient(body: Mapping[str, Any], call: Call) -> tuple[Profile, str | None]:
    """Whom the mails go to, and what else was said of them, as JSON. Raises Problem or RefusedError."""
    limits = call.services.store.limits
    faults = [Fault(name, "must be an object") for name in _OBJECTS if not _is_a(dict, body.get(name))]
    faults += [Fault(name, "must be a list") for name in _LISTS if not _is_a(list, body.get(name))]
    if not _is_a(dict, body.get("recipient")):
        faults.append(Fault("recipient", "must be an object with address and name"))
    rest = {name: value for name, value in body.items() if name not in _RECIPIENT and value not in (None, "")}
    data = msgspec.json.encode(rest).decode() if rest else None
    if data is not None and len(data.encode()) > limits.event_detail:
        faults.append(Fault("email_data", f"and all that stands beside it must fit in {limits.event_detail} bytes"))
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    recipient = body.get("recipient") or {}
    address = next((body[name] for name in ADDRESS_FIELDS if body.get(name)), None)
    given = {"email": recipient.get("address") or address, "name": recipient.get("name")}
    return _judged(lambda: parse_profile(given, limits=limits)), data


def _address(body: Mapping[str, Any], call: Call) -> Who:
    recipient = body.get("recipient")
    inner = recipient.get("address") if isinstance(recipient, dict) else None
    address = next((body[name] for name in ADDRESS_FIELDS if body.get(name)), inner)
    return _judged(lambda: parse_who({"email": address}, limits=call.services.store.limits))


def _judged(parse: Callable[[], _Parsed]) -> _Parsed:
    """What was parsed. Raises RefusedError that names the field as these calls have it."""
    try:
        return parse()
    except RefusedError as refusal:
        if refusal.code == "user_identifier_missing":
            fault = Fault(ADDRESS_FIELDS[0], "is required: the recipient's e-mail address")
            raise Problem("invalid", f"{fault.field} {fault.detail}.", faults=[fault]) from None
        names = {"email": ADDRESS_FIELDS[0], "name": "recipient.name"}
        faults = [Fault(names.get(fault.field, fault.field), fault.detail) for fault in refusal.faults]
        raise RefusedError(refusal.code, faults) from None


def _is_a(kind: type, value: Any) -> bool:
    """Whether an optional field is of a type, or absent."""
    return value is None or value == "" or isinstance(value, kind)


_ADDRESS: Final = such_as(TEXT, "anna@example.com")
_WHO: Final = record(
    {
        "recipient_address": _ADDRESS,
        "email_address": {**TEXT, "description": "Same as `recipient_address`."},
    },
    required=(),
)
_ACTIVATION: Final = record(
    {
        "recipient": record(
            {"address": _ADDRESS, "name": or_null(such_as(TEXT, "Anna Keller"))}, required=("address",)
        ),
        "recipient_address": {**TEXT, "description": "The address, where there is no `recipient`."},
        "email_data": {"type": "object", "description": "Data for the templates.", "examples": [{"plan": "gold"}]},
        "sender": or_null({"type": "object"}),
        **{name: or_null(listed(ANY)) for name in _LISTS},
    },
    required=(),
    description="All other fields are stored for the emails.",
)
_NAMED: Final = record({"id": such_as(TEXT, "dc_onboarding"), "name": such_as(TEXT, "Onboarding")})
_CHANGED: Final = {"drip_campaign": _NAMED, "recipient_address": _ADDRESS, "message": TEXT}
_ACTIVATED: Final = schemas.done(result=schemas.RESULT_OF_PERSON, **_CHANGED)
_DEACTIVATED: Final = schemas.done(result=schemas.RESULT, **_CHANGED)
_ENDED: Final[Schema] = schemas.done(
    result=schemas.RESULT, recipient_address=_ADDRESS, email_address=_ADDRESS, unsubscribed_count=WHOLE
)
_ONE: Final = "/api/v1/drip_campaigns/{campaign}"

OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "drip_campaigns.index",
        "GET",
        "/api/v1/drip_campaigns",
        index,
        "List the drip campaigns",
        "Drip campaigns are the sequences of `/v1`. A sequence without a plan is disabled.",
        reply=listed(ref("DripCampaign")),
    ),
    Operation(
        CLASSIC,
        "drip_campaigns.deactivate_all",
        "POST",
        "/api/v1/drip_campaigns/deactivate",
        deactivate_all,
        "End all drip campaigns for a customer",
        "Cancels the pending emails to the address, even if the customer was deleted.",
        body=_WHO,
        reply=_ENDED,
        also=("/api/v1/drips/deactivate",),
    ),
    Operation(
        CLASSIC,
        "drip_campaigns.show",
        "GET",
        _ONE,
        show,
        "Get a drip campaign",
        reply=ref("DripCampaign"),
    ),
    Operation(
        CLASSIC,
        "drip_campaigns.steps",
        "GET",
        f"{_ONE}/steps",
        steps,
        "List the steps of a drip campaign",
        reply=listed(ref("DripStep")),
    ),
    Operation(
        CLASSIC,
        "drip_campaigns.activate",
        "POST",
        f"{_ONE}/activate",
        activate,
        "Start a drip campaign for a customer",
        "Schedules an email for each step, and creates the customer if there is none. While emails of the campaign are "
        "pending for the customer, another activation changes nothing.",
        body=_ACTIVATION,
        reply=_ACTIVATED,
        errors=(409,),
    ),
    Operation(
        CLASSIC,
        "drip_campaigns.deactivate",
        "POST",
        f"{_ONE}/deactivate",
        deactivate,
        "End a drip campaign for a customer",
        "Cancels its pending emails to the address, even if the customer was deleted.",
        body=_WHO,
        reply=_DEACTIVATED,
    ),
)
"""The operations on drip campaigns."""
