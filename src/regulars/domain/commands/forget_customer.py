"""ForgetCustomer: stop tracking a customer, or track the customer again."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.commands.relate import report_tie
from regulars.domain.customer import Person
from regulars.domain.drip_campaigns import KIND, RELATION
from regulars.domain.forgetting import set_forgotten
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.ties import RELATIONSHIPS
from regulars.domain.working import WorkingSet


class ForgetCustomer(Struct, frozen=True):
    """Forget a customer, or end that (`forgotten` is False). A repeat changes nothing.

    Forgetting cancels the pending mails of drip campaigns, and ends the subscriptions to these; the end of it brings
    nothing back. Refused if there is no such customer.
    """

    who: Who
    forgotten: bool = True

    def declare(self, needs: Needs) -> None:
        """The customer, and what is pending for it."""
        needs.people.append(self.who)
        if self.forgotten:
            needs.drips.append(self.who)
            needs.tie(TieNeed(self.who, KIND, (), RELATIONSHIPS[RELATION].relations(), replaced=RELATION))

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Set the state."""
        person = work.people.known(self.who)
        changed = set_forgotten(person, work, holds=self.forgotten)
        if changed and self.forgotten:
            cancel_drips(person, work)
        return Outcome("updated" if changed else "unchanged", person)


def cancel_drips(person: Person, work: WorkingSet) -> None:
    """Cancel what campaigns would still send to a customer, and end the subscriptions to these. Both must be loaded.

    The end is that of the part of the customer whose mails these were.
    """
    customer, merged = person.customer, work.people.merged
    group = merged.group(customer.number)
    mails = work.drips.pending_of(customer.email_key, group)
    work.drips.cancel(mails)
    ended = {(mail.sequence, mail.customer if mail.customer in group else customer.number) for mail in mails}
    for campaign, number in sorted(ended):
        report_tie(RELATIONSHIPS[RELATION], False, merged.as_part(person, number), work, campaign)
