"""The customers of a transaction: found by their identifiers, created, renamed and deleted."""

import copy

from regulars.domain.customer import Customer, Person, new_customer
from regulars.domain.faults import RefusedError, refuse
from regulars.domain.identity import Who
from regulars.domain.working.addresses import Identifier


class People:
    """The customers that a transaction has loaded or created, by number.

    before: each customer that was touched, as it is stored; None for a new one.
    deleted: the numbers of deleted customers, with the uuid of those that are stored and None for others.
    """

    def __init__(self) -> None:
        self.by_number: dict[int, Person] = {}
        self.before: dict[int, Customer | None] = {}
        self.deleted: dict[int, bytes | None] = {}
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
        found.discard(None)
        return found  # type: ignore[return-value]

    def knows(self, identifier: Identifier) -> bool:
        """Whether somebody who is loaded or new has this address or customer_id."""
        kind, text = identifier
        return text in (self._emails if kind == "email" else self._customer_ids)

    def known(self, who: Who) -> Person:
        """The one customer whom the identifiers name. Raises RefusedError if there is none, or they disagree."""
        found = self.find(who)
        if not found:
            raise refuse("customer_not_found", "", "The customer does not exist.")
        if len(found) > 1:
            raise conflict()
        return self.by_number[found.pop()]

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
        del self.by_number[customer.number]
        del self._uuids[customer.uuid]
        if customer.email_key is not None:
            del self._emails[customer.email_key]
        if customer.customer_id is not None:
            del self._customer_ids[customer.customer_id]

    def changed(self) -> list[tuple[Customer | None, Customer]]:
        """(before, after) of every customer whose row differs from what is stored; before is None for new ones."""
        return [
            (before, self.by_number[number].customer)
            for number, before in self.before.items()
            if before is None or before != self.by_number[number].customer
        ]


def conflict() -> RefusedError:
    """The refusal of identifiers that do not name one customer."""
    return refuse("identity_conflict", "email", "The identifiers belong to different customers. Nothing was changed.")
