"""The "latest" times of a customer, such as last_opened_at: they only move forward."""

from collections.abc import Iterable

from regulars.domain.customer import Person
from regulars.domain.working import WorkingSet


def move_forward(person: Person, work: WorkingSet, fields: Iterable[str], at: int) -> bool:
    """Move "latest" times forward to `at` (ms), or to now if that is in the future. True if one moved."""
    at = min(at, work.now)
    moved = False
    for field in fields:
        current = getattr(person.customer, field)
        if current is None or at > current:
            setattr(work.people.touch(person), field, at)
            moved = True
    return moved
