"""Savepoints: detects that commands left a customer unchanged, and rolls back what they recorded on the way."""

import copy
from typing import Any, Final

import msgspec

from regulars.domain.consent import CAUSES
from regulars.domain.customer import Customer, Person
from regulars.domain.working import WorkingSet

_MOMENTS: Final = {"updated_at", "changed_at", "subscribed_at", "unsubscribed_at", *CAUSES.values()}
"""Fields that do not count as a change: times of updates, and consent times, as consent itself is a tie."""

_COMPARED: Final = tuple(name for name in Customer.__struct_fields__ if name not in {*_MOMENTS, "attributes"})


class Savepoint:
    """The state of a customer in the working set at one time."""

    def __init__(self, work: WorkingSet, person: Person) -> None:
        self.person = person
        self._work = work
        self._number = person.customer.number
        self._customer = copy.copy(person.customer)
        self._ties = dict(person.ties)
        self._is_touched = self._number in work.people.before
        self._noted = [{place: noted[place] for place in self._places() if place in noted} for noted in self._notes()]
        self._consents = len(work.history.consents)
        self._newsletter_consents = len(work.history.newsletter_consents)
        self._profile_changes = len(work.history.profile_changes)
        moments = work.history.moments.get(self._number)
        self._moments = None if moments is None else moments.copy()
        self._activities, self._next_activity = len(work.history.activities), work.counters.activity
        self._objects = len(work.objects.saved)
        self._parts = work.people.merged.parts_of(self._number)
        self._former = {row.email_key: copy.copy(row) for row in work.addresses.had_by(self._number)}
        self._changed = set(work.addresses.changed)

    def is_as_it_was(self) -> bool:
        """Whether the customer is unchanged: the same row, the same ties, and nothing created for it."""
        customer = self.person.customer
        return (
            self._work.people.by_number.get(self._number) is self.person
            and all(getattr(customer, name) == getattr(self._customer, name) for name in _COMPARED)
            and _decoded(customer.attributes) == _decoded(self._customer.attributes)
            and self._held() == {key for key, tie in self._ties.items() if tie.holds}
            and len(self._work.objects.saved) == self._objects
            and self._work.people.merged.parts_of(self._number) == self._parts
        )

    def undo(self) -> None:
        """Take back what was noted since of a customer that is as it was, and is the only one that was touched."""
        work, number = self._work, self._number
        for name in Customer.__struct_fields__:
            setattr(self.person.customer, name, getattr(self._customer, name))
        if not self._is_touched:
            work.people.before.pop(number, None)
        for noted, mine in zip(self._notes(), self._noted, strict=True):
            for place in self._places():
                noted.pop(place, None)
            noted.update(mine)
        self.person.ties = self._ties
        work.addresses.forget(number)
        for row in self._former.values():
            work.addresses.save(row)
        work.addresses.changed = self._changed
        work.history.consents.cut(self._consents)
        work.history.newsletter_consents.cut(self._newsletter_consents)
        work.history.profile_changes.cut(self._profile_changes)
        if self._moments is None:
            work.history.moments.pop(number, None)
        else:
            work.history.moments[number] = self._moments
        work.history.activities.cut(self._activities)
        work.counters.activity = self._next_activity

    def _held(self) -> set[tuple[int, int]]:
        return {key for key, tie in self.person.ties.items() if tie.holds}

    def _notes(self) -> tuple[dict, dict]:  # type: ignore[type-arg]
        """What the working set keeps by (customer, relation, object)."""
        return self._work.ties.saved, self._work.ties.changes

    def _places(self) -> list[tuple[int, int, int]]:
        """Where the customer's ties would be among them."""
        return [(self._number, *key) for key in self.person.ties]


def _decoded(attributes: str | None) -> Any:
    """The attributes whatever their order, which is that of their arrival."""
    return msgspec.json.decode(attributes or "{}")
