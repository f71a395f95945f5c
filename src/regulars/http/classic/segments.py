"""Segments on the classic surface: the name of Sendwithus and Blueshift for saved audiences."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.page_slice import PageSlice
from regulars.audience.questions.reach import Reach, Reason
from regulars.audience.questions.selecting import customers_of
from regulars.audience.questions.tree import FieldCondition, Not
from regulars.domain.audiences import KIND
from regulars.domain.faults import Fault
from regulars.domain.moments import SECOND, iso
from regulars.domain.objects import RelatedObject
from regulars.domain.references import parse_reference
from regulars.domain.text import search_key, whole_number
from regulars.http.call import Call, json_response
from regulars.http.classic import schemas
from regulars.http.classic.customers import DONE
from regulars.http.classic.surface import CLASSIC
from regulars.http.errors import Problem
from regulars.http.jsonapi.asked_question import zone_of
from regulars.http.jsonapi.audience_documents import MARKETING, AudiencesRead, Chosen, counted
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, WHOLE, YES_OR_NO, listed, one_of, or_null, record, such_as
from regulars.store.engine import Connection
from regulars.store.object_lists import objects_in_slices
from regulars.store.reads import find_object, lines_by_number

PREFIX: Final = "seg_"
"""What ids of segments begin with on the surface of Sendwithus; the number of the audience follows."""

REASONS: Final = (
    *MARKETING,
    Reason("no_phone", lambda _: Not(FieldCondition("phone_number", "set")), transactional=False),
)
"""What keeps customers out of email; and last, what keeps them out of text messages."""

MOST_RUN: Final = 500
MOST_PAGE: Final = 100
DEFAULT_PAGE: Final = 50


async def index(call: Call, caller: Reader) -> Response:
    """Every audience, as Sendwithus lists segments."""
    async with call.services.store.snapshot() as connection:
        found = [item async for items in objects_in_slices(connection, caller.site, KIND) for item in items]
    return json_response([_segment(item) for item in found])


async def run(call: Call, caller: Reader) -> Response:
    """The newest customers of an audience."""
    site, settings = caller.site, call.services.settings
    zone = zone_of(caller.time_zone(site))
    read = AudiencesRead(site, _one(call, site, call.path("segment").removeprefix(PREFIX)))
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)

    async def prepare(snapshot: Any) -> None:
        await read.read(snapshot)
        _refuse_unusable(read)

    asking = call.services.audience.ask(
        site,
        lambda: customers_of(read.usable[0], Moment(call.services.clock(), engagement, zone)),
        page_slice=PageSlice(0, MOST_RUN),
        prepare=prepare,
    )
    async with asking as answer:
        (lines,) = await answer.snapshot.read([lines_by_number(site, answer.numbers)])
    customers = [{"object": "customer", "created": each.created_at // SECOND, "email": each.email} for each in lines]
    return json_response(customers)


async def page(call: Call, caller: Reader) -> Response:
    """A page of the audiences with their figures, as Blueshift lists segments."""
    faults: list[Fault] = []
    number = _whole(call, "page", 1, 10**6, faults)
    size = _whole(call, "per_page", DEFAULT_PAGE, MOST_PAGE, faults)
    if faults:
        raise Problem("invalid", f"{faults[0].field} {faults[0].detail}.", faults=faults)
    given = call.request.query_params
    text, archived = search_key(given.get("name", "")), given.get("archived", "").lower() in ("true", "1")
    total = 0

    async def chosen(connection: Connection) -> Sequence[RelatedObject]:
        nonlocal total
        found = [
            item
            async for items in objects_in_slices(connection, caller.site, KIND)
            for item in items
            if text in item.title_key and not archived  # no audience is archived
        ]
        total = len(found)
        return found[(number - 1) * size : number * size]

    read = AudiencesRead(caller.site, chosen)
    figures = iter(await counted(call, caller, caller.site, read, REASONS))
    now = iso(call.services.clock())
    shown = [_with_figures(each.item, None if each.node is None else next(figures), now) for each in read.audiences]
    return json_response({**DONE, "segments": shown, "total_count": total, "page": number, "per_page": size})


async def matching_users(call: Call, caller: Reader) -> Response:
    """How many customers an audience has."""
    read = AudiencesRead(caller.site, _one(call, caller.site, call.path("segment")))
    found = await counted(call, caller, caller.site, read, REASONS)
    _refuse_unusable(read)
    ignores_exclusions = call.request.query_params.get("bypass_global", "").lower() in ("true", "1")
    return json_response(
        {
            **DONE,
            "uuid": read.audiences[0].item.public_id,
            "refresh_status": "ready",
            **_figures(found[0], ignores_exclusions=ignores_exclusions),
            "approxusers_updated_at": iso(call.services.clock()),
        }
    )


def _one(call: Call, site: int, text: str) -> Chosen:
    """The audience that a path names. Raises Problem if there is none."""
    try:
        reference = parse_reference(text, KIND, longest=call.services.store.limits.object_key)
    except ValueError:
        raise _unknown() from None

    async def chosen(connection: Connection) -> Sequence[RelatedObject]:
        item = await find_object(connection, site, KIND, reference)
        if item is None:
            raise _unknown()
        return [item]

    return chosen


def _unknown() -> Problem:
    return Problem("object_not_found", "No segment has this id.")


def _refuse_unusable(read: AudiencesRead) -> None:
    problem = read.audiences[0].problem
    if problem is not None:
        raise Problem("unprocessable", problem)


def _whole(call: Call, name: str, default: int, most: int, faults: list[Fault]) -> int:
    text = call.request.query_params.get(name, "").strip()
    value = whole_number(text, longest=7) if text else default
    if value is None or not 1 <= value <= most:
        faults.append(Fault(name, f"must be a whole number from 1 to {most}"))
        return default
    return value


def _figures(found: Reach | None, *, ignores_exclusions: bool = False) -> dict[str, Any]:
    """What Blueshift tells of the customers of a segment; null for one that cannot be counted."""
    if found is None:
        return dict.fromkeys(("approxusers", "email_users", "sms_users", "push_users", "in_app_users"))
    *email, phone = found.excluded
    reachable = found.matched - sum(each.first for each in email)
    return {
        "approxusers": found.matched,
        "email_users": found.matched if ignores_exclusions else reachable,
        "sms_users": found.matched - phone.any_,
        "push_users": 0,
        "in_app_users": 0,
    }


def _segment(item: RelatedObject) -> dict[str, Any]:
    return {
        "object": "segment",
        "id": f"{PREFIX}{item.number}",
        "name": item.title,
        "created": item.created_at // SECOND,
    }


def _with_figures(item: RelatedObject, figures: Reach | None, now: str) -> dict[str, Any]:
    return {
        "uuid": item.public_id,
        "name": item.title,
        "archived": False,
        **_figures(figures),
        "approxusers_updated_at": now,
        "created_at": iso(item.created_at),
        "updated_at": iso(item.updated_at),
    }


_SEGMENT: Final = record({"object": {"const": "segment"}, "id": such_as(TEXT, "seg_1"), "name": TEXT, "created": WHOLE})
_FIGURES: Final = record(
    {
        "uuid": such_as(TEXT, "dormant"),
        "name": TEXT,
        "archived": YES_OR_NO,
        "approxusers": or_null(WHOLE),
        "email_users": or_null(WHOLE),
        "sms_users": or_null(WHOLE),
        "push_users": or_null(WHOLE),
        "in_app_users": or_null(WHOLE),
        "approxusers_updated_at": TEXT,
        "created_at": TEXT,
        "updated_at": TEXT,
    }
)
_FLAG: Final = such_as(one_of(("true", "false")), "false")

OPERATIONS: Final = (
    Operation(CLASSIC, "segments.index", "GET", "/api/v1/segments", index, "List segments", reply=listed(_SEGMENT)),
    Operation(
        CLASSIC,
        "segments.page",
        "GET",
        "/api/v1/segments/list",
        page,
        "List segments with their figures",
        "`approxusers` is exact, `email_users` is the reach for marketing email.",
        parameters={
            "name": such_as(TEXT, "vip"),
            "archived": _FLAG,
            "page": WHOLE,
            "per_page": {**WHOLE, "maximum": MOST_PAGE},
        },
        reply=schemas.done(segments=listed(_FIGURES), total_count=WHOLE, page=WHOLE, per_page=WHOLE),
    ),
    Operation(
        CLASSIC,
        "segments.run",
        "GET",
        "/api/v1/segments/{segment}/run",
        run,
        "List the customers of a segment",
        f"The {MOST_RUN} newest customers of the audience.",
        reply=listed(
            record({"object": {"const": "customer"}, "created": such_as(WHOLE, 1767225600), "email": or_null(TEXT)})
        ),
        also=("/api/v1/segments/{segment}",),
    ),
    Operation(
        CLASSIC,
        "segments.matching_users",
        "GET",
        "/api/v1/segments/{segment}/matching_users.json",
        matching_users,
        "Count the customers of a segment",
        "Counts only. `refresh_status` is always `ready`. With `bypass_global=true`, `email_users` is everybody.",
        parameters={"refresh": _FLAG, "channels": such_as(TEXT, "email"), "bypass_global": _FLAG},
        reply=schemas.done(
            uuid=TEXT,
            refresh_status={"const": "ready"},
            approxusers=WHOLE,
            email_users=WHOLE,
            sms_users=WHOLE,
            push_users=WHOLE,
            in_app_users=WHOLE,
            approxusers_updated_at=TEXT,
        ),
    ),
)
"""The operations on segments."""
