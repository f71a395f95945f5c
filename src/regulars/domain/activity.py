"""Activity: one thing that happened to a customer, validated before it is applied."""

import hashlib
import re
import uuid as uuids
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeGuard

import msgspec
from msgspec import Struct

from regulars.domain.consent import CAUSES
from regulars.domain.event_names import BOUNCE_TYPES, as_meant, compact
from regulars.domain.events import EVENTS, REFERENCE_FIELDS, SPELLINGS, UNKNOWN, Event, Sets, When
from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.identity import Who
from regulars.domain.limits import DEFAULT, Limits
from regulars.domain.moments import SECOND, parse_moment
from regulars.domain.money import ALLOWED, decimal_text, read_amount
from regulars.domain.profile import IDENTIFIERS, Profile, parse_profile, parse_who
from regulars.domain.references import Reference, parse_reference
from regulars.domain.site_settings import parse_currency
from regulars.domain.text import INDEXED_BYTES, composed, fits_an_index, is_blank, is_storable
from regulars.domain.visitors import visitor_of

AHEAD: Final = 300 * SECOND
"""How far (ms) a caller's clock may be ahead of ours."""

_SOMEBODY: Final = str(uuids.UUID(int=0))
"""Stands for the customer of an anonymous event while it is judged."""

_ENVELOPE: Final = frozenset({"event", "timestamp", "event_uuid"})
_NUMBER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_MAIL_IDS: Final = ("log_id", "message_id")
_UUIDS: Final = uuids.UUID("a54e0ba5-7a2c-4bd5-a7f5-31a9a0a5a1f4")


class Activity(Struct, kw_only=True):
    """One thing that happened, validated and ready to be applied.

    at: when (ms), None for now. uuid: 16 bytes that identify a repeat. uuid_is_derived: it was made from the content,
    as the caller gave none. at_is_arrival: `at` is the time of arrival, as the caller gave none. address_key: the
    address the event names. references: which object each field names. amount: cents, never negative. currency: of
    the amount, None if it names none. conditions: the event's conditions that its fields meet. log_key: the email's id.
    detail: all other fields that the caller sent, as stored in the history (JSON text, None if empty). visitor: the
    cookie and device that the event names. anonymous: the body (JSON text) of an event that names nothing else.
    warnings: fields that were not stored as sent.
    """

    name: str
    kind: Event
    who: Who
    at: int | None
    uuid: bytes | None
    references: tuple[tuple[str, Reference], ...] = ()
    products: tuple[Reference, ...] = ()
    amount: int = 0
    uuid_is_derived: bool = False
    at_is_arrival: bool = False
    order_id: str | None = None
    conditions: tuple[When, ...] = ()
    cause: str | None = None
    log_key: str | None = None
    message: str | None = None
    email_name: str | None = None
    email_version: str | None = None
    wording: str | None = None
    proof: str | None = None
    detail: str | None = None
    profile: Profile | None = None
    visitor: tuple[tuple[str, str], ...] = ()
    anonymous: str | None = None
    currency: str | None = None
    warnings: tuple[FieldWarning, ...] = ()

    def rules(self) -> tuple[Sets, ...]:
        """The ties and flags that it changes, including those that depend on its fields."""
        rules = self.kind.sets
        for when in self.conditions:
            rules += when.sets
        return rules

    @property
    def consent(self) -> tuple[bool, str | None] | None:
        """Whether it gives or ends consent, and why; None if it does not affect consent."""
        return None if any(when.instead_of_consent for when in self.conditions) else self.kind.consent


def parse_activity(
    body: Mapping[str, Any],
    *,
    now: int,
    clamp: bool = False,
    limits: Limits = DEFAULT,
    strict: bool = False,
    country: str | None = None,
) -> Activity:
    """Validate one event. `now` (ms) bounds its time: one further ahead is refused, or taken as now with `clamp`.

    strict, country: as in `parse_profile`. Raises RefusedError with every fault found.
    """
    body = as_meant(body)
    visitor = visitor_of(body)
    if visitor and _names_nobody(body):
        return _read_anonymous(body, visitor, now=now, clamp=clamp, limits=limits, strict=strict, country=country)
    activity = _Validator(body, limits, strict=strict, country=country).read(now, clamp)
    activity.visitor = () if activity.who.mail is not None else visitor
    return activity


def _names_nobody(body: Mapping[str, Any]) -> bool:
    kind = EVENTS.get(body["event"]) if isinstance(body.get("event"), str) else None
    named = (*IDENTIFIERS, *(_MAIL_IDS if kind is not None and kind.concerns_email else ()))
    return all((value := body.get(name)) is None or is_blank(value) for name in named)


def _read_anonymous(
    body: Mapping[str, Any],
    visitor: tuple[tuple[str, str], ...],
    *,
    now: int,
    clamp: bool,
    limits: Limits,
    strict: bool,
    country: str | None,
) -> Activity:
    """An event of which only the cookie or device is known. Emails and consent are of somebody whom an event names."""
    kind = EVENTS.get(body["event"]) if isinstance(body.get("event"), str) else None
    if kind is not None and (kind.mail is not None or kind.consent is not None):
        raise RefusedError("user_identifier_missing", (Fault("email", "No valid identifier found"),))
    activity = _Validator({**body, "uuid": _SOMEBODY}, limits, strict=strict, country=country).read(now, clamp)
    if activity.profile is not None and activity.profile.unsubscribed is not None:
        raise RefusedError("user_identifier_missing", (Fault("email", "No valid identifier found"),))
    text = msgspec.json.encode(body)
    if len(text) > limits.event_detail:
        raise RefusedError("invalid", (Fault("", f"an event must fit in {limits.event_detail} bytes"),))
    activity.who, activity.visitor, activity.anonymous = Who(), visitor, text.decode()
    return activity


class _Validator:
    """Validates one event and collects its faults."""

    def __init__(self, body: Mapping[str, Any], limits: Limits, *, strict: bool, country: str | None) -> None:
        self.strict = strict
        self.country = country
        self.warnings: tuple[FieldWarning, ...] = ()
        self.body = body
        self.limits = limits
        self.faults: list[Fault] = []
        self.code = "invalid"

    def read(self, now: int, clamp: bool) -> Activity:
        body = self.body
        name = self.name()
        kind = EVENTS.get(name, UNKNOWN)
        at = self.time(now, clamp)
        event_uuid = self.text("event_uuid")
        log_key = self.mail_id(kind)
        profile, who = self.whom(kind, log_key)
        references = self.references(kind)
        amount = self.amount() if kind.revenue else None
        currency = self.currency() if kind.revenue else None
        activity = Activity(
            name=name,
            kind=kind,
            who=who,
            at=at,
            uuid=None if event_uuid is None else uuid_of(event_uuid),
            references=references,
            products=self.products() if "product_ids" in kind.optional else (),
            amount=amount or 0,
            currency=None if amount is None else currency,
            order_id=self.order_id() if "order_id" in kind.optional else None,
            conditions=self.conditions(kind, dict(references)) if kind.conditional else (),
            cause=self.cause() if "cause" in kind.optional else (kind.consent[1] if kind.consent else None),
            log_key=log_key,
            message=self.text("message") if kind.mail else None,
            email_name=self.text("email_name") if kind.mail else None,
            email_version=self.text("email_version") if kind.mail else None,
            wording=self.text("wording") if kind.has_evidence else None,
            proof=self.text("proof") if kind.has_evidence else None,
            detail=None if kind.profile else self.detail(),
            profile=profile,
            warnings=self.warnings,
        )
        for field in kind.requires:
            if all(body.get(spelling) in (None, "") for spelling in SPELLINGS.get(field, (field,))):
                self.faults.append(Fault(field, f"is required for the event {name}"))
        if self.faults:
            raise RefusedError(self.code, self.faults)
        return activity

    def whom(self, kind: Event, log_key: str | None) -> tuple[Profile | None, Who]:
        try:
            if kind.profile:
                profile = parse_profile(
                    self.body, limits=self.limits, ignore=_ENVELOPE, strict=self.strict, country=self.country
                )
                self.warnings += profile.warnings
                return profile, profile.who
            return None, parse_who(self.body, limits=self.limits)
        except RefusedError as refusal:
            if kind.concerns_email and log_key is not None and refusal.code == "user_identifier_missing":
                return None, Who(mail=log_key)
            self.code = refusal.code
            self.faults += refusal.faults
            return None, Who()

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
        self.faults.append(Fault("event", detail))
        return ""

    def time(self, now: int, clamp: bool) -> int | None:
        value = self.body.get("timestamp")
        if value is None or is_blank(value):
            return None
        try:
            at = parse_moment(value)
        except ValueError as error:
            self.faults.append(Fault("timestamp", str(error)))
            return None
        if at <= now + AHEAD:
            return at  # a clock that is a little ahead still tells what came before what
        if not clamp:
            self.faults.append(Fault("timestamp", "must not be more than 5 minutes in the future"))
        return now

    def text(self, field: str) -> str | None:
        value = self.body.get(field)
        if value is None or is_blank(value):
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or len(value) > self.limits.text or not is_storable(value):
            self.faults.append(Fault(field, f"must be text of at most {self.limits.text} characters"))
            return None
        return value

    def mail_id(self, kind: Event) -> str | None:
        """The id of the email that it names. Events that are not about email may use these fields for anything."""
        if not kind.concerns_email:
            found = None if kind.profile else next(filter(None, map(self.body.get, _MAIL_IDS)), None)
            return found if isinstance(found, str) and len(found) <= self.limits.text and is_storable(found) else None
        return next(filter(None, map(self.text, _MAIL_IDS)), None)

    def order_id(self) -> str | None:
        value = self.text("order_id")
        value = None if value is None else composed(value)
        if value is not None and not fits_an_index(value):
            self.faults.append(Fault("order_id", f"must be text of at most {INDEXED_BYTES} bytes of UTF-8"))
        return value

    def references(self, kind: Event) -> tuple[tuple[str, Reference], ...]:
        found = []
        for field in sorted(kind.references()):
            value = self.body.get(field)
            if value is None or is_blank(value):
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

    def amount(self) -> int | None:
        """The amount in cents, None if none is given."""
        for field in SPELLINGS["revenue"]:
            value = self.body.get(field)
            if value is None or is_blank(value):
                continue
            try:
                cents, is_exact = read_amount(value)
            except ValueError as error:
                self.faults.append(Fault(field, str(error)))
                return 0
            if cents < 0:
                self.faults.append(Fault(field, "must not be negative. Report returned money as a refund"))
            if not is_exact and self.strict:
                self.faults.append(Fault(field, ALLOWED))
            elif not is_exact:
                self.warnings += (FieldWarning(field, value, decimal_text(cents), ALLOWED),)
            return cents
        return None

    def currency(self) -> str | None:
        value = self.body.get("currency")
        if value is None or is_blank(value):
            return None
        try:
            return parse_currency(value)
        except ValueError as error:
            self.faults.append(Fault("currency", str(error)))
            return None

    def conditions(self, kind: Event, references: Mapping[str, Reference]) -> tuple[When, ...]:
        """The event's conditions that its fields meet."""
        fields = {when.field for when in kind.conditional}
        values = {field: _READERS[field](self) if field in _READERS else references.get(field) for field in fields}
        return tuple(
            when
            for when in kind.conditional
            if (value := values[when.field]) is not None and when.value in (None, value)
        )

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
        kind = BOUNCE_TYPES.get(compact(value).removesuffix("bounce")) if _is_short(value) else None
        if kind is None:
            self.faults.append(Fault("bounce_type", "must be hard or soft, or permanent or transient"))
        return kind or "soft"

    def cause(self) -> str:
        value = self.body.get("cause")
        if value is None or value == "":
            return "manual"
        if isinstance(value, str) and value in CAUSES:
            return value
        self.faults.append(Fault("cause", f"must be one of {', '.join(CAUSES)}"))
        return "manual"

    def detail(self) -> str | None:
        rest = {key: value for key, value in self.body.items() if key not in _ENVELOPE and key not in IDENTIFIERS}
        if not rest:
            return None
        try:
            text = msgspec.json.encode(rest)
        except (ValueError, TypeError, OverflowError, RecursionError):
            self.faults.append(Fault("", "the event must be a JSON object"))
            return None
        if len(text) > self.limits.event_detail:
            self.faults.append(Fault("", f"an event must fit in {self.limits.event_detail} bytes"))
        return text.decode()


def _is_short(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= 64


_READERS: Final[dict[str, Callable[[_Validator], str | bool | None]]] = {
    "passed": _Validator.passed,
    "bounce_type": _Validator.bounce_type,
    "proof": partial(_Validator.text, field="proof"),
}
"""Parsers for condition fields that do not name an object."""


def uuid_of(text: str) -> bytes:
    """The 16 bytes that identify a repeat of an event: a UUID unchanged, any other text as its hash."""
    if len(text) in (32, 36):
        try:
            return uuids.UUID(text).bytes
        except ValueError:
            pass
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=_UUIDS.bytes).digest()
