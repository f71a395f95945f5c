"""Upsert: create a customer, or update it."""

from typing import Final

import msgspec
from msgspec import Struct

from regulars.domain.address_rules import is_of_somebody_deleted
from regulars.domain.anonymous import name_visitor
from regulars.domain.commands.needs import ConsentNeed, Needs
from regulars.domain.commands.relate import Relate
from regulars.domain.commands.restored_needs import declare_restored
from regulars.domain.faults import REFUSALS, Fault, refuse
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile import Profile
from regulars.domain.references import Reference
from regulars.domain.restored import Restored
from regulars.domain.upsert_rules import apply_upsert
from regulars.domain.working import WorkingSet

_DELETED: Final = "The customer was deleted later. A line without updated_at, or with a later one, creates it again."


class Upsert(Struct, frozen=True):
    """Create the customer that the profile names, or update it. `source` is stored with consent.

    new: the customer must not be there yet. A profile that names a number is refused unless that customer is there.
    tags: the only ones that a customer, named by number, has from now on; all of them known, or nothing changes.
    expected: when the customer, named by number, was last changed (ms) is one of these, or nothing changes.
    """

    profile: Profile
    source: str = "api"
    restored: Restored | None = None
    new: bool = False
    tags: tuple[Reference, ...] | None = None
    expected: tuple[int, ...] | None = None

    def declare(self, needs: Needs) -> None:
        """The customer, its groups and newsletters; and what the replacement of its tags needs."""
        needs.name(self.profile.visitor, self.profile.who)
        needs.profile(self.profile, is_dated=self.restored is not None and self.restored.updated_at is not None)
        if self.restored is not None and self.restored.consents:
            needs.consents.append(ConsentNeed(self.profile.who))
        if self.restored is not None and self.restored.names_others:
            declare_restored(self.restored, self.profile.who, needs)
        if self.tags is not None:
            self._tagging(self.tags).declare(needs)

    def weight(self) -> int:
        """One for each group and tag, two for each newsletter, and that of what is restored."""
        restored = 0 if self.restored is None else self.restored.weight()
        return len(self.profile.groups) + 2 * len(self.profile.newsletters) + len(self.tags or ()) + restored

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `upsert_rules`; then replace the tags."""
        who = self.profile.who
        if self.new and work.people.find(who):
            raise refuse("address_taken", "email", "Another customer has this address or customer_id.")
        if who.number is not None and not work.people.find(Who(number=who.number)):
            raise refuse("customer_not_found", "", "The customer does not exist.")
        if self.expected is not None and who.number is not None:
            customer = work.people.by_number[who.number].customer
            if (customer.changed_at or customer.created_at) not in self.expected:
                raise refuse("changed_meanwhile", "", REFUSALS["changed_meanwhile"])
        if self.tags is not None:
            work.objects.known("tag", self.tags)  # refused before anything has changed
        dated = None if self.restored is None else self.restored.updated_at
        if not work.people.find(who) and is_of_somebody_deleted(who, dated, work):
            return Outcome(kept_back=(Fault("updated_at", _DELETED),))
        outcome = apply_upsert(self.profile, work, limits, source=self.source, restored=self.restored)
        if self.profile.visitor and outcome.person is not None:
            given = name_visitor(self.profile.visitor, outcome.person, dated, work, limits)
            if given and outcome.verdict == "unchanged":
                outcome = msgspec.structs.replace(outcome, verdict="updated")
        if self.tags is not None:
            tagged = self._tagging(self.tags).rule(work, limits)
            if tagged.verdict == "updated" and outcome.verdict == "unchanged":
                outcome = msgspec.structs.replace(outcome, verdict="updated")
        return outcome

    def _tagging(self, tags: tuple[Reference, ...]) -> Relate:
        return Relate(Who(number=self.profile.who.number), "tag.has", tags, "replace")
