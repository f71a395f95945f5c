"""Merged customers of a transaction: which customers are part of another one, and whom their identifiers name."""

import copy
from collections.abc import Iterable, Iterator
from typing import Final

from regulars.domain.customer import Customer, Person
from regulars.domain.identity import Who

_NAMING: Final = ("uuid", "customer_id", "number", "email_key")
"""Identifiers, the strongest first: the first one that is given decides which part of a customer is named."""


class MergedPeople:
    """The parts of merged customers: the customers that were merged into others, with their rows as they were.

    rows: by number. before: those to write, as they are stored; None for a new one. moved: the parts that get another
    customer, or none, with (the customer before, the customer after). returned: the numbers of those that a merge gave
    back. deleted: the numbers of parts that were deleted with their customer.
    """

    def __init__(self) -> None:
        self.rows: dict[int, Customer] = {}
        self.before: dict[int, Customer | None] = {}
        self.moved: dict[int, tuple[int | None, int | None]] = {}
        self.returned: set[int] = set()
        self.deleted: list[int] = []
        self._parts: dict[int, set[int]] = {}
        self._named: dict[tuple[str, object], int] = {}

    def add(self, part: Customer) -> None:
        """Take in a customer that was merged into another one."""
        whole = part.merged_into
        assert whole is not None
        self.rows[part.number] = part
        self._parts.setdefault(whole, set()).add(part.number)
        for name in _NAMING:
            if (value := getattr(part, name)) is not None:
                self._named[name, value] = part.number

    def remove(self, number: int) -> Customer:
        """Take a part out; returns its row."""
        part = self.rows.pop(number)
        assert part.merged_into is not None
        self._parts[part.merged_into].discard(number)
        for name in _NAMING:
            self._named.pop((name, getattr(part, name)), None)
        return part

    def whole(self, number: int) -> int:
        """The customer that a number stands for: the one that this customer was merged into, or itself."""
        part = self.rows.get(number)
        return number if part is None or part.merged_into is None else part.merged_into

    def find(self, name: str, value: object) -> int | None:
        """The customer to whom an identifier of a part leads. name: a field of the customer."""
        part = self._named.get((name, value))
        return None if part is None else self.whole(part)

    def is_alias(self, name: str, value: object) -> bool:
        """Whether an identifier is that of a part."""
        return (name, value) in self._named

    def parts_of(self, number: int) -> list[int]:
        """The numbers of the parts of a customer, ascending."""
        return sorted(self._parts.get(number, ()))

    def group(self, number: int) -> list[int]:
        """The numbers under which rows of a customer are kept: its own, and those of its parts."""
        return [number, *self.parts_of(number)] if self._parts else [number]

    def named(self, person: Person, who: Who) -> Person:
        """The customer as the part that the identifiers name, if they name one."""
        customer = person.customer
        if customer.merged_into is None:
            return person
        for name in _NAMING:
            value = getattr(who, name)
            if value is None:
                continue
            part = self._named.get((name, value))
            if part is not None:
                return self.as_part(person, part)
            if getattr(customer, name) == value:
                return person
        return person

    def as_part(self, person: Person, number: int) -> Person:
        """The customer as the part with this number; the customer itself if that is its own number."""
        if number == person.customer.number:
            return person
        return Person(person.customer, person.ties, number)

    def touch(self, number: int) -> Customer:
        """The row of a part, about to be changed."""
        part = self.rows[number]
        self.before.setdefault(number, copy.copy(part))
        return part

    def move(self, numbers: Iterable[int], whole: int | None) -> None:
        """Give parts to another customer."""
        for number in numbers:
            part = self.touch(number)
            before = part.merged_into
            assert before is not None
            self._parts[before].discard(number)
            part.merged_into = whole
            if whole is not None:
                self._parts.setdefault(whole, set()).add(number)
            self.note(number, before, whole)

    def note(self, number: int, before: int | None, after: int | None) -> None:
        """Note that a part gets another customer, or none."""
        known = self.moved.get(number)
        self.moved[number] = (before if known is None else known[0], after)

    def changed(self) -> Iterator[tuple[Customer | None, Customer]]:
        """(before, after) of the parts to write; before is None for a new one."""
        for number, before in self.before.items():
            if number in self.rows and before != self.rows[number]:
                yield before, self.rows[number]

    def gone(self) -> Iterator[Customer]:
        """The parts that lists had until now."""
        for number, before in self.before.items():
            if number in self.rows and before is not None and before.merged_into in (None, number):
                yield self.rows[number]
