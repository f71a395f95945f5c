"""SubmitForm: what somebody entered into a form goes to the customer, and the submission to the history."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.commands.record_activity import RecordActivity
from regulars.domain.commands.upsert import Upsert
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class SubmitForm(Struct, frozen=True):
    """Create or update a customer and record the event `form_submitted` of it: both or neither."""

    upsert: Upsert
    submission: RecordActivity

    def declare(self, needs: Needs) -> None:
        """What both need."""
        self.upsert.declare(needs)
        self.submission.declare(needs)

    def weight(self) -> int:
        """That of both."""
        return self.upsert.weight() + self.submission.weight()

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """The upsert, which refuses what is wrong; then the event. The outcome is that of the upsert."""
        outcome = self.upsert.rule(work, limits)
        self.submission.rule(work, limits)
        return outcome
