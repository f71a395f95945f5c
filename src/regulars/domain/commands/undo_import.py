"""UndoImport: take back what an import did to one customer."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.customer import Customer, Person, new_customer
from regulars.domain.faults import Fault
from regulars.domain.identity import Who
from regulars.domain.imports import AddressChange, Before, ImportChange, TieChange, state_of
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.relations import BY_CODE
from regulars.domain.working import WorkingSet
from regulars.domain.working.history import NO_TRACES

TAKEN: Final = "taken"
REASONS: Final = {
    "changed": "changed since the import",
    "deleted": "deleted since the import",
    "active": "has events or emails since the import",
    TAKEN: "another customer has the address or customer_id that would be restored",
}
"""Why a customer is left as it is, by name."""

_IDENTITY: Final = ("email", "email_key", "customer_id")


class UndoImport(Struct, frozen=True):
    """Delete a customer that an import created, or restore one that it changed, unless somebody changed it since.

    changes: what the import did to this customer, newest first. undone: what undoing later imports did to it: the
    changed_at after that, and the one before these imports. A customer that is left as it is has one of REASONS in
    `kept_back`.
    """

    changes: tuple[ImportChange, ...]
    undone: Mapping[int, int | None] = {}

    @property
    def customer(self) -> int:
        """The number of the customer."""
        return self.changes[0].customer

    def declare(self, needs: Needs) -> None:
        """The customer, who has the identifiers that it had, and the ties and addresses that the import changed."""
        number = self.customer
        needs.people.append(Who(number=number))
        needs.traces.add(number)
        for change in self.changes:
            if change.before is None:
                continue
            fields = change.before.fields
            if fields.keys() & set(_IDENTITY):
                needs.people.append(
                    Who(email_key=fields.get("email_key"), customer_id=fields.get("customer_id"), number=number)
                )
            needs.places.update((number, tie.relation, tie.item) for tie in change.before.ties)
            needs.addresses.update(each.after.email_key for each in change.before.addresses)

    def weight(self) -> int:
        """One for each tie."""
        return sum(len(change.before.ties) for change in self.changes if change.before is not None)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Check that the customer is as the import left it, then delete or restore it."""
        number = self.customer
        person = work.people.by_number.get(number)
        reason = "deleted" if person is None else self.why_not(person, work)
        if person is None or reason is not None:
            return Outcome(person=person, kept_back=(Fault(reason or "deleted", REASONS[reason or "deleted"]),))
        work.undone.append((self.changes[0].import_number, number))
        if self.changes[-1].created:
            work.delete(person)
            return Outcome("deleted", person)
        _restore(person, self.before(), work)
        return Outcome("updated", person)

    def why_not(self, person: Person, work: WorkingSet) -> str | None:
        """Why the customer must be left as it is: one of REASONS, None if it can be taken back."""
        later = dict(self.undone)
        moment = person.customer.changed_at
        for change in self.changes:
            while moment in later and moment != change.moment:
                moment = later.pop(moment)
            if moment != change.moment:
                return "changed"
            moment = change.base
        traces = work.history.traces[person.customer.number]
        befores = [change.before for change in self.changes if change.before is not None]
        if traces.last_consent >= self.changes[0].next_consent:
            return "changed"
        if any(before.has_events for before in befores):
            return "active"
        if self.changes[-1].created:
            hidden = sum(before.hidden_ties for before in befores)
            if traces.requests > sum(len(before.requests) for before in befores):
                return "changed"
            return "active" if traces.has_history or traces.hidden_ties > hidden else None
        before = self.before()
        if any(work.history.traces.get(part, NO_TRACES) != NO_TRACES for part in before.parts):
            return "active"
        former = work.addresses.former
        number = person.customer.number
        if any(former.get((each.after.email_key, number)) != each.after for each in before.addresses):
            return "changed"
        return TAKEN if _is_taken(person, before, work) else None

    def before(self) -> Before:
        """What is to be restored, over all changes: the state before the first of them."""
        found = Before()
        ties: dict[tuple[int, int], TieChange] = {}
        addresses: dict[str, AddressChange] = {}
        for change in self.changes:
            before = change.before or Before()
            found.fields.update(before.fields)
            found.unshown = {**before.unshown, **found.unshown}
            found.consents += before.consents
            found.requests += before.requests
            found.parts += before.parts
            for tie in before.ties:
                key = (tie.relation, tie.item)
                ties[key] = TieChange(*key, tie.before, ties[key].after if key in ties else tie.after)
            for each in before.addresses:
                key_of_address = each.after.email_key
                newest = addresses.get(key_of_address, each).after
                addresses[key_of_address] = AddressChange(each.before, newest)
        found.ties, found.addresses = list(ties.values()), list(addresses.values())
        return found


class UndoImports(Struct, frozen=True):
    """UndoImport for several customers, who may have each other's addresses and customer_ids.

    Those that give one up and those that get it back are renamed in one step. `parts` of the outcome has the outcome
    of each.
    """

    undos: tuple[UndoImport, ...]

    def declare(self, needs: Needs) -> None:
        """What each of them needs."""
        for each in self.undos:
            each.declare(needs)

    def weight(self) -> int:
        """The weight of all of them."""
        return sum(1 + each.weight() for each in self.undos)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Take away the identifiers of all who can get their former ones, then undo each."""
        former = self._former(work)
        while blocked := _blocked(former, work):
            for number in blocked:
                del former[number]
        for number, had in former.items():
            person = work.people.by_number[number]
            work.people.restore_identity(person, _common(person.customer, had))
        parts = tuple(each.rule(work, limits) for each in self.undos)
        return Outcome(parts[-1].verdict, parts[-1].person, parts=parts)

    def _former(self, work: WorkingSet) -> dict[int, Customer]:
        """Customers with the identifiers that they had, of whom only that stands in the way."""
        found: dict[int, Customer] = {}
        for each in self.undos:
            person = work.people.by_number.get(each.customer)
            if person is not None and each.why_not(person, work) == TAKEN:
                found[each.customer] = _identity(person.customer, each.before())
        return found


def _blocked(former: Mapping[int, Customer], work: WorkingSet) -> list[int]:
    """The customers one of whose former identifiers stays with somebody else, or is also another's former one."""
    taken: set[Who] = set()
    blocked: list[int] = []
    for number, had in former.items():
        wanted = [one for one in (Who(email_key=had.email_key), Who(customer_id=had.customer_id)) if one != Who()]
        is_free = all(
            one not in taken and all(_leaves(former.get(holder), one) for holder in work.people.find(one) - {number})
            for one in wanted
        )
        if is_free:
            taken.update(wanted)
        else:
            blocked.append(number)
    return blocked


def _leaves(had: Customer | None, held: Who) -> bool:
    """Whether a customer who gets these former identifiers back gives up one that it holds."""
    if had is None:
        return False
    return had.email_key != held.email_key if held.email_key is not None else had.customer_id != held.customer_id


def _identity(customer: Customer, before: Before) -> Customer:
    """The identifiers that the customer had."""
    found = new_customer(customer.number, 0)
    for name in _IDENTITY:
        setattr(found, name, before.fields.get(name, getattr(customer, name)))
    return found


def _common(customer: Customer, had: Customer) -> Customer:
    """The identifiers that a customer has and had."""
    found = new_customer(customer.number, 0)
    for name in _IDENTITY:
        if getattr(customer, name) == getattr(had, name):
            setattr(found, name, getattr(had, name))
    return found


def _is_taken(person: Person, before: Before, work: WorkingSet) -> bool:
    """Whether another customer has an identifier that the customer had."""
    had = _identity(person.customer, before)
    found = work.people.find(Who(email_key=had.email_key, customer_id=had.customer_id))
    return bool(found - {person.customer.number}) or any(
        work.people.merged.is_alias(name, getattr(had, name)) for name in ("email_key", "customer_id")
    )


def _restore(person: Person, before: Before, work: WorkingSet) -> None:
    number = person.customer.number
    noted, attributes = len(work.ties.noted), person.customer.attributes
    if before.fields.keys() & set(_IDENTITY):
        work.people.restore_identity(person, _identity(person.customer, before))
    if before.fields:
        customer = work.people.touch(person)
        for name, value in before.fields.items():
            if name in _IDENTITY or (name in before.unshown and getattr(customer, name) != before.unshown[name]):
                continue
            setattr(customer, name, value)
    for tie in before.ties:
        current = person.ties.get((tie.relation, tie.item))
        if current is None or state_of(current) != tie.after:
            continue  # its object was deleted, or another report came, which stays
        relation = BY_CODE[tie.relation]
        if tie.before is None:
            work.ties.remove(person, relation, tie.item)
        else:
            work.ties.settle(person, relation, tie.item, *tie.before)
    note_profile_change(person, work, list(before.fields), noted, before=attributes)
    kept_under = work.people.merged.group(number)
    work.history.undone_consents += [(each, place) for each in kept_under for place in before.consents]
    work.consent_requests.removed.update(before.requests)
    for part in before.parts:
        work.people.remove_part(person, part)
    for each in before.addresses:
        work.addresses.replace(work.addresses.former[each.after.email_key, number], each.before)
