"""RecordMovements: take in who entered a watched audience and who left it."""

from msgspec import Struct

from regulars.domain.audience_watches import NOT_KEPT, Movement, Watch, advanced
from regulars.domain.audiences import KIND
from regulars.domain.commands.needs import Needs
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class RecordMovements(Struct, frozen=True):
    """Record movements of an audience, with its members after them. Recorded once, however many processes look at it.

    before: the watch to which the movements are relative, None if the members are not kept yet: then they are all
    given. version: that of the audience that was evaluated. Does nothing if either has changed meanwhile. after: the
    watch once all is recorded, with the counts and the revision of `before`; None if more movements follow. members:
    the parts of the membership that changed, by place; empty ones are nobody.
    """

    audience: int
    before: Watch | None
    version: int
    after: Watch | None
    movements: tuple[Movement, ...]
    members: tuple[tuple[int, bytes], ...]

    def declare(self, needs: Needs) -> None:
        """The audience."""
        needs.refer(KIND, (self.audience,))
        needs.audiences.add(self.audience)

    def weight(self) -> int:
        """One for each movement and each part of the membership."""
        return len(self.movements) + len(self.members)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Record, unless somebody else has."""
        audiences = work.audiences
        definition = audiences.definitions.get(self.audience)
        if definition is None or not definition.watched or definition.version != self.version:
            return Outcome("unchanged")
        kept = audiences.watch_of(self.audience)
        if kept != self.before:
            return Outcome("unchanged")
        start = kept or audiences.watches.get(self.audience) or Watch(self.audience, 0, 0, 0, NOT_KEPT, 0, 0, 0)
        watch = advanced(start, self.after, self.movements)
        audiences.record(watch, self.movements, self.members)
        return Outcome("updated")
