"""The history of an audience: its figures over time."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.audience_watches import AudiencePoint
from regulars.domain.moments import iso
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.feeds import SINCE, Feed
from regulars.http.jsonapi.kinds import AUDIENCE
from regulars.http.jsonapi.objects import asked, reference_in_path, unknown
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, WHOLE, listed, or_null, record
from regulars.store.audience_watches import KEPT_DAYS, points_of
from regulars.store.reads import find_object

TYPE: Final = "audience_histories"
SHOW: Final = QuerySpec(fields={}, filters=(SITE_ID, SINCE))


async def show(call: Call, caller: Reader) -> Response:
    """The figures of one audience over time, oldest first."""
    query, site = await asked(call, caller, AUDIENCE, SHOW)
    since = Feed(call, "", query).moment(SINCE)
    async with call.services.store.snapshot() as connection:
        item = await find_object(connection, site, AUDIENCE.kind, reference_in_path(call, AUDIENCE))
        if item is None:
            raise unknown(AUDIENCE)
        points = await points_of(connection, site, item.number)
    resource = {"type": TYPE, "id": AUDIENCE.id_of(item), "attributes": {"points": shown(points, since)}}
    return document({"data": resource}, warnings=query.warnings)


def shown(points: Sequence[AudiencePoint], since: int | None = None) -> list[dict[str, Any]]:
    """The points since a moment (ms). Who entered and left is counted since the point before; null if not watched."""
    found = []
    entered = left = 0
    for each in points:
        is_watched = each.entered_count is not None and each.left_count is not None
        if since is None or each.at >= since:
            found.append(
                {
                    "at": iso(each.at),
                    "version": each.version,
                    "matched": each.matched,
                    "reachable": each.reachable,
                    "entered": (each.entered_count or 0) - entered if is_watched else None,
                    "left": (each.left_count or 0) - left if is_watched else None,
                }
            )
        entered, left = each.entered_count or entered, each.left_count or left
    return found


_COUNT: Final = or_null(WHOLE)
_POINT: Final = record(
    {"at": MOMENT, "version": WHOLE, "matched": WHOLE, "reachable": WHOLE, "entered": _COUNT, "left": _COUNT}
)

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "audiences.history",
        "GET",
        f"/v1/{AUDIENCE.type}/{{id}}/history",
        show,
        "Get the history of an audience",
        "One point for each day, soon after local midnight, and one after each change of the question. Points are kept "
        f"for {KEPT_DAYS} days. `entered` and `left` count since the point before, and are null unless the audience is "
        "watched. `filter[since]` leaves out what is older.",
        query=SHOW,
        reply=studies.reply(TYPE, {"points": listed(_POINT)}),
    ),
)
"""The operations of this module."""
