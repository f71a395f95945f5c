"""ChangeListMember: add a customer to a list, or remove it."""

from msgspec import Struct

from regulars.domain.audiences import KIND, MEMBER
from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.faults import refuse
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.working import WorkingSet


class ChangeListMember(Struct, frozen=True):
    """Add a known customer to a list (is_member), or remove it. It is no event."""

    who: Who
    reference: Reference
    is_member: bool

    def declare(self, needs: Needs) -> None:
        """The customer, the list with its definition, and the tie between them."""
        needs.people.append(self.who)
        needs.tie(TieNeed(self.who, KIND, (self.reference,), frozenset({MEMBER})))
        needs.audiences.add(self.reference)

    def weight(self) -> int:
        """One tie."""
        return 1

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Tie or untie the customer as of now."""
        (found,) = work.objects.known(KIND, (self.reference,))
        definition = work.audiences.definitions.get(found.number)
        if definition is None or definition.kind != "list":
            raise refuse("not_a_list", "", "The audience is not a list: its question decides who is in it.")
        person, noted = work.people.known(self.who), len(work.ties.noted)
        changed = work.ties.report(
            person, BY_NAME[MEMBER], found.number, self.is_member, work.now, ReportKind.IMMEDIATE
        )
        note_profile_change(person, work, (), noted)
        return Outcome("updated" if changed else "unchanged", person, object=found)
