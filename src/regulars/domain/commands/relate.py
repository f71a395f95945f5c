"""Relate: add or end ties of a customer by a relationship call."""

import msgspec
from msgspec import Struct

from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.commands.set_change import SetChange, members_after
from regulars.domain.customer import Person
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.newsletter_consents import SUBSCRIBED, NewsletterStatement, report_absence, report_newsletter
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.ties import RELATIONSHIPS, Relationship, apply_sets, product_relations
from regulars.domain.working import WorkingSet


class Relate(Struct, frozen=True):
    """Add or end ties of a known customer to known objects, as of now. If one does not exist, nothing changes.

    `relation` is a key of `domain.ties.RELATIONSHIPS`. The effect is that of the corresponding events at this moment.
    """

    who: Who
    relation: str
    references: tuple[Reference, ...]
    change: SetChange

    def declare(self, needs: Needs) -> None:
        """The customer, the objects, and the ties between them; all ties of the relation if they are replaced."""
        needs.people.append(self.who)
        relations = RELATIONSHIPS[self.relation].relations()
        needs.tie(
            TieNeed(
                self.who,
                BY_NAME[self.relation].kind or "",
                self.references,
                relations,
                replaced=self.relation if self.change == "replace" else None,
                product_relations=product_relations(relations),
            )
        )

    def weight(self) -> int:
        """One for each object."""
        return len(self.references)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Add and end ties like the events of the catalogue would at this moment."""
        relation, relationship = BY_NAME[self.relation], RELATIONSHIPS[self.relation]
        person = work.people.known(self.who)
        assert relation.kind is not None
        named = {found.number for found in work.objects.known(relation.kind, self.references)}
        held = {number for number, _ in person.tied_to(self.relation)}
        after = members_after(held, named, self.change)
        changed = False
        for number in sorted(held - after):
            changed |= report_tie(relationship, False, person, work, number)
        for number in sorted(named - held - after):  # nothing follows from that, but no older report undoes it
            if relation is SUBSCRIBED:
                report_absence(person, work, number)
            else:
                work.ties.report(person, relation, number, False, work.now, ReportKind.IMMEDIATE)
        # Also where it is so already: what follows from it may not be so. A replacement only says what holds.
        report = ReportKind.ASSERTED if self.change == "replace" else ReportKind.IMMEDIATE
        for number in sorted(named & after):
            changed |= report_tie(relationship, True, person, work, number, report)
        return Outcome("updated" if changed else "unchanged", person)


def report_tie(
    relationship: Relationship,
    holds: bool,
    person: Person,
    work: WorkingSet,
    number: int,
    report: ReportKind = ReportKind.IMMEDIATE,
) -> bool:
    """Add or end a tie as of now, and record in the history what changed.

    True if the customer was not tied, or untied, before.
    """
    if not _report(relationship, holds, person, work, number, report):
        return False
    kind = BY_NAME[relationship.relation].kind
    assert kind is not None
    event = relationship.event(holds)
    (field,) = event.requires
    key = work.objects.key_of(kind, number)
    detail = msgspec.json.encode({field: number if key is None else key}).decode()
    work.record(person, event.name, work.now, detail=detail)
    return True


def _report(
    relationship: Relationship, holds: bool, person: Person, work: WorkingSet, number: int, report: ReportKind
) -> bool:
    if relationship.relation == SUBSCRIBED.name:
        statement = NewsletterStatement(person.customer.number)
        return report_newsletter(person, work, number, holds, work.now, report, statement)
    return apply_sets(relationship.rules(holds), person, work, number, work.now, report)
