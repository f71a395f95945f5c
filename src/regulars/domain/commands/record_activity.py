"""RecordActivity: something happened to a customer."""

from msgspec import Struct

from regulars.domain.activity import Activity
from regulars.domain.activity_rules import apply_activity
from regulars.domain.anonymous import name_visitor, record_anonymous
from regulars.domain.commands.activity_needs import declare_activity
from regulars.domain.commands.needs import Needs
from regulars.domain.faults import refuse
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet


class RecordActivity(Struct, frozen=True):
    """Record something that happened to a customer, who is created if unknown.

    creates_by_id: whether a customer_id alone, without an address, creates a customer. Otherwise it is refused.
    """

    activity: Activity
    source: str = "event"
    creates_by_id: bool = True

    def declare(self, needs: Needs) -> None:
        """What the activity needs of its customer; of an anonymous one, whose its cookie or device is."""
        activity = self.activity
        if activity.anonymous is not None:
            needs.visitors.update(activity.visitor)
            needs.anonymous.append(activity)
            return
        needs.name(activity.visitor, activity.who)
        declare_activity(activity, activity.who, needs)

    def weight(self) -> int:
        """One for each object."""
        return len(self.activity.references) + len(self.activity.products)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `activity_rules` and `anonymous`."""
        if not self.creates_by_id:
            self._refuse_unknown_id(work)
        activity = self.activity
        if activity.anonymous is not None:
            return record_anonymous(activity, work, limits, source=self.source)
        outcome = apply_activity(activity, work, limits, source=self.source)
        if activity.visitor and outcome.person is not None:
            name_visitor(activity.visitor, outcome.person, activity.at, work, limits)
        return outcome

    def _refuse_unknown_id(self, work: WorkingSet) -> None:
        who, uuid = self.activity.who, self.activity.uuid
        is_bare = who.email_key is None and who.customer_id is not None
        if is_bare and uuid not in work.history.seen_uuids and not work.people.find(who):
            detail = "No customer has this customer_id, and the event has no email to create one."
            raise refuse("customer_not_found", "customer_id", detail)
