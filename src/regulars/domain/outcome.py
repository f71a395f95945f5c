"""Outcomes: what a command of the ledger answers."""

from typing import Literal

from msgspec import Struct

from regulars.domain.customer import Person
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.objects import RelatedObject

Verdict = Literal["created", "updated", "unchanged", "deleted", "ignored"]


class Outcome(Struct, frozen=True):
    """What a command did: a verdict with whom or what it concerned, or the refusal that left all as it was.

    "ignored": it is of somebody who was deleted, and changed nothing. parts: of UpsertGroup, the outcome of each
    upsert. kept_back: what was asked for and not done, as the person had ended it: the field, and a sentence that says
    why. count: of DeactivateDripCampaigns, the number of campaigns that ended.
    """

    verdict: Verdict = "unchanged"
    person: Person | None = None
    object: RelatedObject | None = None
    refusal: RefusedError | None = None
    parts: "tuple[Outcome, ...]" = ()
    kept_back: tuple[Fault, ...] = ()
    count: int = 0
