"""The ties of a transaction: what it reported of customers and objects, and which of that is news."""

from collections.abc import Iterable

from regulars.domain.customer import Person
from regulars.domain.relations import FLAG, Relation, ReportKind, Tie, merge_report
from regulars.domain.working.objects import Objects


class Ties:
    """The ties that a transaction changes. Ties that hold already are with each `Person`.

    saved: the ties to write, by (customer, relation, object). changes: those that now hold (True) or fail (False)
    where they did not before. cleared: (relation, object) that all customers are untied from.
    """

    def __init__(self, objects: Objects) -> None:
        self.saved: dict[tuple[int, int, int], Tie] = {}
        self.changes: dict[tuple[int, int, int], bool] = {}
        self.cleared: list[tuple[int, int]] = []
        self._objects = objects

    def report(self, person: Person, relation: Relation, number: int, holds: bool, at: int, report: ReportKind) -> bool:
        """Report a tie to the object `number`; True if it now holds where it did not, or the other way round."""
        new = merge_report(person.ties.get((relation.code, number)), relation, holds, at, report)
        return new is not None and self._take(person, relation, number, new)

    def settle(self, person: Person, relation: Relation, number: int, holds: bool, at: int) -> bool:
        """Set a tie to what was found out by other rules than those of reports; True as `report` says."""
        old = person.ties.get((relation.code, number))
        if old is not None and (old.holds, old.at) == (holds, at):
            return False
        return self._take(person, relation, number, Tie(holds, at, None if old is None else old.label))

    def _take(self, person: Person, relation: Relation, number: int, new: Tie) -> bool:
        key, holds = (relation.code, number), new.holds
        old = person.ties.get(key)
        if new.label is None and number != FLAG and relation.kind is not None:
            new.label = self._objects.key_of(relation.kind, number)
        person.ties[key] = new
        place = (person.customer.number, *key)
        self.saved[place] = new
        if (old is not None and old.holds) == holds:
            return False
        if place in self.changes:
            del self.changes[place]
        else:
            self.changes[place] = holds
        return True

    def clear(self, relation: Relation, number: int, people: Iterable[Person]) -> None:
        """Untie all customers, loaded ones and others, from an object that is being deleted."""
        self.cleared.append((relation.code, number))
        for changed in (self.saved, self.changes):
            for key in [key for key in changed if key[1:] == (relation.code, number)]:
                del changed[key]
        for person in people:
            person.ties.pop((relation.code, number), None)

    def forget(self, customer: int) -> None:
        """Drop what was noted of a customer who is being deleted."""
        for changed in (self.saved, self.changes):
            for key in [key for key in changed if key[0] == customer]:
                del changed[key]
