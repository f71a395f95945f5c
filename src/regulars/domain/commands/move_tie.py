"""MoveTie: tie a customer to one tag instead of another, for bulk actions."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.working import WorkingSet


class MoveTie(Struct, frozen=True):
    """Untie a known customer from an object, by number, and tie it to another of the kind, as of now.

    A customer who is not tied to the first stays as it is. Like SetTie it is no event, so that it can be undone.
    """

    who: Who
    relation: str
    object: int
    by: int

    def declare(self, needs: Needs) -> None:
        """The customer, both objects, and the ties between them."""
        needs.people.append(self.who)
        kind = BY_NAME[self.relation].kind or ""
        needs.tie(TieNeed(self.who, kind, (self.object, self.by), frozenset({self.relation})))

    def weight(self) -> int:
        """Two ties."""
        return 2

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Report the end of one tie and the other, unless it holds already."""
        relation = BY_NAME[self.relation]
        assert relation.kind is not None
        work.objects.known(relation.kind, (self.object, self.by))
        person, noted = work.people.known(self.who), len(work.ties.noted)
        held = {item: tie.holds for (code, item), tie in person.ties.items() if code == relation.code}
        if not held.get(self.object):
            return Outcome("unchanged", person)
        work.ties.report(person, relation, self.object, False, work.now, ReportKind.ASSERTED)
        if not held.get(self.by):
            work.ties.report(person, relation, self.by, True, work.now, ReportKind.ASSERTED)
        note_profile_change(person, work, (), noted)
        return Outcome("updated", person)
