"""DeleteCustomer: forget a customer."""

from msgspec import Struct

from regulars.domain.address_rules import bury
from regulars.domain.commands.needs import Needs
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class DeleteCustomer(Struct, frozen=True):
    """Forget a customer with all its ties. Its logs stay, by address, and a tombstone of each of its identifiers."""

    who: Who

    def declare(self, needs: Needs) -> None:
        """The customer, and the addresses that it had."""
        needs.people.append(self.who)
        needs.deleted.append(self.who)

    def weight(self) -> int:
        """It names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Delete the customer, if there is one."""
        if not work.people.find(self.who):
            return Outcome("unchanged")
        person = work.people.known(self.who)
        bury(person, work)
        work.delete(person)
        return Outcome("deleted", person)
