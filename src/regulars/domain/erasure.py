"""Erased persons: what names one is answered, counted and kept nowhere."""

from regulars.domain.address_rules import bury, identifiers_of
from regulars.domain.customer import Person
from regulars.domain.identity import Who
from regulars.domain.working import WorkingSet
from regulars.domain.working.addresses import Identifier, Tombstone
from regulars.domain.working.erasures import Erasure


class ErasedError(Exception):
    """A command names somebody who was erased, by these identifiers. It must change nothing."""

    def __init__(self, identifiers: list[Identifier]) -> None:
        self.identifiers = identifiers


def refuse_erased(who: Who, work: WorkingSet) -> None:
    """Raise ErasedError if an identifier is of somebody who was erased, and nobody has it now."""
    stones = work.addresses.tombstones
    if not stones:
        return
    erased = [
        each
        for each in identifiers_of(who)
        if each in stones and stones[each].erased_at is not None and not work.people.knows(each)
    ]
    if erased:
        raise ErasedError(erased)


def count_ignored(error: ErasedError, work: WorkingSet) -> None:
    """Count what was ignored, at the tombstones that it met."""
    for identifier in error.identifiers:
        stone = work.addresses.tombstones[identifier]
        stone.ignored = (stone.ignored or 0) + 1
        work.addresses.bury(identifier, stone)


def erase(who: Who, person: Person | None, reason: str | None, work: WorkingSet) -> None:
    """Erase a customer with all that were merged into it, and what is kept of the address in `who`.

    An address that the customer had and somebody else has now is theirs.
    """
    identifiers = set(identifiers_of(who))
    numbers = [] if person is None else work.people.merged.group(person.customer.number)
    for number in numbers:
        row = work.people.row(number)
        identifiers.update(identifiers_of(Who(email_key=row.email_key, customer_id=row.customer_id)))
        identifiers.update(
            ("email", former.email_key)
            for former in work.addresses.had_by(number)
            if not work.people.find(Who(email_key=former.email_key)).difference(numbers)
        )
    if person is not None:
        bury(person, work)
    for identifier in sorted(identifiers):
        stone = work.addresses.tombstones.get(identifier, Tombstone(work.now))
        stone.deleted_at = stone.erased_at = work.now
        work.addresses.bury(identifier, stone)
    for number in numbers:
        work.erased.add(number)
        work.history.erase(number)
        work.drips.cancel([mail for mail in work.drips.pending.values() if mail.customer == number])
    if person is not None:
        work.delete(person)
    work.erased_addresses.update(text for kind, text in identifiers if kind == "email")
    actor = work.origin.actor
    work.erasures.append(
        Erasure(
            reason, actor.channel, actor.number, int(person is not None), tuple(numbers), tuple(sorted(identifiers))
        )
    )


def lift(who: Who, work: WorkingSet) -> bool:
    """Let identifiers be used again; True if one of them was of somebody who was erased."""
    lifted = False
    for identifier in identifiers_of(who):
        stone = work.addresses.tombstones.get(identifier)
        if stone is not None and stone.erased_at is not None:
            stone.erased_at = None
            work.addresses.bury(identifier, stone)
            lifted = True
    return lifted
