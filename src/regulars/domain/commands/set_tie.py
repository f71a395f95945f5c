"""SetTie: tie a customer to a tag or a list, or untie it, for bulk actions."""

from msgspec import Struct

from regulars.domain.audiences import MEMBER
from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.faults import refuse
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.working import WorkingSet


class SetTie(Struct, frozen=True):
    """Tie a known customer to an object, by number, or untie it, as of now. Where it is so already, nothing changes.

    relation: of `bulk_actions.TIES`. Unlike a call for one customer it is no event, so that it can be undone.
    """

    who: Who
    relation: str
    object: int
    holds: bool

    def declare(self, needs: Needs) -> None:
        """The customer, the object, the tie between them, and the definition of a list."""
        needs.people.append(self.who)
        kind = BY_NAME[self.relation].kind or ""
        needs.tie(TieNeed(self.who, kind, (self.object,), frozenset({self.relation})))
        if self.relation == MEMBER:
            needs.audiences.add(self.object)

    def weight(self) -> int:
        """One tie."""
        return 1

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Report the tie, if it is not so already."""
        relation = BY_NAME[self.relation]
        assert relation.kind is not None
        work.objects.known(relation.kind, (self.object,))
        definition = work.audiences.definitions.get(self.object) if self.relation == MEMBER else None
        if self.relation == MEMBER and (definition is None or definition.kind != "list"):
            raise refuse("not_a_list", "", "The audience is not a list: its question decides who is in it.")
        person, noted = work.people.known(self.who), len(work.ties.noted)
        held = person.ties.get((relation.code, self.object))
        if (held is not None and held.holds) == self.holds:
            return Outcome("unchanged", person)
        work.ties.report(person, relation, self.object, self.holds, work.now, ReportKind.ASSERTED)
        note_profile_change(person, work, (), noted)
        return Outcome("updated", person)
