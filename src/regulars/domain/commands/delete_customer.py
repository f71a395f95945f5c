"""DeleteCustomer: delete a customer."""

from msgspec import Struct

from regulars.domain.address_rules import bury
from regulars.domain.commands.needs import Needs
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class DeleteCustomer(Struct, frozen=True):
    """Delete a customer with all ties. The logs stay under the address, and each identifier leaves a tombstone."""

    who: Who

    def declare(self, needs: Needs) -> None:
        """The customer, and the addresses that it had."""
        needs.people.append(self.who)
        needs.deleted.append(self.who)

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Delete the customer, if there is one."""
        if not work.people.find(self.who):
            return Outcome("unchanged")
        person = work.people.known(self.who)
        bury(person, work)
        work.delete(person)
        return Outcome("deleted", person)
