"""Blueshift's campaign activity of a customer: what was reported about the emails to it, newest first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.domain.events import EVENTS, MAIL_REFERENCES, REFERENCE_FIELDS
from regulars.domain.faults import Fault
from regulars.domain.moments import iso, parse_moment
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.domain.working import ActivityRow
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE, WHOSE, asked_of
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, TEXT, WHOLE, YES_OR_NO, Schema, listed, one_of, or_null, record, such_as
from regulars.store.customer_history import HistoryRange, read_history
from regulars.store.engine import Connection
from regulars.store.query import read_all
from regulars.store.reads import existing_rows, find_card, numbers_of

LOOKED_AT: Final = 500
"""The number of events of the customer that are searched for one reply."""

ACTIONS: Final = {
    "email_sent": "sent",
    "email_delivered": "delivered",
    "email_deferred": "deferred",
    "email_dropped": "dropped",
    "email_failed": "failed",
    "email_opened": "open",
    "email_clicked": "click",
    "email_bounced": "bounce",
    "email_complained": "spam_report",
    "email_unsubscribed": "unsubscribe",
}
"""The vendor's word for each event about an email."""

_Titles = Mapping[tuple[str, Reference], RelatedObject]
_CAMPAIGNS: Final = ("broadcast_id", "sequence_id")


async def index(call: Call, caller: Reader) -> Response:
    """What was reported about the emails to a customer between two times."""
    who = asked_of(call)
    if who is None:
        raise _invalid("email", "is required, or customer_id or uuid")
    since, end = _moment(call, "start_time"), _moment(call, "end_time")
    assert since is not None and end is not None
    if end < since:
        raise _invalid("end_time", "must not be before start_time")
    cursor = _moment(call, "cursor", end)
    if cursor is None or not since < cursor <= end:
        raise _invalid("cursor", "must be after start_time and not after end_time")
    span = HistoryRange(LOOKED_AT, since=since, until=cursor - 1)
    async with call.services.store.snapshot() as connection:
        card = await find_card(connection, caller.site, who)
        if card is None:
            raise Problem("customer_not_found", "No customer has this email address, customer_id or uuid.")
        numbers = await numbers_of(connection, caller.site, card)
        entries, following = await read_history(connection, caller.site, numbers, 0, span, kinds=("event",))
        events = [each.record for each in entries if isinstance(each.record, ActivityRow)]
        reached = None
        if following is not None:  # the next reply begins with the events of the oldest time, unless all are of it
            oldest = events[-1].at
            newer = [each for each in events if each.at > oldest]
            reached, events = (oldest + 1, newer) if newer else (oldest, events)
        mails = [(each, _details(each)) for each in events if each.name in ACTIONS]
        titles = await _titles(connection, caller.site, [details for _, details in mails])
    shown = [_shown(event, details, titles) for event, details in mails]
    return json_response(
        {
            **DONE,
            "activities": shown,
            "total": len(shown),
            "truncated": reached is not None,
            "cursor": None if reached is None else iso(reached),
            "date_range": {"start_time": iso(since), "end_time": iso(end)},
        }
    )


def _invalid(field: str, detail: str) -> Problem:
    return Problem("invalid", f"{field} {detail}.", faults=[Fault(field, detail)])


def _moment(call: Call, name: str, default: int | None = None) -> int | None:
    text = call.request.query_params.get(name, "").strip()
    if not text and default is not None:
        return default
    if not text:
        raise _invalid(name, "is required")
    try:
        return parse_moment(text.replace(" ", "+"))  # a time has no blanks: the + of its offset was sent bare
    except ValueError as error:
        raise _invalid(name, str(error)) from None


def _details(event: ActivityRow) -> dict[str, Any]:
    return msgspec.json.decode(event.detail) if event.detail else {}


async def _titles(connection: Connection, site: int, details: Sequence[Mapping[str, Any]]) -> _Titles:
    """The objects that the events name, by kind and number or key."""
    named = {
        (REFERENCE_FIELDS[field], each[field])
        for each in details
        for field in MAIL_REFERENCES
        if isinstance(each.get(field), str | int)
    }
    found: dict[tuple[str, Reference], RelatedObject] = {}
    for kind in sorted({kind for kind, _ in named}):
        wanted = [(kind, reference) for of, reference in named if of == kind]
        for item in (item for rows in await read_all(connection, existing_rows(site, wanted)) for item in rows):
            found.update({(kind, each): item for each in (item.number, item.key) if each is not None})
    return found


def _shown(event: ActivityRow, details: dict[str, Any], titles: _Titles) -> dict[str, Any]:
    campaign = next((field for field in _CAMPAIGNS if details.get(field) is not None), None)
    reference = None if campaign is None else details[campaign]
    item = None if campaign is None or reference is None else titles.get((REFERENCE_FIELDS[campaign], reference))
    template, mail = details.get("template_id"), details.get("email_id")
    address = details.get("email")
    apart = ("email", "email_id", "template_id", *_CAMPAIGNS)
    return {
        "action": ACTIONS[event.name],
        "trigger_timestamp": iso(event.at),
        "trigger_type": "emailtrigger",
        "trigger_uuid": None if mail is None else str(mail),
        "trigger_name": None,
        "campaign_uuid": None if reference is None else str(reference),
        "campaign_name": None if item is None else item.title,
        "creative_uuid": None if template is None else str(template),
        "email_domain": address.rpartition("@")[2] if isinstance(address, str) and "@" in address else None,
        "extended_attributes": {name: value for name, value in details.items() if name not in apart},
    }


assert ACTIONS.keys() == {each.name for each in EVENTS.values() if each.mail is not None}

_ACTIVITY: Final[Schema] = record(
    {
        "action": one_of(tuple(ACTIONS.values())),
        "trigger_timestamp": MOMENT,
        "trigger_type": {"const": "emailtrigger"},
        "trigger_uuid": such_as(or_null(TEXT), "m-81"),
        "trigger_name": or_null(TEXT),
        "campaign_uuid": such_as(or_null(TEXT), "spring"),
        "campaign_name": such_as(or_null(TEXT), "Spring"),
        "creative_uuid": such_as(or_null(TEXT), "tem_1"),
        "email_domain": such_as(or_null(TEXT), "example.com"),
        "extended_attributes": {"type": "object", "examples": [{"url": "https://example.com/"}]},
    }
)

OPERATIONS: Final = (
    Operation(
        CLASSIC,
        "campaign_activity.index",
        "GET",
        "/api/v2/customer_campaign_activity",
        index,
        "List what was reported about the emails to a customer",
        f"Newest first, from `start_time` on, before `end_time`. The newest {LOOKED_AT} events of the time are "
        "searched; if there are more, `truncated` is true and `cursor` leads to the older ones. `total` counts those "
        "of the reply. Campaigns are broadcasts, or sequences.",
        parameters={
            "start_time": {**MOMENT, "description": "Required."},
            "end_time": {**MOMENT, "description": "Required."},
            "cursor": {**TEXT, "description": "The `cursor` of the reply before."},
            **{name: {**TEXT, "description": "Names the customer."} for name in WHOSE},
        },
        reply=schemas.done(
            activities=listed(_ACTIVITY),
            total=WHOLE,
            truncated=YES_OR_NO,
            cursor=or_null(MOMENT),
            date_range=record({"start_time": MOMENT, "end_time": MOMENT}),
        ),
        errors=(404,),
    ),
)
"""The operations on campaign activity."""
