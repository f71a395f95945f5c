"""What a command is, and how it is carried out."""

from typing import Protocol

from regulars.domain.commands.needs import Needs
from regulars.domain.faults import RefusedError
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class Command(Protocol):
    """One thing to do in one site's transaction, with validated input."""

    def declare(self, needs: Needs) -> None:
        """Add the rows that the rule reads to what a batch loads."""

    def weight(self) -> int:
        """How many ties the command names, which is most of what it costs. It bounds the size of a batch."""

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Carry out the command. Raises RefusedError before it changes anything."""


def apply(command: Command, work: WorkingSet, limits: Limits) -> Outcome:
    """Carry out one command. A broken rule comes back as the outcome's refusal, with the working set as it was."""
    try:
        return command.rule(work, limits)
    except RefusedError as refusal:
        return Outcome(refusal=refusal)
