"""Dry runs: what the batches of a file would come to one after the other, although each is rolled back.

A batch is rehearsed together with what it builds upon: the earlier commands of the file that moved its identifiers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from regulars.domain.commands import Command, Needs, RecordActivity
from regulars.domain.outcome import Outcome
from regulars.domain.working.addresses import Identifier
from regulars.store.ledger import Ledger

MOST_MOVES: Final = 100_000
"""Commands that are kept because others may build upon them."""


class Rehearsal:
    """The dry run of one file.

    A customer is counted as created once, however many batches name it. Of each created customer the hashes of the
    identifiers are kept, of each command that took identifiers from a customer, the command itself.
    """

    def __init__(self, ledger: Ledger, site: int) -> None:
        self._ledger = ledger
        self._site = site
        self._created: set[int] = set()
        self._moves: list[Command] = []
        self._moved: dict[int, set[int]] = {}
        """The places in `_moves` by the hashes of the identifiers that they moved."""

    async def outcomes(self, commands: Sequence[Command]) -> list[Outcome]:
        """The outcomes that the next commands of the file would have. Raises as Ledger.rehearse does."""
        before = [self._moves[place] for place in self._needed(commands)]
        found = await self._ledger.rehearse(self._site, [*before, *commands])
        outcomes = self._settled(found.outcomes[len(before) :])
        for command, outcome in zip(commands, outcomes, strict=True):
            self._note(command, outcome, found.given_up)
        return outcomes

    def _needed(self, commands: Iterable[Command]) -> list[int]:
        """The places of the moves that commands build upon, and of those that these build upon."""
        found: set[int] = set()
        waiting = list(commands) if self._moved else []
        while waiting:
            for name in _names_of(waiting.pop()):
                fresh = self._moved.get(hash(name), set()) - found
                found |= fresh
                waiting += [self._moves[place] for place in fresh]
        return sorted(found)

    def _note(self, command: Command, outcome: Outcome, given_up: Mapping[int, Sequence[Identifier]]) -> None:
        names: set[Identifier] = set()
        parts = outcome.parts or (outcome,)
        done = [part.person.customer for part in parts if part.refusal is None and part.person is not None]
        for customer in done:
            names.update(given_up.get(customer.number, ()))
        is_event = isinstance(command, RecordActivity) and command.activity.profile is not None
        if done and (is_event or len(done) < len(parts)):
            names.update(_names_of(command))  # what was refused, before or of this, is tried again
        if names and len(self._moves) < MOST_MOVES:
            for name in names:
                self._moved.setdefault(hash(name), set()).add(len(self._moves))
            self._moves.append(command)

    def _settled(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes of a batch, in which those whom an earlier batch has created are updated."""
        created: set[int] = set()
        found = [self._once(outcome, created) for outcome in outcomes]
        self._created |= created
        return found

    def _once(self, outcome: Outcome, created: set[int]) -> Outcome:
        if outcome.parts:
            return replace(outcome, parts=tuple(self._once(part, created) for part in outcome.parts))
        if outcome.verdict != "created" or outcome.person is None:
            return outcome
        customer = outcome.person.customer
        named = ("email", customer.email_key), ("customer_id", customer.customer_id)
        names = {hash(name) for name in named if name[1] is not None}
        if not self._created.isdisjoint(names - self._moved.keys()):  # what moved was rehearsed with this
            return replace(outcome, verdict="updated")
        created |= names
        return outcome


def _names_of(command: Command) -> Iterator[Identifier]:
    """The identifiers by which a command names customers."""
    needs = Needs()
    command.declare(needs)
    for who in needs.people:
        if who.email_key is not None:
            yield "email", who.email_key
        if who.customer_id is not None:
            yield "customer_id", who.customer_id
