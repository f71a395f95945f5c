"""AddNote, ChangeNote and DeleteNote: what somebody writes about a customer."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.notes import CustomerNote
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class _OfCustomer(Struct, frozen=True):
    who: Who

    def declare(self, needs: Needs) -> None:
        """The customer."""
        needs.people.append(self.who)

    def weight(self) -> int:
        """None: it names no ties."""
        return 0


class AddNote(_OfCustomer, frozen=True):
    """Write a note about a known customer."""

    body: str

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Add the note. It takes its number from those of the events, which are never used again."""
        person = work.people.known(self.who)
        actor, number = work.origin.actor, work.counters.activity
        work.counters.activity += 1
        note = CustomerNote(number, person.customer.number, self.body, work.now, work.now, actor.channel, actor.number)
        work.notes.added.append(note)
        return Outcome("created", person, note=number)


class ChangeNote(_OfCustomer, frozen=True):
    """Replace the text of a note about a known customer. It changes nothing if the note is gone."""

    number: int
    body: str

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Change the note."""
        person = work.people.known(self.who)
        work.notes.bodies[self.number] = self.body
        return Outcome("updated", person, note=self.number)


class DeleteNote(_OfCustomer, frozen=True):
    """Delete a note about a known customer, if it is still there."""

    number: int

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Delete the note."""
        person = work.people.known(self.who)
        work.notes.deleted.add(self.number)
        return Outcome("deleted", person, note=self.number)
