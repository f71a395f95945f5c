"""DeactivateDripCampaigns: cancel the pending mails of one campaign, or of all, to an address."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.commands.relate import report_tie
from regulars.domain.customer import Person
from regulars.domain.drip_campaigns import KIND, RELATION
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.ties import RELATIONSHIPS
from regulars.domain.working import WorkingSet


class DeactivateDripCampaigns(Struct, frozen=True):
    """Cancel the pending mails to an address, also if the customer was deleted, and end its subscription.

    who: the address, now or formerly of the customer. campaign: None for all. An address that is in no campaign is
    done with already.
    """

    who: Who
    campaign: Reference | None = None

    def declare(self, needs: Needs) -> None:
        """What is pending, and the customer with its ties to the campaigns."""
        assert self.who.email_key is not None
        needs.people.append(self.who)
        needs.addresses.add(self.who.email_key)
        needs.drips.append(self.who)
        references = () if self.campaign is None else (self.campaign,)
        replaced = RELATION if self.campaign is None else None
        needs.tie(TieNeed(self.who, KIND, references, RELATIONSHIPS[RELATION].relations(), replaced=replaced))
        needs.plans.update(references)

    def weight(self) -> int:
        """That of some mails."""
        return 8

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Cancel and end. `count` is the number of campaigns that the customer has left."""
        assert self.who.email_key is not None
        campaign = None
        if self.campaign is not None:
            (campaign,) = work.objects.known(KIND, (self.campaign,))
        person = self._person(work)
        mails = [
            mail
            for mail in work.drips.pending_of(self.who.email_key, _numbers(person, work))
            if campaign is None or mail.sequence == campaign.number
        ]
        left = {mail.sequence for mail in mails}
        work.drips.cancel(mails)
        if person is not None:
            left.update(self._end(person, work, left if campaign is None else {campaign.number}))
        return Outcome("updated" if left else "unchanged", person, campaign, count=len(left))

    def _person(self, work: WorkingSet) -> Person | None:
        """Who has the address, else the one customer who had it."""
        assert self.who.email_key is not None
        found = work.people.find(self.who)
        if not found:
            former = map(work.people.merged.whole, work.addresses.owners(self.who.email_key))
            found = {number for number in former if number in work.people.by_number}
        return work.people.by_number[next(iter(found))] if len(found) == 1 else None

    def _end(self, person: Person, work: WorkingSet, campaigns: set[int]) -> set[int]:
        """End the customer's subscriptions to these campaigns, and to all that are planned if all end.

        Sequences without a plan are sent by somebody else, who reports their end.
        """
        held = {number for number, _ in person.tied_to(RELATION)}
        if self.campaign is None:
            campaigns = campaigns | {number for number in held if number in work.drips.plans}
        for number in sorted(campaigns & held):
            report_tie(RELATIONSHIPS[RELATION], False, person, work, number)
        for number in campaigns - held:  # so that no older report brings it back
            work.ties.report(person, BY_NAME[RELATION], number, False, work.now, ReportKind.IMMEDIATE)
        return campaigns & held


def _numbers(person: Person | None, work: WorkingSet) -> list[int]:
    return [] if person is None else work.people.merged.group(person.customer.number)
