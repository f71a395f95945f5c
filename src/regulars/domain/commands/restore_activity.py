"""RestoreActivity and RestoreLog: an event and an email log of an export."""

from msgspec import Struct

from regulars.domain.commands.needs import MailNeed, Needs, OrderNeed
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.restored_activity import (
    RestoredEvent,
    RestoredLog,
    identity_of_gone,
    mail_objects,
    restore_event,
    restore_log,
)
from regulars.domain.working import WorkingSet


class RestoreActivity(Struct, frozen=True):
    """Restore an event of a customer, who must be known."""

    restored: RestoredEvent

    def declare(self, needs: Needs) -> None:
        """The customer, and whether event, order and email are known."""
        _declare_event(self.restored, self.restored.activity.who, needs)

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `restored_activity`."""
        return restore_event(self.restored, work)


class RestoreLog(Struct, frozen=True):
    """Restore an email log with its events. That of a deleted customer stands alone."""

    restored: RestoredLog

    def declare(self, needs: Needs) -> None:
        """The customer, the events and the log."""
        restored = self.restored
        needs.log_identities.add(identity_of_gone(restored.mail))
        if restored.mail.address_key is not None:
            needs.happened.append(Who(email_key=restored.mail.address_key))
        if restored.who is not None:
            needs.people.append(restored.who)
        for event in restored.events:
            if restored.who is not None:
                _declare_event(event, restored.who, needs)
            elif event.activity.uuid is not None:
                needs.events.add(event.activity.uuid)

    def weight(self) -> int:
        """One for each event."""
        return len(self.restored.events)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `restored_activity`."""
        return restore_log(self.restored, work)


def _declare_event(restored: RestoredEvent, who: Who, needs: Needs) -> None:
    activity, mail = restored.activity, restored.mail
    needs.people.append(who)
    if activity.uuid is not None:
        needs.events.add(activity.uuid)
    if activity.order_id is not None:
        needs.orders.append(OrderNeed(who, activity.name, activity.order_id))
    if activity.kind.revenue:
        needs.revenues.append(who)
    if mail is not None and activity.kind.mail is not None:
        objects = mail_objects(activity)
        for kind, reference in objects:
            needs.refer(kind, [reference])
        needs.mails.append(MailNeed(who, mail.key, objects, activity.at, ref=mail.ref))
