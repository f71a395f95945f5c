"""UndoMerge: part two customers again."""

from typing import Final

from msgspec import Struct

from regulars.domain.commands.merge_customers import ALONE
from regulars.domain.commands.needs import Needs
from regulars.domain.faults import refuse
from regulars.domain.limits import Limits
from regulars.domain.outcome import Merged, Outcome
from regulars.domain.unmerging import unmerge
from regulars.domain.working import WorkingSet

NOT_KEPT: Final = "What this merge joined is no longer kept, so it cannot be undone."


class UndoMerge(Struct, frozen=True):
    """Undo a merge, by its number. One that is undone already changes nothing."""

    number: int

    def declare(self, needs: Needs) -> None:
        """The merge, both customers, and everything about them."""
        needs.unmerging.add(self.number)

    def weight(self) -> int:
        """It is alone in its transaction, as a merge is."""
        return ALONE

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `unmerging`."""
        record = work.merges.records.get(self.number)
        if record is None:
            raise refuse("merge_not_found", "", "There is no merge with this number.")
        survivor = work.people.by_number.get(record.survivor)
        if record.undone_at is not None:
            return Outcome("unchanged", survivor, merges=(Merged(record.number, record.gone, []),))
        later = work.merges.later.get(self.number)
        if later is not None:
            raise refuse("merge_blocked", str(later), f"Merge {later} came later and must be undone first.")
        if record.body is None or survivor is None or record.gone not in work.people.merged.rows:
            raise refuse("merge_not_kept", "", NOT_KEPT)
        unmerge(record, record.body, work, limits)
        return Outcome("updated", survivor, merges=(Merged(record.number, record.gone, []),))
