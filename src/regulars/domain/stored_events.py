"""Anonymous events as they are stored, read again under the rules of today."""

import msgspec

from regulars.domain.activity import Activity, parse_activity
from regulars.domain.events import UNKNOWN
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.limits import Limits


def stored_anonymous(
    body: str, *, at: int, uuid: bytes | None, lacks_time: bool, lacks_uuid: bool, limits: Limits
) -> Activity:
    """An anonymous event out of its stored body. One that rules of today refuse is of an unknown name."""
    decoded = msgspec.json.decode(body)
    try:
        activity = parse_activity(decoded, now=at, clamp=True, limits=limits)
    except RefusedError:
        activity = Activity(name=str(decoded["event"]), kind=UNKNOWN, who=Who(), at=at, uuid=uuid, anonymous=body)
    activity.at, activity.at_is_arrival = at, lacks_time
    activity.uuid, activity.uuid_is_derived = uuid, lacks_uuid
    return activity
