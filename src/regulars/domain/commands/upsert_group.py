"""UpsertGroup: upserts of one customer that count as one."""

from msgspec import Struct

from regulars.domain.commands.command import apply
from regulars.domain.commands.needs import Needs
from regulars.domain.commands.upsert import Upsert
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.savepoint import Savepoint
from regulars.domain.working import WorkingSet


class UpsertGroup(Struct, frozen=True):
    """Upserts of one customer that count as one: what they undo among themselves did not happen.

    An import groups a file's lines by customer. If the last of them leaves the customer as the first found it, nothing
    changed, so re-importing the same file is a no-op. Each may be refused alone.
    """

    upserts: tuple[Upsert, ...]

    def declare(self, needs: Needs) -> None:
        """What each upsert needs."""
        for upsert in self.upserts:
            upsert.declare(needs)

    def weight(self) -> int:
        """That of the upserts."""
        return sum(upsert.weight() for upsert in self.upserts)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Carry out the upserts, and take them back if they came to nothing."""
        people = work.people
        named = {number for upsert in self.upserts for number in people.find(upsert.profile.who)}
        # Evidence of consents has times of its own, by which a repeat of it is known already.
        brings_evidence = any(upsert.restored is not None and upsert.restored.consents for upsert in self.upserts)
        one_is_known = len(named) == 1 and not brings_evidence
        savepoint = Savepoint(work, people.by_number[named.pop()]) if one_is_known else None
        parts = tuple(apply(upsert, work, limits) for upsert in self.upserts)
        if savepoint is not None:
            ours = savepoint.person
            touched = [part.person for part in parts if part.refusal is None]
            if all(person is ours for person in touched) and savepoint.is_as_it_was():
                savepoint.undo()
                parts = tuple(
                    part if part.refusal is not None else Outcome("unchanged", ours, kept_back=part.kept_back)
                    for part in parts
                )
        return Outcome(parts[-1].verdict, parts[-1].person, parts=parts)
