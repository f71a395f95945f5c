"""Breakdown: how the customers of a question spread over values."""

from collections.abc import Sequence
from typing import Any, Final

from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.index import SiteIndex
from regulars.audience.questions import breakdown
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.json_form import write_question
from regulars.domain.faults import Fault
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.expansion import Expansion
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import ANY, NUMBER, WHOLE, YES_OR_NO, either, listed, one_of, record
from regulars.http.schema import TEXT as TEXT_SCHEMA

DEFAULT_TOP: Final = 20
_DIMENSION: Final = either(TEXT_SCHEMA, record({}, required=()))


async def show_breakdown(call: Call, caller: Reader) -> Response:
    """How the customers that match spread over the values of one or two dimensions."""
    body = await studies.body_of(call, ("by", "measure", "top"))
    given = body.get("by")
    named = given if isinstance(given, list) else [given]
    if not 1 <= len(named) <= 2:
        raise refused([Fault("by", "must be one dimension, or a list of two")])
    dimensions = [studies.read_member("by", each, breakdown.read_dimension) for each in named]
    measure, top = body.get("measure", "count"), body.get("top", DEFAULT_TOP)
    if measure not in breakdown.MEASURES:
        raise refused([Fault("measure", f"must be one of {', '.join(breakdown.MEASURES)}")])
    if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= breakdown.MOST_ROWS:
        raise refused([Fault("top", f"must be a whole number from 1 to {breakdown.MOST_ROWS}")])
    site = studies.site_of(body, caller)
    asked = studies.asked_of(body, caller.time_zone(site))
    zone = asked.zone(None)[1]
    expansion = Expansion(site, [asked])
    sets = [breakdown.sets_of(dimension) for dimension in dimensions]

    def work(index: SiteIndex, found: Sequence[BitMap]) -> dict[str, Any]:
        return breakdown.tabulate(index, found, dimensions, sets, asked.node, zone, measure=measure, top=top)

    try:
        table = await studies.study(
            call,
            site,
            asked,
            lambda moment: studies.sets(expansion.nodes, [each for part in sets for each in part], moment),
            work,
            prepare=expansion.prepare,
        )
    except BadValueError as error:
        raise refused([Fault("by", error.detail)]) from None
    for row in table["rows"]:
        row["question"] = write_question(row["question"])
    return studies.shown("breakdowns", table)


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "questions.breakdown",
        "POST",
        "/v1/questions/breakdown",
        show_breakdown,
        "Break a question down",
        "By one or two dimensions: a field with few values, a kind of tie, `consent`, the statuses of a broadcast as "
        '`{"mail": 8}`, an attribute as `{"attribute": "plan"}`, or a time as `{"field": "created_at", "per": '
        '"month"}`.',
        body=studies.takes(
            {
                "by": either(_DIMENSION, listed(_DIMENSION)),
                "measure": one_of(breakdown.MEASURES),
                "top": {**WHOLE, "minimum": 1, "maximum": breakdown.MOST_ROWS, "default": DEFAULT_TOP},
            },
            {"q": "is subscribed", "by": {"field": "created_at", "per": "month"}},
        ),
        reply=studies.reply(
            "breakdowns",
            {
                "rows": listed(
                    record(
                        {"value": ANY, "customers": WHOLE, "share": NUMBER, "question": studies.QUESTION_SCHEMA},
                    )
                ),
                "other": WHOLE,
                "unset": WHOLE,
                "multivalued": YES_OR_NO,
                "total": WHOLE,
            },
        ),
    ),
)
"""The operations of this module."""
