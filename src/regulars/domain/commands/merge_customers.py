"""MergeCustomers: make customers one."""

import copy
from typing import Final

from msgspec import Struct

from regulars.domain.commands.forget_customer import cancel_drips
from regulars.domain.commands.needs import Needs
from regulars.domain.customer import Person
from regulars.domain.faults import refuse
from regulars.domain.forgetting import FORGOTTEN
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.merge_records import Rule
from regulars.domain.merging import changed_fields, merge, refuse_too_much
from regulars.domain.outcome import Merged, Outcome
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.working import WorkingSet

ALONE: Final = 1 << 40
"""The weight of a command that shares its transaction with none."""


class MergeCustomers(Struct, frozen=True):
    """Merge other customers into one, in order. One who is part of it already changes nothing.

    prefer: whose values count where several have one. If one of them is forgotten, so are all, and what drip campaigns
    would still send is cancelled; undoing the merge does not bring it back.
    """

    who: Who
    others: tuple[Who, ...]
    prefer: Rule = "newest"

    def declare(self, needs: Needs) -> None:
        """Everything about the customers."""
        for who in (self.who, *self.others):
            needs.people.append(who)
            needs.merging.append(who)
            needs.revenues.append(who)
            needs.drips.append(who)

    def weight(self) -> int:
        """It is alone in its transaction: it needs all that is stored of the customers, which may be much."""
        return ALONE

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `merging`."""
        survivor = self._known(self.who, 0, work)
        others = [self._known(who, place, work) for place, who in enumerate(self.others, 1)]
        gone = {other.customer.number: other for other in others}
        gone.pop(survivor.customer.number, None)
        if not gone:
            return Outcome("unchanged", survivor)
        refuse_too_much([survivor, *gone.values()], limits)
        merges, noted = [], len(work.ties.noted)
        before = copy.copy(survivor.customer)
        for number, person in gone.items():
            made, profile = merge(survivor, person, self.prefer, work)
            merges.append(Merged(made, number, profile.values))
        if survivor.has(FORGOTTEN.name):
            cancel_drips(survivor, work)
        note_profile_change(survivor, work, changed_fields(before, survivor.customer), noted, before=before.attributes)
        return Outcome("updated", survivor, merges=tuple(merges))

    def _known(self, who: Who, place: int, work: WorkingSet) -> Person:
        """A customer without the part that the identifiers name. place: 0 for the survivor."""
        if not work.people.find(who):
            which = "" if place == 0 else f"others.{place - 1}"
            raise refuse("customer_not_found", which, "The customer does not exist.")
        return work.people.by_number[work.people.known(who).customer.number]
