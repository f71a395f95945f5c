"""The working set: the rows of one transaction, read, changed and about to be written."""

from collections.abc import Sequence

from msgspec import Struct

from regulars.domain import changes
from regulars.domain.customer import Customer, Person, entry_of, index_columns, is_shown_change
from regulars.domain.identity import Who
from regulars.domain.origin import JOB, Origin
from regulars.domain.relations import BY_CODE, TIMED, Relation
from regulars.domain.working.addresses import Addresses, Tombstone
from regulars.domain.working.audiences import Audiences
from regulars.domain.working.consent_requests import ConsentRequests
from regulars.domain.working.drips import Drips
from regulars.domain.working.erasures import Erasure
from regulars.domain.working.history import ActivityRow, History
from regulars.domain.working.merges import Merges
from regulars.domain.working.notes import Notes
from regulars.domain.working.objects import Objects
from regulars.domain.working.people import People
from regulars.domain.working.revenues import Revenues
from regulars.domain.working.ties import Ties
from regulars.domain.working.visitors import Visitors


class Counters(Struct):
    """The next numbers that a site assigns."""

    customer: int
    activity: int
    log: int
    consent: int


class WorkingSet:
    """The rows of one transaction and its changes to them.

    The ledger loads it with every row that the batch's commands name; the rules read and change it and nothing else;
    the ledger then writes what it says has changed. now: the time of the transaction (ms). rebuild: whether every
    process shall load the site's index anew. cleared_at: as in `changes.Record`.
    has_deleted_ties: ties of deleted objects are still stored, and no reader sees them. undone: (import, customer) of
    what is undone. origin: of the command that is executed. erased, erased_addresses: the customers
    and addresses of whom nothing is kept. erasures: to record. changed_fields: what each request
    changed of customers or objects, by name.
    """

    def __init__(self, now: int, counters: Counters) -> None:
        self.now = now
        self.origin = JOB
        self.changed_fields: dict[Origin, Sequence[str]] = {}
        self.counters = counters
        self.people = People()
        self.objects = Objects()
        self.ties = Ties(self.objects)
        self.history = History()
        self.notes = Notes()
        self.addresses = Addresses()
        self.drips = Drips()
        self.visitors = Visitors()
        self.revenues = Revenues()
        self.audiences = Audiences()
        self.merges = Merges()
        self.consent_requests = ConsentRequests()
        self.rebuild = False
        self.cleared_at: int | None = None
        self.has_deleted_ties = False
        self.undone: list[tuple[int, int]] = []
        self.erased: set[int] = set()
        self.erased_addresses: set[str] = set()
        self.erasures: list[Erasure] = []

    def create(self, who: Who, *, at: int | None = None) -> Person:
        """A new customer with these identifiers, whose profile dates from `at` (ms; None for now)."""
        number = self.counters.customer
        self.counters.customer += 1
        return self.people.create(number, who, now=self.now, at=at)

    def add_part(self, person: Person, who: Who) -> None:
        """Add a customer that was merged into another one in another store, by its identifiers."""
        number = self.counters.customer
        self.counters.customer += 1
        self.people.add_part(person, number, who, now=self.now)

    def record(
        self,
        person: Person,
        name: str,
        at: int,
        *,
        uuid: bytes | None = None,
        order_id: str | None = None,
        log: int | None = None,
        detail: str | None = None,
        lacks: int = 0,
    ) -> None:
        """Write an event into the customer's history. log: the number of its mail. lacks: as in `ActivityRow`."""
        number = self.counters.activity
        self.counters.activity += 1
        actor = self.origin.actor
        row = ActivityRow(number, person.origin, name, at, uuid, order_id, log, detail, lacks)
        row.received_at, row.channel, row.actor = self.now, actor.channel, actor.number
        self.history.activities.append(row)

    def delete(self, person: Person) -> None:
        """Delete a customer with its ties and history."""
        numbers = self.people.merged.group(person.customer.number)
        self.people.remove(person)
        self.ties.forget(person)
        for number in numbers:
            self.history.forget(number)
            self.notes.forget(number)
            self.addresses.forget(number)
            for identifier in self.visitors.forget(number):
                self.addresses.bury(identifier, Tombstone(self.now))
            self.revenues.forget(number)
            self.consent_requests.forget(number)

    def clear(self, relation: Relation, number: int) -> None:
        """Untie all customers from an object that is being deleted."""
        self.ties.clear(relation, number, self.people.by_number)

    def is_clean(self) -> bool:
        """Whether there is nothing to write."""
        history = self.history
        return not (
            self.ties.saved
            or self.ties.removed
            or self.people.deleted
            or self.objects.saved
            or history.activities
            or history.new_logs
            or history.changed_logs
            or history.consents
            or history.newsletter_consents
            or history.undone_consents
            or not self.notes.is_clean()
            or self.addresses.changed
            or self.addresses.removed
            or self.addresses.buried
            or not self.drips.is_clean()
            or not self.visitors.is_clean()
            or self.revenues.changed
            or self.revenues.is_new
            or not self.audiences.is_clean()
            or self.rebuild
            or self.undone
            or self.merges.saved
            or self.merges.undone
            or self.erasures
            or not self.consent_requests.is_clean()
            or self.people.changed()
        )

    def stamp(self, moment: int) -> None:
        """Set changed_at (ms) of all customers of whom something changed that replies show, ties included."""
        if any(BY_CODE[code].is_shown for code, _ in self.ties.cleared):
            self.cleared_at = moment
        # A saved tie may overwrite one that was deleted with its object and would have given its customer a moment.
        changed = {**self.ties.changes, **self.ties.saved} if self.has_deleted_ties else self.ties.changes
        tied = {number for number, code, _ in changed if BY_CODE[code].is_shown}
        for before, after in self.people.changed():
            # Whoever is tied to a deleted object gets the moment in the store: no row may put an older one there.
            if after.number in tied or self.cleared_at is not None or is_shown_change(before, after):
                after.changed_at = moment
                tied.discard(after.number)
        for number in tied:
            self.people.touch(self.people.by_number[number]).changed_at = moment

    def entries(self) -> list[changes.Entry]:
        """The changes that the index needs, by customer number."""
        found: dict[int, changes.Entry] = {}
        returned = self.people.merged.returned
        for before, after in self.people.changed():
            if after.number in returned:
                found[after.number] = self._returned(after)
            elif (entry := entry_of(before, after)) is not None:
                found[after.number] = entry
        for (number, relation, item), holds in self.ties.changes.items():
            if number in returned and holds:
                continue
            entry = found.get(number)
            if entry is None:
                found[number] = entry = changes.Entry(number)
            entry.ties.append((relation, item, holds))
        for (number, relation, item), tie in self.ties.saved.items():
            if tie.holds and relation in TIMED and (number, relation, item) not in self.ties.changes:
                entry = found.get(number)
                if entry is None:
                    found[number] = entry = changes.Entry(number)
                entry.moved.append((relation, item))
        for number, uuid in self.people.deleted.items():
            if uuid is not None:
                found[number] = changes.Entry(number, gone=True)
        for part in self.people.merged.gone():
            found[part.number] = changes.Entry(part.number, gone=True, into=part.merged_into or 0)
        return [found[number] for number in sorted(found)]

    def _returned(self, customer: Customer) -> changes.Entry:
        """A customer whom the index has to take up again, as a whole."""
        return changes.Entry(
            customer.number,
            columns=list(enumerate(index_columns(customer))),
            texts=list(range(len(changes.TEXTS))),
            ties=[(*key, True) for key, tie in self.people.by_number[customer.number].ties.items() if tie.holds],
            attributes=True,
            back=True,
        )
