"""The catalogue of events: one line for each name that activity can have, and what it changes.

Every door (the event call, imports, webhooks, relationship calls) reads this catalogue.
"""

from typing import Any, Final

from msgspec import Struct


class Sets(Struct, frozen=True):
    """An event ties the customer, or unties it. `field` names the object; None for a flag of the customer."""

    relation: str
    holds: bool
    field: str | None = None


class Event(Struct, frozen=True, kw_only=True):
    """One kind of activity and what it changes.

    requires: fields that must be there. personal: the customer did it, which moves last_request_at. counts: the
    figure it adds one to. revenue: +1 or -1 when it moves money. moves: "latest" times it moves forward. sets: the
    ties it changes. mail: the status it gives a mail. consent: it starts (True) or ends (False) consent, and why.
    """

    name: str
    meaning: str
    requires: tuple[str, ...] = ()
    personal: bool = False
    counts: str | None = None
    revenue: int = 0
    moves: tuple[str, ...] = ()
    sets: tuple[Sets, ...] = ()
    mail: str | None = None
    consent: tuple[bool, str | None] | None = None


REFERENCE_FIELDS: Final[dict[str, str]] = {
    "broadcast_id": "broadcast",
    "sequence_id": "sequence",
    "template_id": "template",
    "newsletter_id": "newsletter",
    "tag_id": "tag",
    "group_id": "group",
    "offer_id": "offer",
    "product_id": "product",
    "form_id": "form",
    "event_id": "event",
    "assessment_id": "assessment",
    "code": "coupon",
    "coupon": "coupon",
}
"""Fields that name an object, and its kind. `product_ids` lists several of kind product."""

_OWNED: Final = (
    Sets("product.owned", True, "product_id"),
    Sets("product.active", True, "product_id"),
    Sets("product.previously_owned", False, "product_id"),
)

OFFER_PRODUCTS: Final[dict[bool, tuple[Sets, ...]]] = {
    True: _OWNED,
    False: (Sets("product.active", False, "product_id"),),
}
"""What granting (True) or revoking (False) an offer does to each of its products."""

PASSED: Final = (Sets("assessment.passed", True, "assessment_id"), Sets("assessment.failed", False, "assessment_id"))
FAILED: Final = (Sets("assessment.passed", False, "assessment_id"), Sets("assessment.failed", True, "assessment_id"))
NEWSLETTER_LEFT: Final = (
    Sets("newsletter.subscribed", False, "newsletter_id"),
    Sets("newsletter.unsubscribed", True, "newsletter_id"),
)
HARD: Final = (Sets("hard_bouncing", True),)


def _mail(name: str, status: str, meaning: str, **more: Any) -> Event:
    relation = {"sent", "delivered", "opened", "clicked", "bounced", "dropped"} & {status}
    sets = tuple(Sets(f"broadcast.{word}", True, "broadcast_id") for word in relation)
    return Event(name=name, meaning=meaning, mail=status, sets=(*sets, *more.pop("sets", ())), **more)


_CATALOGUE: Final[tuple[Event, ...]] = (
    Event(name="identify", meaning="creates or updates the customer, as POST /customers does"),
    Event(name="view", meaning="a visit", personal=True, counts="lifetime_visits"),
    Event(name="pageload", meaning="a visit", personal=True, counts="lifetime_visits"),
    Event(name="visit", meaning="a visit", personal=True, counts="lifetime_visits"),
    Event(name="search", meaning="kept in the history", personal=True),
    Event(name="add_to_cart", meaning="kept in the history", personal=True),
    Event(name="remove_from_cart", meaning="kept in the history", personal=True),
    Event(name="checkout", meaning="kept in the history", personal=True),
    Event(
        name="purchase",
        meaning="an order and its revenue; its offer is granted, its coupon used; its products and the offer's are "
        "owned and active",
        personal=True,
        counts="lifetime_orders",
        revenue=1,
        moves=("last_purchase_at",),
        sets=(Sets("offer.granted", True, "offer_id"), *_OWNED, Sets("coupon.used", True, "coupon")),
    ),
    Event(name="refund", meaning="takes revenue back from net revenue", requires=("revenue",), revenue=-1),
    Event(name="conversion", meaning="revenue without an order", personal=True, revenue=1, moves=("last_purchase_at",)),
    _mail("email_sent", "sent", "the mail was sent", moves=("last_sent_at",)),
    _mail("email_delivered", "delivered", "the mail was delivered", moves=("last_delivered_at",)),
    _mail("email_deferred", "deferred", "the mail is delayed"),
    _mail("email_dropped", "dropped", "the provider did not try to deliver the mail"),
    _mail("email_failed", "failed_to_send", "the mail could not be sent"),
    _mail("email_opened", "opened", "the mail was opened", moves=("last_opened_at",)),
    _mail(
        "email_clicked",
        "clicked",
        "a link in the mail was clicked, which is also an open",
        moves=("last_clicked_at", "last_opened_at"),
        sets=(Sets("broadcast.opened", True, "broadcast_id"),),
    ),
    _mail("email_bounced", "bounced", "the mail bounced; a hard bounce lasts until the address changes"),
    _mail(
        "email_complained",
        "reported_as_spam",
        "the mail was reported as spam, which ends consent",
        consent=(False, "complaint"),
        sets=(Sets("spam_reported", True),),
    ),
    _mail(
        "email_unsubscribed",
        "unsubscribed",
        "ends consent (opt-out), or only the newsletter that it names",
        consent=(False, "opt_out"),
    ),
    Event(name="subscribed", meaning="consent to marketing mail", consent=(True, None)),
    Event(
        name="unsubscribed",
        meaning="consent ends: cause manual, opt_out, complaint or bounce",
        consent=(False, "manual"),
    ),
    Event(
        name="newsletter_subscribed",
        meaning="joins the newsletter",
        requires=("newsletter_id",),
        sets=(
            Sets("newsletter.subscribed", True, "newsletter_id"),
            Sets("newsletter.unsubscribed", False, "newsletter_id"),
        ),
    ),
    Event(
        name="newsletter_unsubscribed",
        meaning="leaves the newsletter",
        requires=("newsletter_id",),
        sets=(
            Sets("newsletter.subscribed", False, "newsletter_id"),
            Sets("newsletter.unsubscribed", True, "newsletter_id"),
        ),
    ),
    Event(
        name="sequence_subscribed",
        meaning="enters the sequence",
        requires=("sequence_id",),
        sets=(Sets("sequence.subscribed", True, "sequence_id"),),
    ),
    Event(
        name="sequence_unsubscribed",
        meaning="leaves the sequence",
        requires=("sequence_id",),
        sets=(Sets("sequence.subscribed", False, "sequence_id"),),
    ),
    Event(name="tag_added", meaning="has the tag", requires=("tag_id",), sets=(Sets("tag.has", True, "tag_id"),)),
    Event(
        name="tag_removed",
        meaning="has the tag no more",
        requires=("tag_id",),
        sets=(Sets("tag.has", False, "tag_id"),),
    ),
    Event(
        name="group_joined",
        meaning="is in the group",
        requires=("group_id",),
        sets=(Sets("group.member", True, "group_id"),),
    ),
    Event(
        name="group_left",
        meaning="is in the group no more",
        requires=("group_id",),
        sets=(Sets("group.member", False, "group_id"),),
    ),
    Event(
        name="offer_granted",
        meaning="was granted the offer; its products are owned and active",
        requires=("offer_id",),
        sets=(Sets("offer.granted", True, "offer_id"),),
    ),
    Event(
        name="offer_revoked",
        meaning="the offer was revoked; its products are owned, not active",
        requires=("offer_id",),
        sets=(Sets("offer.granted", False, "offer_id"),),
    ),
    Event(name="product_granted", meaning="owns the product, active", requires=("product_id",), sets=_OWNED),
    Event(
        name="product_deactivated",
        meaning="owns the product, not active",
        requires=("product_id",),
        sets=(
            Sets("product.owned", True, "product_id"),
            Sets("product.active", False, "product_id"),
            Sets("product.previously_owned", False, "product_id"),
        ),
    ),
    Event(name="product_reactivated", meaning="owns the product, active again", requires=("product_id",), sets=_OWNED),
    Event(
        name="product_removed",
        meaning="owned the product and no longer does",
        requires=("product_id",),
        sets=tuple(Sets(rule.relation, not rule.holds, rule.field) for rule in _OWNED),
    ),
    Event(
        name="coupon_used",
        meaning="used the coupon",
        requires=("code",),
        personal=True,
        sets=(Sets("coupon.used", True, "code"),),
    ),
    Event(
        name="form_submitted",
        meaning="submitted the form",
        requires=("form_id",),
        personal=True,
        sets=(Sets("form.submitted", True, "form_id"),),
    ),
    Event(
        name="event_registered",
        meaning="registered for the event",
        requires=("event_id",),
        personal=True,
        sets=(Sets("event.registered", True, "event_id"),),
    ),
    Event(
        name="event_unregistered",
        meaning="withdrew from the event",
        requires=("event_id",),
        sets=(Sets("event.registered", False, "event_id"),),
    ),
    Event(
        name="assessment_completed",
        meaning="completed the assessment, and passed or failed it; the latest outcome counts",
        requires=("assessment_id",),
        personal=True,
        sets=(Sets("assessment.completed", True, "assessment_id"),),
    ),
    Event(name="hidden", meaning="is left out of lists", sets=(Sets("hidden", True),)),
    Event(name="unhidden", meaning="is in lists again", sets=(Sets("hidden", False),)),
    Event(name="suppressed", meaning="is excluded from marketing mail as risky", sets=(Sets("suppressed", True),)),
    Event(name="unsuppressed", meaning="is no longer excluded", sets=(Sets("suppressed", False),)),
)

EVENTS: Final[dict[str, Event]] = {event.name: event for event in _CATALOGUE}
UNKNOWN: Final = Event(name="", meaning="kept in the history, changes nothing else", personal=True)
