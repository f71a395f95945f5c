"""The ties of a transaction: what was reported, and what of it is a change."""

from collections.abc import Mapping

from regulars.domain.customer import Person
from regulars.domain.faults import refuse
from regulars.domain.relations import FLAG, LIMITED, MOST_TIES, Relation, ReportKind, Tie, merge_report
from regulars.domain.working.objects import Objects


class Ties:
    """The ties that a transaction changes. Ties that hold already are with each `Person`.

    saved: the ties to write, by (customer, relation, object). changes: those that now hold (True) or fail (False)
    where they did not before. cleared: (relation, object) that all customers are untied from. removed: the ties whose
    rows are to be deleted. before: the saved ties as they are stored, None where there was none; noted only if it is
    set to a dictionary. noted: what `changes` is told of, in order.
    """

    def __init__(self, objects: Objects) -> None:
        self.saved: dict[tuple[int, int, int], Tie] = {}
        self.changes: dict[tuple[int, int, int], bool] = {}
        self.cleared: list[tuple[int, int]] = []
        self.removed: set[tuple[int, int, int]] = set()
        self.before: dict[tuple[int, int, int], Tie | None] | None = None
        self.noted: list[tuple[tuple[int, int, int], bool]] = []
        self._objects = objects
        self._tied_to: dict[tuple[int, int], set[int]] | None = None
        """{(relation, object): customers who may have a tie to it}; made when the first object is cleared."""

    def report(self, person: Person, relation: Relation, number: int, holds: bool, at: int, report: ReportKind) -> bool:
        """Report a tie to the object `number`; True if it now holds where it did not, or the other way round.

        A tie beyond `MOST_TIES` of a relation in `LIMITED` is refused.
        """
        new = merge_report(person.ties.get((relation.code, number)), relation, holds, at, report)
        return new is not None and self._take(person, relation, number, new)

    def settle(self, person: Person, relation: Relation, number: int, holds: bool, at: int) -> bool:
        """Set a tie to a state computed by other rules; returns the same as `report`."""
        old = person.ties.get((relation.code, number))
        if old is not None and (old.holds, old.at) == (holds, at):
            return False
        return self._take(person, relation, number, Tie(holds, at, None if old is None else old.label))

    def _take(self, person: Person, relation: Relation, number: int, new: Tie) -> bool:
        key, holds = (relation.code, number), new.holds
        old = person.ties.get(key)
        if holds and not (old and old.holds) and len(person.ties) >= MOST_TIES and relation.code in LIMITED:
            _refuse_more(person, relation)
        if new.label is None and number != FLAG and relation.kind is not None:
            new.label = self._objects.key_of(relation.kind, number)
        person.ties[key] = new
        place = (person.customer.number, *key)
        if self.before is not None:
            self.before.setdefault(place, old)
        self.saved[place] = new
        if self._tied_to is not None:
            self._tied_to.setdefault(key, set()).add(place[0])
        if (old is not None and old.holds) == holds:
            return False
        self._note(place, holds)
        return True

    def remove(self, person: Person, relation: Relation, number: int) -> None:
        """Make it as if nothing had been reported of a tie, which must be there."""
        key = (relation.code, number)
        place = (person.customer.number, *key)
        self.saved.pop(place, None)
        self.removed.add(place)
        if person.ties.pop(key).holds:
            self._note(place, False)

    def _note(self, place: tuple[int, int, int], holds: bool) -> None:
        """Note that a tie now holds, or fails, where it did not before."""
        self.noted.append((place, holds))
        if place in self.changes:
            del self.changes[place]
        else:
            self.changes[place] = holds

    def clear(self, relation: Relation, number: int, people: Mapping[int, Person]) -> None:
        """Untie all customers from an object that is being deleted. people: those that are loaded, by number."""
        key = (relation.code, number)
        self.cleared.append(key)
        if self._tied_to is None:
            self._tied_to = {}
            for customer, person in people.items():
                for tied in person.ties:
                    self._tied_to.setdefault(tied, set()).add(customer)
        for customer in self._tied_to.pop(key, ()):
            self._drop((customer, *key))
            if customer in people:
                people[customer].ties.pop(key, None)

    def forget(self, person: Person) -> None:
        """Drop what was noted of a customer who is being deleted."""
        for key in person.ties:
            self._drop((person.customer.number, *key))

    def _drop(self, place: tuple[int, int, int]) -> None:
        self.saved.pop(place, None)
        self.changes.pop(place, None)
        self.removed.discard(place)


def _refuse_more(person: Person, relation: Relation) -> None:
    if sum(tie.holds for (code, _), tie in person.ties.items() if code == relation.code) >= MOST_TIES:
        raise refuse(
            "too_many_ties", "", f"The customer is in {MOST_TIES:,} {relation.kind}s already, the most there can be."
        )
