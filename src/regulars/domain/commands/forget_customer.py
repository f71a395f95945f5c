"""ForgetCustomer: stop tracking a customer, or track the customer again."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.forgetting import set_forgotten
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class ForgetCustomer(Struct, frozen=True):
    """Forget a customer, or end that (`forgotten` is False). A repeat changes nothing.

    Refused if there is no such customer.
    """

    who: Who
    forgotten: bool = True

    def declare(self, needs: Needs) -> None:
        """The customer."""
        needs.people.append(self.who)

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Set the state."""
        person = work.people.known(self.who)
        changed = set_forgotten(person, work, holds=self.forgotten)
        return Outcome("updated" if changed else "unchanged", person)
