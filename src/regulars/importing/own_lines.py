"""Lines of our own exports of customers, which restore what was exported. `exporting/` writes them.

A line with `regulars_id` is one. Everything is validated as if anybody had written it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from regulars.domain.activity import AHEAD
from regulars.domain.consent import CAUSES, Consent
from regulars.domain.consent_requests import LONGEST_SECONDS
from regulars.domain.customer import CONTROL_BUCKETS
from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.fields import PERCENTILES, rules_in
from regulars.domain.identity import Who, parse_address
from regulars.domain.limits import Limits
from regulars.domain.moments import parse_moment
from regulars.domain.objects import OWN_NUMBERS
from regulars.domain.profile import Profile, parse_profile, parse_who
from regulars.domain.references import Reference, parse_reference
from regulars.domain.relations import BY_NAME
from regulars.domain.restored import (
    LATEST_TIMES,
    PROFILE_FIELDS,
    Restored,
    RestoredRequest,
    RestoredSubscription,
    RestoredTie,
)
from regulars.domain.text import is_blank, is_storable, trim, whole_number
from regulars.domain.working.addresses import FormerAddress
from regulars.exporting.customer_columns import ID

PAST: Final = frozenset({"created_at", "updated_at", "bsft_control_bucket", "consents", "tags"})
"""Fields of a customer's line that only an import accepts."""

SOURCE: Final = "import"
"""The source recorded with consent."""

_T = TypeVar("_T")
_TAGGED: Final = "tag.has"
_IDENTITY: Final[tuple[str, ...]] = ("email", "customer_id", "uuid", "custom_attributes", "cookie", "device_id")
_NAMES: Final = ("name", "firstname", "lastname")
_COLUMNS: Final = {column: name for name, column in PERCENTILES.items()}


def is_own(body: dict[str, Any]) -> bool:
    """Whether a line is one of our own exports of customers."""
    return ID in body


def parse_own(
    body: dict[str, Any], now: int, limits: Limits, *, strict: bool = False, country: str | None = None
) -> tuple[Profile, Restored, int]:
    """Read a line of our own export: the profile, what is restored, and how many times were set to now.

    Raises RefusedError with all faults.
    """
    reading = Past(body, now, limits)
    restored = reading.read_own()
    shown: dict[str, Any] = {key: body[key] for key in _IDENTITY if key in body}
    try:
        profile = parse_profile(shown, limits=limits, strict=strict, country=country)
    except RefusedError as refusal:
        raise RefusedError(refusal.code, (*refusal.faults, *reading.faults)) from None
    fields, warnings = _fields(body, limits, country)
    if reading.faults:
        raise RefusedError("invalid", reading.faults)
    profile.fields = fields
    profile.unsubscribed = None  # attributes say nothing here: the ties and the evidence do
    profile.warnings = warnings
    return profile, restored, reading.clamped


def _fields(
    body: dict[str, Any], limits: Limits, country: str | None
) -> tuple[dict[str, Any], tuple[FieldWarning, ...]]:
    """The profile fields of a line. The three names belong together: with one of them, the others are cleared."""
    field_rules, top_rules = rules_in(country)
    rules = {**field_rules, **top_rules}
    fields: dict[str, Any] = {}
    warnings = []
    for field in PROFILE_FIELDS:
        key = _COLUMNS.get(field, field)
        value = body.get(key)
        if value is None or is_blank(value):
            continue
        try:
            fields[field] = rules[key](value, limits)
        except ValueError as error:
            warnings.append(FieldWarning(key, value, None, str(error)))
    if any(name in fields for name in _NAMES):
        fields = {**dict.fromkeys(_NAMES), **fields}
    return fields, tuple(warnings)


def _name_of(reference: Reference, words: list[Any]) -> str | None:
    """The name of a tag that is given as digits, such as "2024": it may be known, and is shown, by it."""
    text = str(reference)
    return text if isinstance(reference, int) and reference not in OWN_NUMBERS and text in words else None


class _Evidence(Struct):
    """One consent in a customer's line. Without a time, it is as of now if it ended, and only believed if not."""

    granted: bool
    at: str | int | float | None = None
    cause: str | None = None
    source: str = SOURCE
    wording: str | None = None
    proof: str | None = None


class _Subscription(_Evidence, kw_only=True):
    """One piece of evidence about a newsletter. deleted: the newsletter is, so the evidence cannot be restored."""

    newsletter: str | int
    name: str | None = None
    deleted: bool = False


class _Request(Struct):
    """One request for consent."""

    id: str
    at: str | int | float
    expires_at: str | int | float
    wording: str
    newsletter: str | int | None = None
    name: str | None = None
    confirmed_at: str | int | float | None = None
    deleted: bool = False


class _Tie(Struct):
    """One tie in a line of our own."""

    relation: str
    at: str | int | float
    holds: bool = True
    id: str | int | None = None
    name: str | None = None


class _Former(Struct):
    """One former address in a line of our own."""

    email: str
    hard_bouncing: bool = False
    hard_at: str | int | float | None = None
    bounced_at: str | int | float | None = None
    complained_at: str | int | float | None = None


class Past:
    """Parses the past in a customer's line in one pass and collects faults. undated: consent without a time."""

    def __init__(self, body: dict[str, Any], now: int, limits: Limits) -> None:
        self.faults: list[Fault] = []
        self.undated: Consent | None = None
        self.clamped = 0
        self._body = body
        self._now = now
        self._limits = limits

    def read(self) -> Restored:
        """What any line may say of the past."""
        return Restored(
            created_at=self._moment("created_at", self._body.get("created_at")),
            updated_at=self._moment("updated_at", self._body.get("updated_at")),
            bucket=self._bucket(self._body.get("bsft_control_bucket")),
            consents=self._consents(self._body.get("consents"), self._limits.references),
            ties=self._tags(self._body.get("tags")),
        )

    def read_own(self) -> Restored:
        """What a line of our own says of the past."""
        body = self._body
        times = {name: self._moment(name, body.get(name)) for name in LATEST_TIMES}
        return Restored(
            created_at=self._moment("created_at", body.get("created_at")),
            updated_at=self._moment("updated_at", body.get("updated_at")),
            bucket=self._bucket(body.get("bsft_control_bucket")),
            consents=self._consents(body.get("consents"), None),
            is_whole=True,
            moments={name: at for name, at in times.items() if at is not None},
            ties=self._several("ties", body.get("ties"), self._tie),
            former=self._several("former_addresses", body.get("former_addresses"), self._former),
            aliases=self._several("aliases", body.get("aliases"), self._alias),
            subscriptions=self._several("newsletter_consents", body.get("newsletter_consents"), self._subscription),
            requests=self._several("consent_requests", body.get("consent_requests"), self._request),
        )

    def _moment(self, field: str, value: Any) -> int | None:
        if value is None or value == "":
            return None
        try:
            at = parse_moment(value)
        except ValueError as error:
            self.faults.append(Fault(field, str(error)))
            return None
        self.clamped += at > self._now + AHEAD
        return min(at, self._now)

    def _bucket(self, value: Any) -> int | None:
        if value is None or value == "":
            return None
        bucket = whole_number(str(value), longest=3) if isinstance(value, int | str) else None
        if bucket is not None and 1 <= bucket <= CONTROL_BUCKETS:
            return bucket
        self.faults.append(Fault("bsft_control_bucket", f"must be a whole number from 1 to {CONTROL_BUCKETS}"))
        return None

    def _tags(self, value: Any) -> tuple[RestoredTie, ...]:
        if value is None or value == "":
            return ()
        if not isinstance(value, list) or len(value) > self._limits.references:
            self.faults.append(Fault("tags", f"must be a list of at most {self._limits.references} tags"))
            return ()
        found = []
        for place, item in enumerate(value):
            try:
                found.append(parse_reference(item, "tag", longest=self._limits.object_key))
            except ValueError as error:
                self.faults.append(Fault(f"tags.{place}", str(error)))
        return tuple(
            RestoredTie(_TAGGED, True, None, reference, _name_of(reference, value))
            for reference in dict.fromkeys(found)
        )

    def _consents(self, value: Any, most: int | None) -> tuple[Consent, ...]:
        if value is None or value == "":
            return ()
        if not isinstance(value, list) or (most is not None and len(value) > most):
            self.faults.append(Fault("consents", f"must be a list of at most {self._limits.references} objects"))
            return ()
        found = self._several("consents", value, self._consent)
        return tuple(sorted(found, key=lambda consent: consent.at))

    def _consent(self, path: str, item: Any) -> Consent | None:
        members = "granted, and optionally at, cause, source, wording and proof as text"
        evidence = self._converted(path, item, _Evidence, members)
        if evidence is None:
            return None
        at = self._moment(f"{path}.at", evidence.at)
        cause = self._checked(path, evidence)
        consent = Consent(0, at or 0, evidence.granted, cause, evidence.source, evidence.wording, evidence.proof)
        if at is not None:
            return consent
        if evidence.at is None and (self.undated is None or not consent.granted):
            self.undated = consent  # of several, an end counts
        return None

    def _checked(self, path: str, evidence: _Evidence) -> str | None:
        """The cause of an end. Notes the faults of the texts."""
        self._check_texts(path, evidence.source, evidence.wording, evidence.proof)
        if evidence.cause is not None and evidence.cause not in CAUSES:
            self.faults.append(Fault(f"{path}.cause", f"must be one of {', '.join(CAUSES)}"))
        return None if evidence.granted else evidence.cause

    def _check_texts(self, path: str, *texts: str | None) -> None:
        if any(len(text) > self._limits.text or not is_storable(text) for text in texts if text):
            self.faults.append(Fault(path, f"its texts may have at most {self._limits.text} characters, without NUL"))

    def _converted(self, path: str, item: Any, kind: type[_T], members: str) -> _T | None:
        """The object; None after a fault that says which members it has."""
        try:
            return msgspec.convert(item, kind)
        except msgspec.ValidationError:
            self.faults.append(Fault(path, f"must be an object with {members}"))
            return None

    def _subscription(self, path: str, item: Any) -> RestoredSubscription | None:
        members = "newsletter, granted and at, and optionally name, cause, source, wording and proof as text"
        given = self._converted(path, item, _Subscription, members)
        if given is None:
            return None
        cause = self._checked(path, given)
        if given.at is None:
            self.faults.append(Fault(f"{path}.at", "is required"))
        if given.deleted or given.at is None:
            return None
        relation = "newsletter.subscribed"
        tie = self._tie(path, _Tie(relation, given.at, given.granted, given.newsletter, given.name), "newsletter")
        if tie is None:
            return None
        return RestoredSubscription(tie, given.source, cause, given.wording, given.proof)

    def _request(self, path: str, item: Any) -> RestoredRequest | None:
        members = "id, at, expires_at and wording, and optionally newsletter, name and confirmed_at"
        given = self._converted(path, item, _Request, members)
        if given is None:
            return None
        number = whole_number(given.id, longest=19)
        if number is None or not 0 <= number < 2**63:
            self.faults.append(Fault(f"{path}.id", "must be a whole number below 2^63"))
        self._check_texts(path, given.wording)
        at, expires_at = self._moment(f"{path}.at", given.at), self._future(f"{path}.expires_at", given.expires_at)
        confirmed_at = self._moment(f"{path}.confirmed_at", given.confirmed_at)
        newsletter = None
        if given.newsletter is not None and not given.deleted:
            relation = "newsletter.subscribed"
            newsletter = self._tie(path, _Tie(relation, given.at, True, given.newsletter, given.name), "newsletter")
        if number is None or at is None or expires_at is None or given.deleted:
            return None
        expires_at = min(expires_at, at + LONGEST_SECONDS * 1_000)
        return RestoredRequest(number, newsletter, at, expires_at, given.wording, confirmed_at)

    def _future(self, field: str, value: Any) -> int | None:
        try:
            return parse_moment(value)
        except ValueError as error:
            self.faults.append(Fault(field, str(error)))
            return None

    def _tie(self, path: str, item: Any, field: str = "id") -> RestoredTie | None:
        """field: that has the object."""
        given = self._converted(path, item, _Tie, "relation and at, and optionally holds, id and name")
        if given is None:
            return None
        relation = BY_NAME.get(given.relation)
        at = self._moment(f"{path}.at", given.at)
        if relation is None:
            self.faults.append(Fault(f"{path}.relation", f"must be one of {', '.join(BY_NAME)}"))
            return None
        if at is None:
            return None
        if relation.kind is None:
            return RestoredTie(relation.name, given.holds, at)
        try:
            reference = parse_reference(given.id, relation.kind, longest=self._limits.object_key)
        except ValueError as error:
            self.faults.append(Fault(f"{path}.{field}", str(error)))
            return None
        name = None if given.name is None else trim(given.name)
        if name is not None and (len(name) > self._limits.text or not is_storable(name)):
            self.faults.append(Fault(f"{path}.name", f"must be text of at most {self._limits.text} characters"))
            return None
        return RestoredTie(relation.name, given.holds, at, reference, name or None)

    def _former(self, path: str, item: Any) -> FormerAddress | None:
        try:
            given = msgspec.convert(item, _Former)
            _, key = parse_address(given.email, longest=self._limits.email)
        except (msgspec.ValidationError, ValueError):
            self.faults.append(Fault(path, "must be an object with email, and optionally hard_bouncing and times"))
            return None
        hard_at, bounced_at, complained_at = (
            self._moment(f"{path}.{name}", getattr(given, name)) for name in ("hard_at", "bounced_at", "complained_at")
        )
        return FormerAddress(key, 0, given.hard_bouncing, hard_at, bounced_at, complained_at)

    def _alias(self, path: str, item: Any) -> Who | None:
        try:
            given = parse_who(item if isinstance(item, dict) else {}, limits=self._limits)
        except RefusedError as refusal:
            self.faults.append(Fault(path, refusal.sentence))
            return None
        return given

    def _several(self, field: str, value: Any, read: Callable[[str, Any], Any]) -> tuple[Any, ...]:
        if value is None or value == "":
            return ()
        if not isinstance(value, list):
            self.faults.append(Fault(field, "must be a list of objects"))
            return ()
        return tuple(filter(None, (read(f"{field}.{place}", item) for place, item in enumerate(value))))
