"""Dry runs: what earlier batches of the same file would have created, as each batch is rolled back."""

from collections.abc import Iterable

from msgspec.structs import replace

from regulars.domain.outcome import Outcome


class Rehearsal:
    """Counts a customer as created once, however many batches of a file name them.

    Of each created customer it keeps the hashes of the identifiers, not the lines.
    """

    def __init__(self) -> None:
        self._created: set[int] = set()

    def settled(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes of a batch, in which those whom an earlier batch has created are updated."""
        created: set[int] = set()
        found = [self._settled(outcome, created) for outcome in outcomes]
        self._created |= created
        return found

    def _settled(self, outcome: Outcome, created: set[int]) -> Outcome:
        if outcome.parts:
            return replace(outcome, parts=tuple(self._settled(part, created) for part in outcome.parts))
        if outcome.verdict != "created" or outcome.person is None:
            return outcome
        customer = outcome.person.customer
        named = ("email", customer.email_key), ("customer_id", customer.customer_id)
        names = {hash(name) for name in named if name[1] is not None}
        if not self._created.isdisjoint(names):
            return replace(outcome, verdict="updated")
        created |= names
        return outcome
