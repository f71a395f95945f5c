"""Reassign: what was refused because another customer has the identifiers, retried together."""

import msgspec
from msgspec import Struct

from regulars.domain.commands.command import Command, apply
from regulars.domain.commands.needs import Needs
from regulars.domain.commands.record_activity import RecordActivity
from regulars.domain.commands.upsert import Upsert
from regulars.domain.commands.upsert_group import UpsertGroup
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile import Profile
from regulars.domain.upsert_rules import Move, refuse_upsert, rename_together
from regulars.domain.working import WorkingSet

_TAKEN = ("identity_conflict", "address_taken")

Handover = Upsert | RecordActivity
"""What may give a customer the identifier of another: an upsert, or an `identify` event."""


class Reassign(Struct, frozen=True):
    """Upserts, grouped by customer, and `identify` events that move identifiers from one customer to another.

    Customers named by uuid or customer_id may swap addresses or exchange them in a ring: those that give one up
    and those that take it are renamed in one step. Then each group is executed. `parts` of the outcome has the
    outcome of each of them, group by group. An event is a group of its own.
    """

    groups: tuple[tuple[Handover, ...], ...]

    def declare(self, needs: Needs) -> None:
        """What each of them needs."""
        for group in self.groups:
            for command in group:
                command.declare(needs)

    def weight(self) -> int:
        """The weight of all of them."""
        return sum(4 + command.weight() for group in self.groups for command in group)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Rename the customers who can be renamed, then execute the groups."""
        moves = _moves([command for group in self.groups for command in group], work, limits)
        rename_together(list(moves.values()), work)
        parts: list[Outcome] = []
        for group in self.groups:
            upserts = tuple(command for command in group if isinstance(command, Upsert))
            done = apply(UpsertGroup(upserts), work, limits).parts if upserts else ()
            done += tuple(apply(command, work, limits) for command in group if not isinstance(command, Upsert))
            parts.extend(_renamed(part, moves) for part in done)
        return Outcome(parts[-1].verdict, parts[-1].person, parts=tuple(parts))


def is_taken(outcome: Outcome) -> bool:
    """Whether a command, or part of it, was refused because another customer has one of its identifiers."""
    return any(one.refusal is not None and one.refusal.code in _TAKEN for one in (outcome.parts or (outcome,)))


def handovers(command: Command) -> tuple[Handover, ...]:
    """The parts of a command that `Reassign` can retry; none if it names no new identifiers."""
    if isinstance(command, UpsertGroup):
        return command.upserts
    return (command,) if isinstance(command, Upsert | RecordActivity) and profile_of(command) is not None else ()


def profile_of(command: Handover) -> Profile | None:
    """The profile of an upsert or an `identify` event; None for other events."""
    return command.profile if isinstance(command, Upsert) else command.activity.profile


class LastNames:
    """Who of the customers of a file or call got an address by an `identify` event, and where the last of these stands.

    An event that was refused is not retried if a later one has given the customer another address.
    """

    def __init__(self) -> None:
        self._places: dict[object, int] = {}

    def note(self, command: Command, place: int) -> None:
        """Note an event that was accepted. place: its position; a later event has a greater one."""
        if not isinstance(command, RecordActivity) or (profile := command.activity.profile) is None:
            return
        key = _strongest(profile.who)
        if key is not None and profile.who.email_key is not None:
            self._places[key] = place

    def outdates(self, command: Command, place: int) -> bool:
        """Whether a later event has given the customer an address."""
        if not isinstance(command, RecordActivity) or (profile := command.activity.profile) is None:
            return False
        return self._places.get(_strongest(profile.who), -1) > place


def _strongest(who: Who) -> object:
    return who.uuid or who.customer_id


def later_of(first: Outcome, again: Outcome) -> Outcome:
    """The outcome of an upsert that was executed twice: the second run does not undo the first."""
    if first.refusal is None and again.refusal is None and again.verdict == "unchanged":
        return msgspec.structs.replace(again, verdict=first.verdict)
    return first if first.refusal is None and again.refusal is not None else again


def _moves(commands: list[Handover], work: WorkingSet, limits: Limits) -> dict[int, Move]:
    """The new identifiers, by customer number, that all of these customers can get at once."""
    moves: dict[int, Who] = {}
    times: dict[int, int] = {}
    refused: set[int] = set()
    for command in commands:
        profile = profile_of(command)
        if profile is None:
            continue
        who = profile.who
        number = _named(who, work)
        if number is None or profile.forget_customer_id:
            continue
        person = work.people.by_number[number]
        customer = person.customer
        if isinstance(command, Upsert):
            if command.new:
                continue
            at = work.now
        else:
            activity = command.activity
            at = work.now if activity.at is None else min(activity.at, work.now)
            if activity.uuid in work.history.seen_uuids or at < max(customer.updated_at, times.get(number, 0)):
                continue  # a repeat, or too late to change more than empty fields
        try:
            refuse_upsert(profile, customer, work, limits)
        except RefusedError:
            refused.add(number)
        times[number] = at
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
    return {number: Move(work.people.by_number[number], who, times[number]) for number, who in moves.items()}


def _blocked(moves: dict[int, Who], work: WorkingSet) -> list[int]:
    """The customers whose new identifier stays with its owner, or is taken by another of the moves."""
    taken: set[Who] = set()
    blocked: list[int] = []
    for number, who in moves.items():
        for one in (Who(email_key=who.email_key), Who(customer_id=who.customer_id)):
            if one == Who():
                continue
            holders = work.people.find(one) - {number}
            kind, value = ("email_key", one.email_key) if one.customer_id is None else ("customer_id", one.customer_id)
            if (
                one in taken
                or work.people.merged.is_alias(kind, value)
                or any(not _gives_up(moves.get(holder), one) for holder in holders)
            ):
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


def _renamed(part: Outcome, moves: dict[int, Move]) -> Outcome:
    """An upsert whose identifiers were moved beforehand counts as a change all the same."""
    is_unchanged = part.refusal is None and part.verdict == "unchanged"
    if is_unchanged and part.person is not None and part.person.customer.number in moves:
        return msgspec.structs.replace(part, verdict="updated")
    return part
