"""The customers of a transaction: found by their identifiers, created, renamed and deleted."""

import copy
from collections.abc import Sequence

from regulars.domain.customer import Customer, Person, new_customer
from regulars.domain.faults import RefusedError, refuse
from regulars.domain.identity import Who
from regulars.domain.working.addresses import Identifier
from regulars.domain.working.merged_people import MergedPeople


class People:
    """The customers that a transaction has loaded or created, by number.

    before: each customer that was touched, as it is stored; None for a new one.
    deleted: the numbers of deleted customers, with the uuid of those that are stored and None for others.
    merged: the customers that were merged into others. Their identifiers find those.
    """

    def __init__(self) -> None:
        self.by_number: dict[int, Person] = {}
        self.before: dict[int, Customer | None] = {}
        self.deleted: dict[int, bytes | None] = {}
        self.merged = MergedPeople()
        self._emails: dict[str, int] = {}
        self._customer_ids: dict[str, int] = {}
        self._uuids: dict[bytes, int] = {}

    def add(self, person: Person) -> None:
        """Add a loaded or new customer."""
        customer = person.customer
        self.by_number[customer.number] = person
        self._uuids[customer.uuid] = customer.number
        if customer.email_key is not None:
            self._emails[customer.email_key] = customer.number
        if customer.customer_id is not None:
            self._customer_ids[customer.customer_id] = customer.number

    def find(self, who: Who) -> set[int]:
        """The numbers of the customers that the identifiers name: none, one, or several when they disagree."""
        found = {
            self._emails.get(who.email_key) if who.email_key is not None else None,
            self._customer_ids.get(who.customer_id) if who.customer_id is not None else None,
            self._uuids.get(who.uuid) if who.uuid is not None else None,
            who.number if who.number in self.by_number else None,
        }
        if self.merged.rows:
            for name in ("email_key", "customer_id", "uuid", "number"):
                if (value := getattr(who, name)) is not None:
                    found.add(self.merged.find(name, value))
        found.discard(None)
        return found  # type: ignore[return-value]

    def uuid_of(self, number: int) -> bytes | None:
        """The uuid of the customer, or the part of one, with this number; None if there is none."""
        if (person := self.by_number.get(number)) is not None:
            return person.customer.uuid
        part = self.merged.rows.get(number)
        return None if part is None else part.uuid

    def row(self, number: int) -> Customer:
        """The row of a loaded customer, or of a part of one."""
        person = self.by_number.get(number)
        return self.merged.rows[number] if person is None else person.customer

    def named_row(self, person: Person) -> Customer:
        """The row with the address of the customer whom a report names: of the part, if that has one."""
        named = self.row(person.origin)
        return person.customer if named.email_key is None else named

    def knows(self, identifier: Identifier) -> bool:
        """Whether somebody who is loaded or new has this address or customer_id."""
        kind, text = identifier
        if text in (self._emails if kind == "email" else self._customer_ids):
            return True
        return self.merged.is_alias("email_key" if kind == "email" else kind, text)

    def known(self, who: Who) -> Person:
        """The one customer whom the identifiers name. Raises RefusedError if there is none, or they disagree."""
        found = self.find(who)
        if not found:
            raise refuse("customer_not_found", "", "The customer does not exist.")
        if len(found) > 1:
            raise conflict()
        return self.merged.named(self.by_number[found.pop()], who)

    def create(self, number: int, who: Who, *, now: int, at: int | None = None) -> Person:
        """A new customer with these identifiers, whose profile dates from `at` (ms; None for `now`).

        It is created now whatever the time of the report: history that arrives in its own order then counts as news.
        """
        customer = new_customer(number, now)
        if at is not None:
            customer.updated_at = at
        customer.email, customer.email_key, customer.customer_id = who.email, who.email_key, who.customer_id
        if who.uuid is not None:
            customer.uuid = who.uuid
        person = Person(customer, {})
        self.before[number] = None
        self.add(person)
        return person

    def is_new(self, person: Person) -> bool:
        """Whether the transaction creates this customer."""
        return self.before.get(person.customer.number, person) is None

    def touch(self, person: Person) -> Customer:
        """The customer's row, about to be changed."""
        customer = person.customer
        if customer.number not in self.before:
            self.before[customer.number] = copy.copy(customer)
        return customer

    def rename(self, person: Person, who: Who) -> None:
        """Give a customer the identifiers that `who` has."""
        customer = self.touch(person)
        if who.email_key is not None and who.email_key != customer.email_key:
            if customer.email_key is not None:
                del self._emails[customer.email_key]
            self._emails[who.email_key] = customer.number
        if who.customer_id is not None and who.customer_id != customer.customer_id:
            if customer.customer_id is not None:
                del self._customer_ids[customer.customer_id]
            self._customer_ids[who.customer_id] = customer.number
        if who.email_key is not None:
            customer.email, customer.email_key = who.email, who.email_key
        if who.customer_id is not None:
            customer.customer_id = who.customer_id

    def release(self, person: Person, who: Who) -> None:
        """Take away the identifiers in whose place `who` has others, which `rename` gives afterwards."""
        customer = self.touch(person)
        if who.email_key is not None and customer.email_key is not None:
            del self._emails[customer.email_key]
            customer.email = customer.email_key = None
        if who.customer_id is not None and customer.customer_id is not None:
            del self._customer_ids[customer.customer_id]
            customer.customer_id = None

    def forget_customer_id(self, person: Person) -> bool:
        """Take a customer's customer_id away; True if there was one."""
        if person.customer.customer_id is None:
            return False
        customer = self.touch(person)
        del self._customer_ids[customer.customer_id]  # type: ignore[arg-type]
        customer.customer_id = None
        return True

    def restore_identity(self, person: Person, before: Customer) -> None:
        """Give a customer exactly the address and customer_id that it had before, which nobody else may have."""
        customer = self.touch(person)
        for known, name in ((self._emails, "email_key"), (self._customer_ids, "customer_id")):
            if getattr(customer, name) is not None:
                del known[getattr(customer, name)]
            if getattr(before, name) is not None:
                known[getattr(before, name)] = customer.number
            setattr(customer, name, getattr(before, name))
        customer.email = before.email

    def remove(self, person: Person) -> None:
        """Delete a customer. The working set deletes what belongs to it."""
        customer = person.customer
        is_stored = self.before.pop(customer.number, customer) is not None
        self.deleted[customer.number] = customer.uuid if is_stored else None
        for number in self.merged.parts_of(customer.number):
            self.merged.remove(number)
            self.merged.deleted.append(number)
        self._take_out(person)

    def _take_out(self, person: Person) -> None:
        customer = person.customer
        del self.by_number[customer.number]
        del self._uuids[customer.uuid]
        if customer.email_key is not None:
            del self._emails[customer.email_key]
        if customer.customer_id is not None:
            del self._customer_ids[customer.customer_id]

    def absorb(self, survivor: Person, gone: Person) -> None:
        """Make a customer part of another one, who gets the address and the customer_id that it lacks itself."""
        merged, part, whole = self.merged, self.touch(gone), self.touch(survivor)
        self._take_out(gone)
        merged.before.setdefault(part.number, self.before.pop(part.number))
        merged.move(merged.parts_of(part.number), whole.number)
        missing = Who(
            email=part.email if whole.email_key is None else None,
            email_key=part.email_key if whole.email_key is None else None,
            customer_id=part.customer_id if whole.customer_id is None else None,
        )
        if missing.email_key is not None:
            part.email = part.email_key = None
        if missing.customer_id is not None:
            part.customer_id = None
        self.rename(survivor, missing)
        part.merged_into = whole.merged_into = whole.number
        merged.add(part)
        merged.note(part.number, None, whole.number)

    def add_part(self, person: Person, number: int, who: Who, *, now: int) -> None:
        """Add a customer with these identifiers, which nobody has, as part of another one."""
        part = new_customer(number, now)
        part.email, part.email_key, part.customer_id = who.email, who.email_key, who.customer_id
        part.uuid = part.uuid if who.uuid is None else who.uuid
        part.merged_into = self.touch(person).merged_into = person.customer.number
        self.merged.before[number] = None
        self.merged.add(part)
        self.merged.note(number, None, person.customer.number)

    def remove_part(self, person: Person, number: int) -> None:
        """Delete a part of a customer that `add_part` added. Its identifiers no longer find the customer."""
        whole = person.customer.number
        self.merged.remove(number)
        self.merged.note(number, whole, None)
        self.merged.deleted.append(number)
        if not self.merged.parts_of(whole):
            self.touch(person).merged_into = None

    def give_back(self, survivor: Person, number: int, parts: Sequence[int]) -> Person:
        """Make a part a customer of its own again, with the parts that it had.

        Whatever identifiers it lacks the caller restores, with `restore_identity`.
        """
        merged, whole = self.merged, self.touch(survivor)
        before = copy.copy(merged.rows[number])
        customer = merged.remove(number)
        merged.note(number, whole.number, None)
        merged.before.pop(number, None)
        merged.move([part for part in parts if part in merged.rows], number)
        customer.merged_into = number if merged.parts_of(number) else None
        whole.merged_into = whole.number if merged.parts_of(whole.number) else None
        person = Person(customer, {})
        self.before[number] = before
        self.add(person)
        merged.returned.add(number)
        return person

    def given_up(self) -> dict[int, list[Identifier]]:
        """The identifiers that stored customers no longer have, by the customers' numbers."""
        found = {}
        for before, after in self.changed():
            if names := [] if before is None else sorted(set(_identifiers(before)) - set(_identifiers(after))):
                found[after.number] = names
        return found

    def changed(self) -> list[tuple[Customer | None, Customer]]:
        """(before, after) of every customer whose row differs from what is stored; before is None for new ones."""
        return [
            (before, self.by_number[number].customer)
            for number, before in self.before.items()
            if before is None or before != self.by_number[number].customer
        ]


def _identifiers(customer: Customer) -> list[Identifier]:
    named = ("email", customer.email_key), ("customer_id", customer.customer_id)
    return [(kind, key) for kind, key in named if key is not None]


def conflict() -> RefusedError:
    """The refusal of identifiers that do not name one customer."""
    return refuse("identity_conflict", "email", "The identifiers belong to different customers. Nothing was changed.")
