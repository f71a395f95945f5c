"""The catalogue of events: one row per event with its fields and what it changes.

The event call, imports, webhooks and relationship calls all use it.
"""

from typing import Any, Final

from msgspec import Struct


class Sets(Struct, frozen=True):
    """A tie that an event sets or ends. `field` names the object; None for a flag of the customer."""

    relation: str
    holds: bool
    field: str | None = None


class When(Struct, frozen=True):
    """Ties that an event changes only when a field has a value (None: any).

    instead_of_consent: the event then does not affect consent.
    """

    field: str
    value: str | bool | None
    sets: tuple[Sets, ...]
    instead_of_consent: bool = False


class Event(Struct, frozen=True, kw_only=True):
    """One event: the fields it reads, and what it changes.

    requires: required fields. optional: fields that it reads in addition to those implied by the rest of the row.
    profile: its body is that of an upsert. personal: the customer did it, which updates last_request_at. counts: the
    figure it adds one to. revenue: +1 or -1 when it moves money. moves: "latest" times it moves forward. sets: the
    ties it changes. conditional: ties that depend on the value of a field. mail: the status it gives an email.
    consent: it gives (True) or ends (False) consent, and why. of_address: its flags, times and consent belong to the
    address that it names, and change only while that is the customer's.
    """

    name: str
    meaning: str
    requires: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    profile: bool = False
    personal: bool = False
    counts: str | None = None
    revenue: int = 0
    moves: tuple[str, ...] = ()
    sets: tuple[Sets, ...] = ()
    conditional: tuple[When, ...] = ()
    mail: str | None = None
    consent: tuple[bool, str | None] | None = None
    of_address: bool = False

    @property
    def concerns_email(self) -> bool:
        """Whether it is about an email, consent or a subscription, so that the id of an email may name the customer."""
        return self.mail is not None or self.of_address or bool(self._subscribes())

    @property
    def has_evidence(self) -> bool:
        """Whether it gives or ends a consent or a subscription to a newsletter, which leaves evidence."""
        return self.consent is not None or "newsletter_id" in self.requires

    @property
    def is_late(self) -> bool:
        """Whether it reports what became of an email, or the end of a consent or subscription.

        Only somebody who was there before can be the customer: a new one gets an email, or subscribes.
        """
        return self.mail is not None or self.of_address or self._subscribes() == {False}

    def _subscribes(self) -> set[bool]:
        """Whether it begins (True) or ends (False) a consent or subscription."""
        found = {rule.holds for rule in self.sets if rule.relation in _SUBSCRIPTIONS}
        return found if self.consent is None else {*found, self.consent[0]}

    def references(self) -> set[str]:
        """The fields that name an object, one each."""
        found = {rule.field for rule in self.sets if rule.field is not None}
        found.update(when.field for when in self.conditional if when.field in REFERENCE_FIELDS)
        return found.union(MAIL_REFERENCES) if self.mail else found


_SUBSCRIPTIONS: Final = frozenset({"newsletter.subscribed", "sequence.subscribed"})

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

MAIL_REFERENCES: Final = ("broadcast_id", "sequence_id", "template_id")
"""Fields that say what an email was sent for."""

SPELLINGS: Final = {"revenue": ("revenue", "amount")}
"""Fields with several names; the first one present counts."""

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

_NEWSLETTER_LEFT: Final = (
    Sets("newsletter.subscribed", False, "newsletter_id"),
    Sets("newsletter.unsubscribed", True, "newsletter_id"),
)


def _outcome(passed: bool) -> When:
    """The latest result of an assessment counts."""
    rules = Sets("assessment.passed", passed, "assessment_id"), Sets("assessment.failed", not passed, "assessment_id")
    return When("passed", passed, rules)


def _mail(name: str, status: str, meaning: str, **more: Any) -> Event:
    relation = {"sent", "delivered", "opened", "clicked", "bounced", "dropped"} & {status}
    sets = tuple(Sets(f"broadcast.{word}", True, "broadcast_id") for word in relation)
    return Event(name=name, meaning=meaning, mail=status, sets=(*sets, *more.pop("sets", ())), **more)


_CATALOGUE: Final[tuple[Event, ...]] = (
    Event(name="identify", meaning="creates or updates the customer, like POST /customers", profile=True),
    Event(name="view", meaning="a visit", personal=True, counts="lifetime_visits"),
    Event(name="pageload", meaning="a visit", personal=True, counts="lifetime_visits"),
    Event(name="visit", meaning="a visit", personal=True, counts="lifetime_visits"),
    Event(name="search", meaning="stored in the history", personal=True),
    Event(name="add_to_cart", meaning="stored in the history", personal=True),
    Event(name="remove_from_cart", meaning="stored in the history", personal=True),
    Event(name="checkout", meaning="stored in the history", personal=True),
    Event(
        name="purchase",
        meaning="an order with its revenue; grants its offer, uses its coupon, and makes its products and those of the "
        "offer owned and active",
        optional=("order_id", "product_ids", "currency"),
        personal=True,
        counts="lifetime_orders",
        revenue=1,
        moves=("last_purchase_at",),
        sets=(Sets("offer.granted", True, "offer_id"), *_OWNED, Sets("coupon.used", True, "coupon")),
    ),
    Event(
        name="refund",
        meaning="returns revenue: reduces net revenue",
        requires=("revenue",),
        optional=("order_id", "currency"),
        revenue=-1,
    ),
    Event(
        name="conversion",
        meaning="revenue without an order",
        optional=("currency",),
        personal=True,
        revenue=1,
        moves=("last_purchase_at",),
    ),
    _mail("email_sent", "sent", "the email was sent", moves=("last_sent_at",)),
    _mail("email_delivered", "delivered", "the email was delivered", moves=("last_delivered_at",)),
    _mail("email_deferred", "deferred", "delivery of the email is delayed"),
    _mail("email_dropped", "dropped", "the provider did not try to deliver the email"),
    _mail("email_failed", "failed_to_send", "the email could not be sent"),
    _mail("email_opened", "opened", "the email was opened", moves=("last_opened_at",)),
    _mail(
        "email_clicked",
        "clicked",
        "a link in the email was clicked; also counts as an open",
        moves=("last_clicked_at", "last_opened_at"),
        sets=(Sets("broadcast.opened", True, "broadcast_id"),),
    ),
    _mail(
        "email_bounced",
        "bounced",
        "the email bounced; a hard bounce lasts until the address changes or `bounce_cleared`",
        moves=("bounced_at",),
        conditional=(When("bounce_type", "hard", (Sets("hard_bouncing", True),)),),
        of_address=True,
    ),
    _mail(
        "email_complained",
        "reported_as_spam",
        "the email was reported as spam; ends consent",
        consent=(False, "complaint"),
        sets=(Sets("spam_reported", True), Sets("broadcast.complained", True, "broadcast_id")),
        of_address=True,
    ),
    _mail(
        "email_unsubscribed",
        "unsubscribed",
        "ends consent (opt-out), or only the subscription to the newsletter it names",
        consent=(False, "opt_out"),
        sets=(Sets("broadcast.unsubscribed", True, "broadcast_id"),),
        conditional=(When("newsletter_id", None, _NEWSLETTER_LEFT, instead_of_consent=True),),
    ),
    Event(
        name="subscribed",
        meaning="gives consent to marketing email; after a complaint only with `proof`",
        consent=(True, None),
        conditional=(When("proof", None, (Sets("spam_reported", False), Sets("suppressed", False))),),
    ),
    Event(
        name="unsubscribed",
        meaning="ends consent; cause: manual, opt_out, complaint or bounce",
        optional=("cause",),
        consent=(False, "manual"),
    ),
    Event(
        name="newsletter_subscribed",
        meaning="subscribed to the newsletter",
        requires=("newsletter_id",),
        sets=(
            Sets("newsletter.subscribed", True, "newsletter_id"),
            Sets("newsletter.unsubscribed", False, "newsletter_id"),
        ),
    ),
    Event(
        name="newsletter_unsubscribed",
        meaning="unsubscribed from the newsletter",
        requires=("newsletter_id",),
        sets=_NEWSLETTER_LEFT,
    ),
    Event(
        name="sequence_subscribed",
        meaning="entered the sequence",
        requires=("sequence_id",),
        sets=(Sets("sequence.subscribed", True, "sequence_id"),),
    ),
    Event(
        name="sequence_unsubscribed",
        meaning="left the sequence",
        requires=("sequence_id",),
        sets=(Sets("sequence.subscribed", False, "sequence_id"),),
    ),
    Event(name="tag_added", meaning="has the tag", requires=("tag_id",), sets=(Sets("tag.has", True, "tag_id"),)),
    Event(
        name="tag_removed",
        meaning="no longer has the tag",
        requires=("tag_id",),
        sets=(Sets("tag.has", False, "tag_id"),),
    ),
    Event(
        name="group_joined",
        meaning="joined the group",
        requires=("group_id",),
        sets=(Sets("group.member", True, "group_id"),),
    ),
    Event(
        name="group_left",
        meaning="left the group",
        requires=("group_id",),
        sets=(Sets("group.member", False, "group_id"),),
    ),
    Event(
        name="offer_granted",
        meaning="was granted the offer; its products become owned and active",
        requires=("offer_id",),
        sets=(Sets("offer.granted", True, "offer_id"),),
    ),
    Event(
        name="offer_revoked",
        meaning="lost the offer; its products stay owned but become inactive",
        requires=("offer_id",),
        sets=(Sets("offer.granted", False, "offer_id"),),
    ),
    Event(
        name="product_granted", meaning="owns the product, with active access", requires=("product_id",), sets=_OWNED
    ),
    Event(
        name="product_deactivated",
        meaning="owns the product, without active access",
        requires=("product_id",),
        sets=(
            Sets("product.owned", True, "product_id"),
            Sets("product.active", False, "product_id"),
            Sets("product.previously_owned", False, "product_id"),
        ),
    ),
    Event(
        name="product_reactivated",
        meaning="owns the product, with active access again",
        requires=("product_id",),
        sets=_OWNED,
    ),
    Event(
        name="product_removed",
        meaning="no longer owns the product",
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
        conditional=(_outcome(True), _outcome(False)),
    ),
    Event(name="hidden", meaning="is excluded from lists", sets=(Sets("hidden", True),)),
    Event(name="unhidden", meaning="is included in lists again", sets=(Sets("hidden", False),)),
    Event(
        name="bounce_cleared",
        meaning="the address accepts email again: ends its hard bounce",
        sets=(Sets("hard_bouncing", False),),
        of_address=True,
    ),
    Event(name="suppressed", meaning="is excluded from marketing email as risky", sets=(Sets("suppressed", True),)),
    Event(name="unsuppressed", meaning="is no longer excluded", sets=(Sets("suppressed", False),)),
)

EVENTS: Final[dict[str, Event]] = {event.name: event for event in _CATALOGUE}
UNKNOWN: Final = Event(name="", meaning="stored in the history; changes nothing else", personal=True)
