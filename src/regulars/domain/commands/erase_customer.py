"""EraseCustomer and LiftErasure: erase everything about a person, and let the person come back."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.erasure import erase, lift
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class EraseCustomer(Struct, frozen=True):
    """Erase a customer with ties, history, evidence, emails and pending emails; or what is kept of an address.

    Unlike a deletion it keeps no emails, and nobody with an identifier of the person is created until it is lifted.
    reason: kept with the erasure; it must not name the person.
    """

    who: Who
    reason: str | None = None

    def declare(self, needs: Needs) -> None:
        """The customer, and the addresses that it had."""
        needs.people.append(self.who)
        needs.deleted.append(self.who)

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Erase the person."""
        person = work.people.known(self.who) if work.people.find(self.who) else None
        erase(self.who, person, self.reason, work)
        return Outcome("deleted", person)


class LiftErasure(Struct, frozen=True):
    """Let the identifiers of an erased person be used again."""

    who: Who

    def declare(self, needs: Needs) -> None:
        """The tombstones of the identifiers."""
        needs.people.append(self.who)
        needs.deleted.append(self.who)

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Lift what there is."""
        return Outcome("updated" if lift(self.who, work) else "unchanged")
