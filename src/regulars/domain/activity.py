"""Activity: everything that happens to a customer, by name, and what each name changes.

One line an event; every door (the event call, imports, webhooks, relationship calls) reads this catalogue.
"""

import hashlib
import re
import uuid as uuids
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.consent import CAUSES
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.identity import Who
from regulars.domain.limits import DEFAULT, Limits
from regulars.domain.moments import SECOND, parse_moment
from regulars.domain.money import parse_cents
from regulars.domain.profile import Profile, parse_profile, parse_who
from regulars.domain.references import Reference, parse_reference
from regulars.domain.text import is_storable

AHEAD: Final = 300 * SECOND
"""How far (ms) a caller's clock may be ahead of ours."""


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

_PASSED: Final = (Sets("assessment.passed", True, "assessment_id"), Sets("assessment.failed", False, "assessment_id"))
_FAILED: Final = (Sets("assessment.passed", False, "assessment_id"), Sets("assessment.failed", True, "assessment_id"))
_NEWSLETTER_LEFT: Final = (
    Sets("newsletter.subscribed", False, "newsletter_id"),
    Sets("newsletter.unsubscribed", True, "newsletter_id"),
)
_HARD: Final = (Sets("hard_bouncing", True),)


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
        meaning="an order and its revenue; its offer is granted, its products are owned and active, its coupon used",
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
        meaning="was granted the offer",
        requires=("offer_id",),
        sets=(Sets("offer.granted", True, "offer_id"),),
    ),
    Event(
        name="offer_revoked",
        meaning="the offer was revoked",
        requires=("offer_id",),
        sets=(Sets("offer.granted", False, "offer_id"),),
    ),
    Event(name="product_granted", meaning="owns the product, active", requires=("product_id",), sets=_OWNED),
    Event(
        name="product_deactivated",
        meaning="owns the product, not active",
        requires=("product_id",),
        sets=(Sets("product.owned", True, "product_id"), Sets("product.active", False, "product_id")),
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
_UNKNOWN: Final = Event(name="", meaning="kept in the history, changes nothing else", personal=True)
_ENVELOPE: Final = frozenset({"event", "timestamp", "event_uuid"})
_ORDERED: Final = frozenset({"purchase", "refund"})
_NUMBER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_UUIDS: Final = uuids.UUID("a54e0ba5-7a2c-4bd5-a7f5-31a9a0a5a1f4")


class Activity(Struct, kw_only=True):
    """One thing that happened, judged and ready to be applied.

    at: when (ms), None for now. uuid: 16 bytes by which a repeat is known. address_key: the address the event names.
    references: which object each field names. amount: cents, never negative. log_key: the id of the mail.
    detail: everything the caller sent beside who and when, as it is kept in the history (JSON text, None if empty).
    """

    name: str
    kind: Event
    who: Who
    at: int | None
    uuid: bytes | None
    references: tuple[tuple[str, Reference], ...] = ()
    products: tuple[Reference, ...] = ()
    amount: int = 0
    order_id: str | None = None
    passed: bool | None = None
    hard: bool = False
    cause: str | None = None
    log_key: str | None = None
    message: str | None = None
    wording: str | None = None
    proof: str | None = None
    detail: str | None = None
    profile: Profile | None = None

    def rules(self) -> tuple[Sets, ...]:
        """The ties to objects and the flags that it changes, with those that its own fields ask for."""
        rules = self.kind.sets
        if self.passed is not None:
            rules += _PASSED if self.passed else _FAILED
        if self.leaves_newsletter:
            rules += _NEWSLETTER_LEFT
        if self.hard:
            rules += _HARD
        return rules

    @property
    def leaves_newsletter(self) -> bool:
        """An unsubscription in a mail that names a newsletter ends that one and leaves consent as it is."""
        return self.name == "email_unsubscribed" and any(field == "newsletter_id" for field, _ in self.references)


def parse_activity(body: Mapping[str, Any], *, now: int, clamp: bool = False, limits: Limits = DEFAULT) -> Activity:
    """Judge one event. `now` (ms) bounds its time: one further ahead is refused, or taken as now with `clamp`.

    Raises RefusedError with every fault found.
    """
    return _Reading(body, limits).read(now, clamp)


class _Reading:
    """One pass over an event, collecting its faults."""

    def __init__(self, body: Mapping[str, Any], limits: Limits) -> None:
        self.body = body
        self.limits = limits
        self.faults: list[Fault] = []

    def read(self, now: int, clamp: bool) -> Activity:
        body = self.body
        name = self.name()
        kind = EVENTS.get(name, _UNKNOWN)
        at = self.time(now, clamp)
        event_uuid = self.text("event_uuid")
        profile = None
        if name == "identify":
            profile = parse_profile(body, limits=self.limits, ignore=_ENVELOPE)
            who = profile.who
        else:
            who = parse_who(body, limits=self.limits)
        references = self.references(kind) if kind is not _UNKNOWN else ()
        activity = Activity(
            name=name,
            kind=kind,
            who=who,
            at=at,
            uuid=None if event_uuid is None else uuid_of(event_uuid),
            references=references,
            products=self.products() if kind.revenue > 0 else (),
            amount=self.amount() if kind.revenue else 0,
            order_id=self.text("order_id") if name in _ORDERED else None,
            passed=self.passed() if name == "assessment_completed" else None,
            hard=name == "email_bounced" and self.bounce_type() == "hard",
            cause=self.cause() if name == "unsubscribed" else (kind.consent[1] if kind.consent else None),
            log_key=(self.text("log_id") or self.text("message_id")) if kind.mail else None,
            message=self.text("message") if kind.mail else None,
            wording=self.text("wording") if kind.consent else None,
            proof=self.text("proof") if kind.consent else None,
            detail=self.detail() if name != "identify" else None,
            profile=profile,
        )
        for field in kind.requires:
            if body.get(field) in (None, "") and not (field == "revenue" and body.get("amount") not in (None, "")):
                self.faults.append(Fault(field, f"is required for the event {name}"))
        if self.faults:
            raise RefusedError("invalid", self.faults)
        return activity

    def name(self) -> str:
        value = self.body.get("event")
        longest = self.limits.event_name
        if (
            isinstance(value, str)
            and 0 < len(value) <= longest
            and "." not in value
            and not any(map(str.isspace, value))
            and value.isprintable()
            and is_storable(value)
            and not _NUMBER.fullmatch(value)
        ):
            return value
        detail = f"must be a name of 1 to {longest} characters without '.' or white space, and not a number"
        raise RefusedError("invalid", (Fault("event", detail),))

    def time(self, now: int, clamp: bool) -> int | None:
        value = self.body.get("timestamp")
        if value is None or value == "":
            return None
        try:
            at = parse_moment(value)
        except ValueError as error:
            self.faults.append(Fault("timestamp", str(error)))
            return None
        if at > now + AHEAD and not clamp:
            self.faults.append(Fault("timestamp", "must not be more than 5 minutes ahead of now"))
        return min(at, now)

    def text(self, field: str) -> str | None:
        value = self.body.get(field)
        if value is None or value == "":
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or len(value) > self.limits.text or not is_storable(value):
            self.faults.append(Fault(field, f"must be text of at most {self.limits.text} characters"))
            return None
        return value

    def references(self, kind: Event) -> tuple[tuple[str, Reference], ...]:
        wanted = {rule.field for rule in kind.sets if rule.field}
        if kind.mail:
            wanted |= {"broadcast_id", "sequence_id", "template_id"}
        if kind.name == "email_unsubscribed":
            wanted.add("newsletter_id")
        found = []
        for field in sorted(wanted):
            value = self.body.get(field)
            if value is None or value == "":
                continue
            try:
                found.append((field, parse_reference(value, REFERENCE_FIELDS[field], longest=self.limits.object_key)))
            except ValueError as error:
                self.faults.append(Fault(field, str(error)))
        return tuple(found)

    def products(self) -> tuple[Reference, ...]:
        value = self.body.get("product_ids")
        if value is None or value == "":
            return ()
        if not isinstance(value, list) or len(value) > self.limits.references:
            self.faults.append(Fault("product_ids", f"must be a list of at most {self.limits.references} product ids"))
            return ()
        found = []
        for place, item in enumerate(value):
            try:
                found.append(parse_reference(item, "product", longest=self.limits.object_key))
            except ValueError as error:
                self.faults.append(Fault(f"product_ids.{place}", str(error)))
        return tuple(dict.fromkeys(found))

    def amount(self) -> int:
        for field in ("revenue", "amount"):
            value = self.body.get(field)
            if value is None or value == "":
                continue
            try:
                cents = parse_cents(value)
            except ValueError as error:
                self.faults.append(Fault(field, str(error)))
                return 0
            if cents < 0:
                self.faults.append(Fault(field, "must not be negative; money that goes back is a refund"))
            return cents
        return 0

    def passed(self) -> bool | None:
        value = self.body.get("passed")
        if value is None or isinstance(value, bool):
            return value
        self.faults.append(Fault("passed", "must be true or false"))
        return None

    def bounce_type(self) -> str:
        value = self.body.get("bounce_type")
        if value is None or value == "":
            return "soft"
        if value in ("hard", "soft"):
            return str(value)
        self.faults.append(Fault("bounce_type", "must be hard or soft"))
        return "soft"

    def cause(self) -> str:
        value = self.body.get("cause")
        if value is None or value == "":
            return "manual"
        if isinstance(value, str) and value in CAUSES:
            return value
        self.faults.append(Fault("cause", f"must be one of {', '.join(CAUSES)}"))
        return "manual"

    def detail(self) -> str | None:
        rest = {key: value for key, value in self.body.items() if key not in _ENVELOPE and key not in _IDENTIFIERS}
        if not rest:
            return None
        try:
            text = msgspec.json.encode(rest)
        except (ValueError, TypeError, OverflowError, RecursionError):
            self.faults.append(Fault("", "the event must be a JSON object of text, numbers, lists and objects"))
            return None
        if len(text) > self.limits.event_detail:
            self.faults.append(Fault("", f"an event must fit in {self.limits.event_detail} bytes"))
        return text.decode()


_IDENTIFIERS: Final = frozenset({"email", "customer_id", "uuid"})


def uuid_of(text: str) -> bytes:
    """The 16 bytes by which a repeat of an event is known: a UUID as it is, any other text by its hash."""
    if len(text) in (32, 36):
        try:
            return uuids.UUID(text).bytes
        except ValueError:
            pass
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=_UUIDS.bytes).digest()
