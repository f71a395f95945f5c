"""Ties to objects: what events change, and the events that relationship calls correspond to.

A relationship call does what two events of the catalogue do: one that adds the tie and one that ends it. If there is no
event that ends it, the relation is something that happened and cannot be undone.
"""

from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct

from regulars.domain.customer import Person
from regulars.domain.events import EVENTS, OFFER_PRODUCTS, Event, Sets
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.working import WorkingSet

OFFER: Final = "offer.granted"
"""The relation from which others follow: those to the products of the offer."""


class Relationship(Struct, frozen=True):
    """A relation that calls may name, and the events (None: there is none) that tie and untie it."""

    relation: str
    added: str | None
    removed: str | None

    def event(self, holds: bool) -> Event:
        """The event that a change to `holds` is. Only for changes that there is an event for."""
        name = self.added if holds else self.removed
        assert name is not None
        return EVENTS[name]

    def rules(self, holds: bool) -> tuple[Sets, ...]:
        """The ties that a change to `holds` makes."""
        return self.event(holds).sets

    def relations(self) -> frozenset[str]:
        """Every relation to its object that a call may change."""
        events = [EVENTS[name] for name in (self.added, self.removed) if name is not None]
        return frozenset(rule.relation for event in events for rule in event.sets)


RELATIONSHIPS: Final = {
    each.relation: each
    for each in (
        Relationship("tag.has", "tag_added", "tag_removed"),
        Relationship("group.member", "group_joined", "group_left"),
        Relationship(OFFER, "offer_granted", "offer_revoked"),
        Relationship("product.owned", "product_granted", "product_removed"),
        Relationship("newsletter.subscribed", "newsletter_subscribed", "newsletter_unsubscribed"),
        Relationship("sequence.subscribed", "sequence_subscribed", "sequence_unsubscribed"),
        Relationship("event.registered", "event_registered", "event_unregistered"),
        Relationship("form.submitted", "form_submitted", None),
        Relationship("assessment.completed", "assessment_completed", None),
        Relationship("coupon.used", "coupon_used", None),
        Relationship("broadcast.sent", None, None),
    )
}
"""One relationship for each kind of object that customers are tied to. Only mails change those to broadcasts."""


def product_relations(relations: Collection[str]) -> frozenset[str]:
    """The relations to an offer's products that change with some of these to the offer."""
    if OFFER not in relations:
        return frozenset()
    return frozenset(rule.relation for rules in OFFER_PRODUCTS.values() for rule in rules)


def apply_sets(
    rules: Iterable[Sets], person: Person, work: WorkingSet, number: int, at: int, report: ReportKind
) -> bool:
    """Tie a customer to an object, or untie it, as rules say; True if a tie now holds, or fails, that did not before.

    An offer takes its products along, as they are now.
    """
    changed = False
    for rule in rules:
        changed |= work.ties.report(person, BY_NAME[rule.relation], number, rule.holds, at, report)
        if rule.relation == OFFER:
            for product in sorted(work.objects.products_of.get(number, ())):
                changed |= apply_sets(OFFER_PRODUCTS[rule.holds], person, work, product, at, report)
    return changed
