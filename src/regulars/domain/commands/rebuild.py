"""Rebuild: reload a site's index."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class Rebuild(Struct, frozen=True):
    """Make every process drop its index of the site and load it again."""

    def declare(self, needs: Needs) -> None:
        """Nothing."""

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Record it in the change record."""
        work.rebuild = True
        return Outcome("updated")
