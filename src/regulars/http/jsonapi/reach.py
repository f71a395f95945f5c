"""Reach: how many customers of a question can be mailed."""

from collections.abc import Sequence
from typing import Final

from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.index import SiteIndex
from regulars.audience.questions import reach
from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.subjects.ties import read_id
from regulars.audience.questions.tree import All, Id
from regulars.domain.faults import Fault
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.expansion import Expansion
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import TEXT as TEXT_SCHEMA
from regulars.http.schema import WHOLE, either, listed, one_of, record

_REACH: Final = {
    "matched": WHOLE,
    "reachable": WHOLE,
    "excluded": listed(
        record({"reason": TEXT_SCHEMA, "first": WHOLE, "any": WHOLE, "question": studies.QUESTION_SCHEMA})
    ),
}


async def show_reach(call: Call, caller: Reader) -> Response:
    """How many of the customers that match can be mailed."""
    body = await studies.body_of(call, ("purpose", "newsletter"))
    purpose = body.get("purpose", reach.PURPOSES[0])
    if purpose not in reach.PURPOSES:
        raise refused([Fault("purpose", f"must be one of {', '.join(reach.PURPOSES)}")])
    newsletter: Id | None = None
    if body.get("newsletter") is not None:
        newsletter = studies.read_member("newsletter", body["newsletter"], lambda each: read_id(each, "newsletter"))
    site = studies.site_of(body, caller)
    asked = studies.asked_of(body, caller.time_zone(site))
    expansion = Expansion(site, [asked])
    reasons = reach.reasons_for(purpose)
    nodes = [reason.node(newsletter) for reason in reasons]

    def work(_: SiteIndex, sets: Sequence[BitMap]) -> reach.Reach:
        return reach.reach(sets[0], sets[1:], reasons, newsletter)

    found: reach.Reach = await studies.study(
        call,
        site,
        asked,
        lambda moment: studies.sets(expansion.nodes, nodes, moment),
        work,
        prepare=expansion.prepare,
    )
    excluded = [
        {
            "reason": each.reason,
            "first": each.first,
            "any": each.any_,
            "question": write_question(All((asked.node, each.node))),
        }
        for each in found.excluded
    ]
    return studies.shown("reach", {"matched": found.matched, "reachable": found.reachable, "excluded": excluded})


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "questions.reach",
        "POST",
        "/v1/questions/reach",
        show_reach,
        "Count the reachable customers of a question",
        "`first` counts customers without an earlier reason, so `matched` is `reachable` plus all of `first`. `any` "
        "counts all customers with the reason. `question` selects them.",
        body=studies.takes(
            {"purpose": one_of(reach.PURPOSES), "newsletter": either(TEXT_SCHEMA, WHOLE)},
            {"q": "tag:vip", "purpose": "marketing"},
        ),
        reply=studies.reply("reach", _REACH),
    ),
)
"""The operations of this module."""
