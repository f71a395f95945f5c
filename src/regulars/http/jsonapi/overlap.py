"""Overlap: how several questions lie to each other."""

from collections.abc import Sequence
from typing import Any, Final

from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.index import SiteIndex
from regulars.audience.questions import overlap
from regulars.domain.faults import Fault
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.asked_question import QUESTION, TEXT
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.expansion import Expansion
from regulars.http.jsonapi.questions import ASKED
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT as TEXT_SCHEMA
from regulars.http.schema import WHOLE, either, listed, record


async def show_overlap(call: Call, caller: Reader) -> Response:
    """How several questions lie to each other."""
    body = await call.json_object()
    studies.allow(body, ("questions", "time_zone", "as_of", studies.SITE))
    given = body.get("questions")
    if not isinstance(given, list) or not 1 <= len(given) <= overlap.MOST_SETS:
        raise refused([Fault("questions", f"must be a list of 1 to {overlap.MOST_SETS} questions")])
    rest: dict[str, Any] = {name: body[name] for name in ("time_zone", "as_of") if name in body}
    site = studies.site_of(body, caller)
    zone = caller.time_zone(site)
    every = [
        studies.asked_of({TEXT: each, **rest} if isinstance(each, str) else {QUESTION: _question(each), **rest}, zone)
        for each in given
    ]
    expansion = Expansion(site, every)

    def work(_: SiteIndex, sets: Sequence[BitMap]) -> overlap.Overlap:
        return overlap.overlap(sets)

    found: overlap.Overlap = await studies.study(
        call,
        site,
        every[0],
        lambda moment: studies.sets(expansion.nodes, [], moment),
        work,
        prepare=expansion.prepare,
    )
    return studies.shown(
        "overlaps",
        {
            "sizes": found.sizes,
            "pairs": [{"of": [a, b], "customers": count} for a, b, count in found.pairs],
            "only": found.only,
            "union": found.union,
            "regions": [{"in": list(chosen), "customers": count} for chosen, count in found.regions],
        },
    )


def _question(given: Any) -> Any:
    """A question as JSON. An audience may be named alone: {"audience": "dormant"}."""
    return {"in": given} if isinstance(given, dict) and given.keys() == {"audience"} else given


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "questions.overlap",
        "POST",
        "/v1/questions/overlap",
        show_overlap,
        "Compare questions",
        f'Up to {overlap.MOST_SETS} questions, or audiences as `{{"audience": "dormant"}}`: sizes, pairs, and what is '
        f"in one only; up to {overlap.MOST_REGIONS_OF}, every region of the diagram.",
        body=record(
            {
                "questions": listed(either(TEXT_SCHEMA, studies.QUESTION_SCHEMA), overlap.MOST_SETS),
                "time_zone": ASKED["time_zone"],
                "as_of": ASKED["as_of"],
                studies.SITE: WHOLE,
            },
            required=("questions",),
            additionalProperties=False,
            examples=[{"questions": ["tag:vip", "is subscribed"]}],
        ),
        reply=studies.reply(
            "overlaps",
            {
                "sizes": listed(WHOLE),
                "pairs": listed(record({"of": listed(WHOLE), "customers": WHOLE})),
                "only": listed(WHOLE),
                "union": WHOLE,
                "regions": listed(record({"in": listed(WHOLE), "customers": WHOLE})),
            },
        ),
    ),
)
"""The operations of this module."""
