"""The interface of commands, and how they are executed."""

from typing import Protocol

from regulars.domain.commands.needs import Needs
from regulars.domain.erasure import ErasedError, count_ignored
from regulars.domain.faults import RefusedError
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class Command(Protocol):
    """One write in a site's transaction, with validated input."""

    def declare(self, needs: Needs) -> None:
        """Add the rows that the rule reads to those that the batch loads."""

    def weight(self) -> int:
        """The number of ties that the command names, which is most of its cost. It limits the size of a batch."""

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Execute the command. Raises RefusedError before it changes anything."""


def apply(command: Command, work: WorkingSet, limits: Limits) -> Outcome:
    """Execute one command. If it breaks a rule, the outcome has the refusal and the working set is unchanged.

    What names an erased person is counted and ignored.
    """
    try:
        return command.rule(work, limits)
    except ErasedError as erased:
        count_ignored(erased, work)
        return Outcome("ignored")
    except RefusedError as refusal:
        return Outcome(refusal=refusal)
