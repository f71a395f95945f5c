"""Outcomes: the results of commands."""

from typing import Literal

from msgspec import Struct

from regulars.domain.customer import Person
from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.merged_fields import MergedValue
from regulars.domain.objects import RelatedObject

Verdict = Literal["created", "updated", "unchanged", "deleted", "ignored", "anonymous"]


class Merged(Struct, frozen=True):
    """A merge: its number, the customer who was merged into another one, and what became of each field."""

    number: int
    gone: int
    values: list[MergedValue]


class Outcome(Struct, frozen=True):
    """The result of a command: a verdict and what it concerned, or a refusal, which changed nothing.

    "ignored": it is about a deleted customer and changed nothing. "anonymous": the event waits for its visitor to be
    named. parts: for UpsertGroup, the outcome of each upsert. kept_back: what was requested but not done, as the person
    had ended it: the field, and a sentence that says why. count: for DeactivateDripCampaigns, the number of campaigns
    that ended. warnings: fields that were not counted as sent, which only the stored state shows. merges: for
    MergeCustomers and UndoMerge. note: the number of the note that was added, changed or deleted.
    """

    verdict: Verdict = "unchanged"
    person: Person | None = None
    object: RelatedObject | None = None
    refusal: RefusedError | None = None
    parts: "tuple[Outcome, ...]" = ()
    kept_back: tuple[Fault, ...] = ()
    count: int = 0
    warnings: tuple[FieldWarning, ...] = ()
    merges: tuple[Merged, ...] = ()
    note: int | None = None
