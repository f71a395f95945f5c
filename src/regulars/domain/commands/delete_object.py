"""DeleteObject: delete a tag, an offer or any other object."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.relations import RELATIONS
from regulars.domain.working import WorkingSet


class DeleteObject(Struct, frozen=True):
    """Delete an object and every tie to it."""

    kind: str
    reference: Reference

    def declare(self, needs: Needs) -> None:
        """The object. Its ties are deleted without being read."""
        needs.objects.add((self.kind, self.reference))

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Mark the object as deleted, give its name free, clear its ties, and cancel its pending mails."""
        kind = self.kind
        (found,) = work.objects.known(kind, (self.reference,))
        work.objects.delete(found, work.now)
        work.objects.unlink(kind, found.number)
        work.drips.forget(kind, found.number)
        for relation in RELATIONS:
            if relation.kind == kind:
                work.clear(relation, found.number)
        return Outcome("deleted", object=found)
