"""RecordActivity: something happened to a customer."""

from msgspec import Struct

from regulars.domain.activity import Activity
from regulars.domain.activity_rules import apply_activity
from regulars.domain.commands.needs import ConsentNeed, MailNeed, Needs, OrderNeed, TieNeed
from regulars.domain.events import REFERENCE_FIELDS
from regulars.domain.faults import refuse
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.ties import product_relations
from regulars.domain.working import WorkingSet


class RecordActivity(Struct, frozen=True):
    """Record something that happened to a customer, who is created if unknown.

    creates_by_id: whether a customer_id alone, without an address, creates a customer. Otherwise it is refused.
    """

    activity: Activity
    source: str = "event"
    creates_by_id: bool = True

    def declare(self, needs: Needs) -> None:
        """The customer, the objects, the ties that change, and known events, orders and logs."""
        activity = self.activity
        who = activity.who
        if activity.uuid is not None:
            needs.events.add(activity.uuid)
        if activity.profile is not None:
            needs.profile(activity.profile, is_dated=activity.at is not None)
        else:
            needs.people.append(who)
        if activity.consent is not None:
            needs.consents.append(ConsentNeed(who))
        if activity.at is not None:
            needs.happened.append(who)
        if activity.kind.of_address and who.email_key is not None:
            needs.addresses.add(who.email_key)
        if activity.order_id is not None:
            needs.orders.append(OrderNeed(who, activity.name, activity.order_id))
        named = [(REFERENCE_FIELDS[field], reference) for field, reference in activity.references]
        if activity.kind.mail is not None:
            needs.mails.append(MailNeed(who, activity.log_key, tuple(named), activity.at))
        for field, references in self._by_field().items():
            relations = frozenset([rule.relation for rule in activity.rules() if rule.field == field])
            kind = REFERENCE_FIELDS[field]
            needs.tie(TieNeed(who, kind, references, relations, product_relations=product_relations(relations)))

    def _by_field(self) -> dict[str, tuple[Reference, ...]]:
        """The references of each field that affects ties."""
        activity = self.activity
        found: dict[str, tuple[Reference, ...]] = {field: (reference,) for field, reference in activity.references}
        if activity.products:
            found["product_id"] = (*found.get("product_id", ()), *activity.products)
        return found

    def weight(self) -> int:
        """One for each object."""
        return len(self.activity.references) + len(self.activity.products)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `activity_rules`."""
        if not self.creates_by_id:
            self._refuse_unknown_id(work)
        return apply_activity(self.activity, work, limits, source=self.source)

    def _refuse_unknown_id(self, work: WorkingSet) -> None:
        who, uuid = self.activity.who, self.activity.uuid
        is_bare = who.email_key is None and who.customer_id is not None
        if is_bare and uuid not in work.history.seen_uuids and not work.people.find(who):
            detail = "No customer has this customer_id, and the event has no email to create one."
            raise refuse("customer_not_found", "customer_id", detail)
