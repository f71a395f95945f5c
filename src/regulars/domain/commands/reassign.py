"""Reassign: upserts that were refused because another customer has their identifiers, retried together."""

import msgspec
from msgspec import Struct

from regulars.domain.commands.command import apply
from regulars.domain.commands.needs import Needs
from regulars.domain.commands.upsert import Upsert
from regulars.domain.commands.upsert_group import UpsertGroup
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.upsert_rules import refuse_upsert, rename_together
from regulars.domain.working import WorkingSet

_TAKEN = ("identity_conflict", "address_taken")


class Reassign(Struct, frozen=True):
    """Upserts, grouped by customer, that move identifiers from one customer to another.

    Customers named by uuid or customer_id may swap addresses or exchange them in a ring: those that give one up
    and those that take it are renamed in one step. Then each group is executed. `parts` of the outcome has the
    outcome of each upsert, group by group.
    """

    groups: tuple[tuple[Upsert, ...], ...]

    def declare(self, needs: Needs) -> None:
        """What each upsert needs."""
        for group in self.groups:
            for upsert in group:
                upsert.declare(needs)

    def weight(self) -> int:
        """The weight of all upserts."""
        return sum(4 + upsert.weight() for group in self.groups for upsert in group)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Rename the customers who can be renamed, then execute the groups."""
        moves = _moves([upsert for group in self.groups for upsert in group], work, limits)
        rename_together([(work.people.by_number[number], who) for number, who in moves.items()], work)
        parts: list[Outcome] = []
        for group in self.groups:
            outcome = apply(UpsertGroup(group), work, limits)
            parts.extend(_renamed(part, moves) for part in outcome.parts)
        return Outcome(parts[-1].verdict, parts[-1].person, parts=tuple(parts))


def is_taken(outcome: Outcome) -> bool:
    """Whether a command, or part of it, was refused because another customer has one of its identifiers."""
    return any(one.refusal is not None and one.refusal.code in _TAKEN for one in (outcome.parts or (outcome,)))


def later_of(first: Outcome, again: Outcome) -> Outcome:
    """The outcome of an upsert that was executed twice: the second run does not undo the first."""
    if first.refusal is None and again.refusal is None and again.verdict == "unchanged":
        return msgspec.structs.replace(again, verdict=first.verdict)
    return first if first.refusal is None and again.refusal is not None else again


def _moves(upserts: list[Upsert], work: WorkingSet, limits: Limits) -> dict[int, Who]:
    """The new identifiers, by customer number, that all of these customers can get at once."""
    moves: dict[int, Who] = {}
    refused: set[int] = set()
    for upsert in upserts:
        who = upsert.profile.who
        number = _named(who, work)
        if number is None or upsert.profile.forget_customer_id or upsert.new:
            continue
        customer = work.people.by_number[number].customer
        try:
            refuse_upsert(upsert.profile, customer, work, limits)
        except RefusedError:
            refused.add(number)
        known = moves.get(number, Who())
        if who.email_key is not None:
            known = Who(who.email, who.email_key, known.customer_id)
        if who.customer_id is not None and who.customer_id != customer.customer_id:
            known = Who(known.email, known.email_key, who.customer_id)
        moves[number] = known
    moves = {
        number: who
        for number, who in moves.items()
        if number not in refused
        and (
            who.customer_id is not None or who.email_key not in (None, work.people.by_number[number].customer.email_key)
        )
    }
    while blocked := _blocked(moves, work):
        for number in blocked:
            del moves[number]
    return moves


def _blocked(moves: dict[int, Who], work: WorkingSet) -> list[int]:
    """The customers whose new identifier stays with its owner, or is taken by another of the moves."""
    taken: set[Who] = set()
    blocked: list[int] = []
    for number, who in moves.items():
        for one in (Who(email_key=who.email_key), Who(customer_id=who.customer_id)):
            if one == Who():
                continue
            holders = work.people.find(one) - {number}
            if one in taken or any(not _gives_up(moves.get(holder), one) for holder in holders):
                blocked.append(number)
                break
            taken.add(one)
    return blocked


def _gives_up(move: Who | None, held: Who) -> bool:
    if move is None:
        return False
    if held.email_key is not None:
        return move.email_key not in (None, held.email_key)
    return move.customer_id not in (None, held.customer_id)


def _named(who: Who, work: WorkingSet) -> int | None:
    """The customer named by the strongest identifier: the uuid, else the customer_id. Addresses may move."""
    if who.uuid is None and who.customer_id is None:
        return None
    found = work.people.find(Who(uuid=who.uuid) if who.uuid is not None else Who(customer_id=who.customer_id))
    return found.pop() if found else None


def _renamed(part: Outcome, moves: dict[int, Who]) -> Outcome:
    """An upsert whose identifiers were moved beforehand counts as a change all the same."""
    is_unchanged = part.refusal is None and part.verdict == "unchanged"
    if is_unchanged and part.person is not None and part.person.customer.number in moves:
        return msgspec.structs.replace(part, verdict="updated")
    return part
