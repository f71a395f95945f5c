"""ChangeCustomerId: give a customer another customer_id, and merge it into the customer who has that already."""

from msgspec import Struct

from regulars.domain.address_rules import create_person, rename
from regulars.domain.commands.merge_customers import ALONE, MergeCustomers
from regulars.domain.commands.needs import Needs
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class ChangeCustomerId(Struct, frozen=True):
    """Give the customer a new customer_id.

    If another customer has it, the customer is merged into that one. If there is no such customer, one is created.
    """

    who: Who
    customer_id: str

    def declare(self, needs: Needs) -> None:
        """Everything about both customers."""
        self._merging().declare(needs)

    def weight(self) -> int:
        """That of a merge."""
        return ALONE

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Merge, rename or create."""
        new = Who(customer_id=self.customer_id)
        if not work.people.find(self.who):
            if work.people.find(new):
                return Outcome("unchanged", work.people.known(new))
            who = Who(email=self.who.email, email_key=self.who.email_key, customer_id=self.customer_id)
            return Outcome("created", create_person(who, work))
        person = work.people.known(self.who)
        if work.people.find(new):
            return self._merging().rule(work, limits)
        rename(person, new, work, work.now)
        person.customer.updated_at = max(person.customer.updated_at, work.now)
        return Outcome("updated", person)

    def _merging(self) -> MergeCustomers:
        return MergeCustomers(Who(customer_id=self.customer_id), (self.who,))
