"""DeleteAudience: delete a saved audience that no other refers to."""

from msgspec import Struct

from regulars.domain.audiences import KIND, users_of
from regulars.domain.commands.delete_object import DeleteObject
from regulars.domain.commands.needs import Needs
from regulars.domain.commands.save_audience import refuse_changed
from regulars.domain.faults import refuse
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.working import WorkingSet


class DeleteAudience(Struct, frozen=True):
    """Delete an audience; a list loses its members. Refused while the question of another audience names it.

    expected: as in SaveAudience.
    """

    reference: Reference
    expected: tuple[str, ...] | None = None

    def declare(self, needs: Needs) -> None:
        """The audience, and all that refer to others."""
        self._object().declare(needs)
        needs.audiences.add(self.reference)
        needs.has_audience_graph = True

    def weight(self) -> int:
        """It names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Delete the object, then the definition."""
        (found,) = work.objects.known(KIND, (self.reference,))
        refuse_changed(found, work.audiences.definitions.get(found.number), self.expected)
        if users := users_of(work.audiences.graph, found.number):
            raise refuse("audience_in_use", "", f"The audience is used by other audiences: {', '.join(users)}.")
        outcome = self._object().rule(work, limits)
        work.audiences.delete(found.number)
        return outcome

    def _object(self) -> DeleteObject:
        return DeleteObject(KIND, self.reference)
