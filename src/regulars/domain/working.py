"""The working set: what one transaction has read and changed, in memory, between its reads and its writes.

The ledger loads it with every row that the batch's commands name; the rules read and change it and nothing else;
the ledger then writes what it says has changed.
"""

import copy
import secrets

from msgspec import Struct

from regulars.domain import changes
from regulars.domain.consent import Consent
from regulars.domain.customer import Customer, Person, entry_of, new_customer
from regulars.domain.faults import RefusedError, refuse
from regulars.domain.identity import Who
from regulars.domain.mail import Log
from regulars.domain.objects import OWN_NUMBERS, RelatedObject, new_key
from regulars.domain.references import Reference
from regulars.domain.relations import FLAG, KIND_CODES, KINDS, Relation, ReportKind, Tie, merge_report


class ActivityRow(Struct):
    """One thing in a customer's history; the fields are the columns, in order."""

    number: int
    customer: int
    name: str
    at: int
    uuid: bytes | None
    order_id: str | None
    log: int | None
    detail: str | None


class Counters(Struct):
    """The next numbers a site hands out."""

    customer: int
    activity: int
    log: int
    consent: int


class WorkingSet:
    """The rows one transaction works on, and what it has changed of them.

    products_of: the products of each offer that is loaded. links: (offer, product) that were put in or taken out.
    unlinked: (kind, number) of deleted offers and products.
    seen_uuids: the ids of events that were counted, with the customer who takes the memory of it along when deleted
    (None: the event is of a mail, whose log stays).
    """

    def __init__(self, now: int, counters: Counters) -> None:
        self.now = now
        self.counters = counters
        self.people: dict[int, Person] = {}
        self.objects: dict[tuple[str, Reference], RelatedObject] = {}
        self.last_object_numbers: dict[str, int] = {}
        self.object_names: dict[tuple[str, str], int] = {}
        self.logs: dict[bytes, Log] = {}
        self.seen_uuids: dict[bytes, int | None] = {}
        self.seen_orders: set[tuple[int, str, str]] = set()
        self.before: dict[int, Customer | None] = {}
        self.deleted: dict[int, bool] = {}
        self.ties: dict[tuple[int, int, int], Tie] = {}
        self.tie_changes: dict[tuple[int, int, int], bool] = {}
        self.saved_objects: dict[tuple[int, int], RelatedObject] = {}
        self.cleared: list[tuple[int, int]] = []
        self.products_of: dict[int, set[int]] = {}
        self.links: dict[tuple[int, int], bool] = {}
        self.unlinked: list[tuple[str, int]] = []
        self.activities: list[ActivityRow] = []
        self.new_logs: dict[int, Log] = {}
        self.changed_logs: dict[int, Log] = {}
        self.consents: list[Consent] = []
        self.rebuild = False
        self._emails: dict[str, int] = {}
        self._customer_ids: dict[str, int] = {}
        self._uuids: dict[bytes, int] = {}

    # -- people ---------------------------------------------------------------------------------------------

    def add(self, person: Person) -> None:
        """Take a loaded or new customer in."""
        customer = person.customer
        self.people[customer.number] = person
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
            who.number if who.number in self.people else None,
        }
        found.discard(None)
        return found  # type: ignore[return-value]

    def known(self, who: Who) -> Person:
        """The one customer whom the identifiers name. Raises RefusedError if there is none, or they disagree."""
        found = self.find(who)
        if not found:
            raise refuse("customer_not_found", "", "There is no such customer.")
        if len(found) > 1:
            raise conflict()
        return self.people[found.pop()]

    def create(self, who: Who, *, at: int | None = None) -> Person:
        """A new customer with these identifiers, whose profile is that of the time `at` (ms, None for now).

        It is created now whatever the time of the report: history that arrives in its own order then counts as news.
        """
        customer = new_customer(self.counters.customer, self.now)
        if at is not None:
            customer.updated_at = at
        self.counters.customer += 1
        customer.email, customer.email_key, customer.customer_id = who.email, who.email_key, who.customer_id
        if who.uuid is not None:
            customer.uuid = who.uuid
        person = Person(customer, {})
        self.before[customer.number] = None
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

    def forget_customer_id(self, person: Person) -> bool:
        """Take a customer's customer_id away; True if there was one."""
        if person.customer.customer_id is None:
            return False
        customer = self.touch(person)
        del self._customer_ids[customer.customer_id]  # type: ignore[arg-type]
        customer.customer_id = None
        return True

    def delete(self, person: Person) -> None:
        """Forget a customer with its ties."""
        customer = person.customer
        stored = self.before.pop(customer.number, customer) is not None
        self.deleted[customer.number] = stored
        del self.people[customer.number]
        del self._uuids[customer.uuid]
        if customer.email_key is not None:
            del self._emails[customer.email_key]
        if customer.customer_id is not None:
            del self._customer_ids[customer.customer_id]
        for changed in (self.ties, self.tie_changes):
            for key in [key for key in changed if key[0] == customer.number]:
                del changed[key]
        self.activities = [row for row in self.activities if row.customer != customer.number or row.log is not None]
        for row in self.activities:
            if row.customer == customer.number:
                row.detail = None
        for log in (*self.new_logs.values(), *self.changed_logs.values()):
            if log.customer == customer.number:
                log.forget()
        self.consents = [row for row in self.consents if row.customer != customer.number]
        self.seen_uuids = {uuid: owner for uuid, owner in self.seen_uuids.items() if owner != customer.number}

    # -- ties -----------------------------------------------------------------------------------------------

    def tie(self, person: Person, relation: Relation, number: int, holds: bool, at: int, report: ReportKind) -> bool:
        """Report a tie; True if it now holds where it did not, or the other way round."""
        key = (relation.code, number)
        old = person.ties.get(key)
        new = merge_report(old, relation, holds, at, report)
        if new is None:
            return False
        if new.label is None and number != FLAG:
            new.label = self._label(relation, number)
        person.ties[key] = new
        place = (person.customer.number, *key)
        self.ties[place] = new
        if (old is not None and old.holds) == holds:
            return False
        if place in self.tie_changes:
            del self.tie_changes[place]
        else:
            self.tie_changes[place] = holds
        return True

    def clear(self, relation: Relation, number: int) -> None:
        """Untie everybody from an object that is being deleted."""
        self.cleared.append((relation.code, number))
        for changed in (self.ties, self.tie_changes):
            for key in [key for key in changed if key[1:] == (relation.code, number)]:
                del changed[key]
        for person in self.people.values():
            person.ties.pop((relation.code, number), None)

    def _label(self, relation: Relation, number: int) -> str | None:
        if relation.kind is None:
            return None
        found = self.objects.get((relation.kind, number))
        return None if found is None else found.key

    # -- objects --------------------------------------------------------------------------------------------

    def add_object(self, found: RelatedObject) -> None:
        """Take a loaded or new object in, under its number and its key."""
        kind = KINDS[found.kind - 1]
        self.objects[kind, found.number] = found
        if found.key is not None:
            self.objects[kind, found.key] = found
        if found.name_key is not None and found.deleted_at is None:
            self.object_names[kind, found.name_key] = found.number

    def object_of(self, kind: str, reference: Reference) -> RelatedObject | None:
        """The object that a reference names, None if there is none (any more)."""
        found = self.objects.get((kind, reference))
        return None if found is None or found.deleted_at is not None else found

    def refuse_unknown_number(self, field: str, kind: str, reference: Reference) -> None:
        """Raises RefusedError for a number of ours that we never handed out: a caller cannot create an object under it.

        To be called before a command changes anything.
        """
        if isinstance(reference, int) and reference in OWN_NUMBERS and (kind, reference) not in self.objects:
            kept = f"numbers from {OWN_NUMBERS.start} to {OWN_NUMBERS.stop - 1} are handed out by the server only"
            raise refuse("invalid", field, f"There is no {kind} {reference}, and {kept}.")

    def refer(self, kind: str, reference: Reference) -> int:
        """The number of the object that a reference names; it is created if it is not there."""
        found = self.object_of(kind, reference)
        return (found or self.create_object(kind, reference)).number

    def create_object(self, kind: str, reference: Reference | None) -> RelatedObject:
        """A new object, under the number or key of the reference."""
        if isinstance(reference, int):
            number, key = reference, None
        else:
            number = self.last_object_numbers.get(kind, OWN_NUMBERS.start) + 1
            key = reference if reference is not None else new_key(kind)
        stale = self.objects.get((kind, reference)) if reference is not None else None
        if stale is not None:
            number, key = stale.number, stale.key
        elif not isinstance(reference, int):
            if number not in OWN_NUMBERS:
                # An older version let callers take the last of our numbers: go on with random ones, which nobody has.
                number = secrets.choice(OWN_NUMBERS)
            else:
                self.last_object_numbers[kind] = number
        found = RelatedObject(
            kind=KIND_CODES[kind],
            number=number,
            key=key,
            name=None,
            name_key=None,
            description=None,
            created_at=self.now,
            updated_at=self.now,
        )
        self.add_object(found)
        self.saved_objects[found.kind, number] = found
        return found

    def link(self, offer: RelatedObject, products: set[int]) -> None:
        """Say which products an offer has."""
        before = self.products_of.get(offer.number, set())
        self.links.update({(offer.number, product): product in products for product in before ^ products})
        self.products_of[offer.number] = products
        offer.updated_at = self.now
        self.saved_objects[offer.kind, offer.number] = offer

    def unlink(self, kind: str, number: int) -> None:
        """An object is being deleted: an offer loses its products, and no offer has the product any more."""
        if kind == "offer":
            self.products_of.pop(number, None)
            place = 0
        elif kind == "product":
            for products in self.products_of.values():
                products.discard(number)
            place = 1
        else:
            return
        self.unlinked.append((kind, number))
        self.links = {link: held for link, held in self.links.items() if link[place] != number}

    # -- the result -----------------------------------------------------------------------------------------

    def changed_customers(self) -> list[tuple[Customer | None, Customer]]:
        """(before, after) of every customer whose row differs from what is stored; before is None for new ones."""
        return [
            (before, self.people[number].customer)
            for number, before in self.before.items()
            if before is None or before != self.people[number].customer
        ]

    def is_clean(self) -> bool:
        """Whether nothing at all has to be written."""
        return not (
            self.ties
            or self.deleted
            or self.saved_objects
            or self.activities
            or self.new_logs
            or self.changed_logs
            or self.consents
            or self.rebuild
            or self.changed_customers()
        )

    def entries(self) -> list[changes.Entry]:
        """What the index must learn, by customer number."""
        found: dict[int, changes.Entry] = {}
        for before, after in self.changed_customers():
            entry = entry_of(before, after)
            if entry is not None:
                found[after.number] = entry
        for (number, relation, item), holds in self.tie_changes.items():
            entry = found.get(number)
            if entry is None:
                found[number] = entry = changes.Entry(number)
            entry.ties.append((relation, item, holds))
        for number, stored in self.deleted.items():
            if stored:
                found[number] = changes.Entry(number, gone=True)
        return [found[number] for number in sorted(found)]


def conflict() -> RefusedError:
    """The refusal of identifiers that do not name one customer."""
    return refuse("identity_conflict", "email", "The identifiers name two different customers; nothing was changed.")
