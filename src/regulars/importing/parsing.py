"""Parses lines into commands, with the rules of the API and two exceptions for files.

A customer may include its past (created_at, updated_at, bsft_control_bucket, consents), as written by our own export.
An activity ahead of the clock is set to now, and one without event_uuid is identified by its content.
"""

import hashlib
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from regulars.domain.activity import AHEAD, parse_activity
from regulars.domain.commands import RecordActivity, Upsert
from regulars.domain.consent import CAUSES, Consent
from regulars.domain.customer import CONTROL_BUCKETS
from regulars.domain.faults import Fault, RefusedError, refuse
from regulars.domain.identity import bare_address
from regulars.domain.limits import Limits
from regulars.domain.moments import parse_moment
from regulars.domain.profile import parse_profile
from regulars.domain.text import is_storable, whole_number
from regulars.domain.upsert_rules import Restored
from regulars.domain.wire import decode_json

ImportKind = Literal["customers", "activity"]
SOURCE: Final = "import"
"""The source recorded with consent."""

PAST: Final = frozenset({"created_at", "updated_at", "bsft_control_bucket", "consents"})
"""Fields of a customer's line that only an import accepts."""

_CONTENT_IDS: Final = UUID("5d1f7c8e-0f0b-4a54-9f0a-4c0f7f6f2b1e").bytes
"""The namespace of generated event UUIDs. It must never change, as repeated lines are recognised by them."""


class LineParser(Protocol):
    """Turns lines into commands. `clamped` counts times ahead of the clock that were set to now."""

    clamped: int

    def parse(self, raw: bytes, now: int) -> Upsert | RecordActivity:
        """Parse a line into a command; `now` in ms. Raises RefusedError with all faults."""
        ...


def line_parser(
    kind: ImportKind, limits: Limits, *, strict: bool = False, create: bool = False, country: str | None = None
) -> LineParser:
    """Create the parser for one file of this kind; do not reuse it, as it counts activity lines from the file's start.

    create: whether an activity creates a customer for whom it gives only a customer_id. country: that of the site.
    """
    if kind == "customers":
        return CustomerJudge(limits, strict=strict, country=country)
    return ActivityJudge(limits, strict=strict, create=create, country=country)


class CustomerJudge:
    """Parses customers; each line is a body of POST /customers."""

    def __init__(self, limits: Limits, *, strict: bool = False, country: str | None = None) -> None:
        self.clamped = 0
        self._limits = limits
        self._rules: dict[str, Any] = {"limits": limits, "strict": strict, "country": country}

    def parse(self, raw: bytes, now: int) -> Upsert:
        """Parse a line into an upsert."""
        body = _decoded(raw)
        if PAST.isdisjoint(body):
            return Upsert(parse_profile(body, **self._rules), SOURCE)
        reading = _Past(body, now, self._limits)
        restored = reading.read()
        try:
            profile = parse_profile(body, ignore=PAST, **self._rules)
        except RefusedError as refusal:
            raise RefusedError(refusal.code, (*refusal.faults, *reading.faults)) from None
        if reading.faults:
            raise RefusedError("invalid", reading.faults)
        if restored.consents:
            profile.unsubscribed = None  # the consents state in detail what this field summarises
        self.clamped += reading.clamped
        return Upsert(profile, SOURCE, restored)


class ActivityJudge:
    """Parses activities; each line is a body of POST /event."""

    def __init__(
        self, limits: Limits, *, strict: bool = False, create: bool = False, country: str | None = None
    ) -> None:
        self.clamped = 0
        self._creates = create
        self._rules: dict[str, Any] = {"limits": limits, "strict": strict, "country": country}
        self._seen: set[int] = set()
        self._times: dict[int, int] = {}

    def parse(self, raw: bytes, now: int) -> RecordActivity:
        """Parse a line into an activity."""
        body = _decoded(raw)
        activity = parse_activity(body, now=now, clamp=True, **self._rules)
        if activity.uuid is None:
            activity.uuid, activity.uuid_is_derived = self._content_id(body), True
        if activity.at == now and _is_ahead(body, now):
            self.clamped += 1
        return RecordActivity(activity, SOURCE, self._creates)

    def _content_id(self, body: dict[str, Any]) -> bytes:
        """A UUIDv5 of the line's content, regardless of key order, and of the number of equal lines before it."""
        content = hashlib.sha1(_CONTENT_IDS, usedforsecurity=False)
        content.update(msgspec.json.encode(body, order="sorted"))
        # 64 bits distinguish lines well enough: colliding lines are counted as equal, consistently in every import.
        short = int.from_bytes(content.digest()[:8], "big")
        times = 0
        if short in self._seen:
            times = self._times[short] = self._times.get(short, 0) + 1
        self._seen.add(short)
        content.update(b"\n%d" % times)
        return UUID(bytes=content.digest()[:16], version=5).bytes


class _Evidence(Struct):
    """One consent in a customer's line."""

    at: str | int | float
    granted: bool
    cause: str | None = None
    source: str = SOURCE
    wording: str | None = None
    proof: str | None = None


class _Past:
    """Parses the past in a customer's line in one pass and collects faults."""

    def __init__(self, body: dict[str, Any], now: int, limits: Limits) -> None:
        self.faults: list[Fault] = []
        self.clamped = 0
        self._body = body
        self._now = now
        self._limits = limits

    def read(self) -> Restored:
        return Restored(
            created_at=self._moment("created_at", self._body.get("created_at")),
            updated_at=self._moment("updated_at", self._body.get("updated_at")),
            bucket=self._bucket(self._body.get("bsft_control_bucket")),
            consents=self._consents(self._body.get("consents")),
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

    def _consents(self, value: Any) -> tuple[Consent, ...]:
        if value is None or value == "":
            return ()
        if not isinstance(value, list) or len(value) > self._limits.references:
            self.faults.append(Fault("consents", f"must be a list of at most {self._limits.references} objects"))
            return ()
        found = (self._consent(f"consents.{place}", item) for place, item in enumerate(value))
        return tuple(sorted(filter(None, found), key=lambda consent: consent.at))

    def _consent(self, path: str, item: Any) -> Consent | None:
        try:
            evidence = msgspec.convert(item, _Evidence)
        except msgspec.ValidationError:
            detail = "must be an object with at and granted, and optionally cause, source, wording and proof as text"
            self.faults.append(Fault(path, detail))
            return None
        at = self._moment(f"{path}.at", evidence.at)
        texts = filter(None, (evidence.source, evidence.wording, evidence.proof))
        if any(len(text) > self._limits.text or not is_storable(text) for text in texts):
            self.faults.append(Fault(path, f"its texts may have at most {self._limits.text} characters, without NUL"))
        if evidence.cause is not None and evidence.cause not in CAUSES:
            self.faults.append(Fault(f"{path}.cause", f"must be one of {', '.join(CAUSES)}"))
        if at is None:
            return None
        cause = None if evidence.granted else evidence.cause
        return Consent(0, at, evidence.granted, cause, evidence.source, evidence.wording, evidence.proof)


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        body = decode_json(raw)
    except ValueError as error:
        raise refuse("invalid", "", str(error).replace("The body", "The line", 1)) from None
    if not isinstance(body, dict):
        raise refuse("invalid", "", "A line must be a JSON object.")
    if "email" in body:
        body["email"] = bare_address(body["email"])
    return body


def _is_ahead(body: dict[str, Any], now: int) -> bool:
    timestamp = body.get("timestamp")
    return timestamp not in (None, "") and parse_moment(timestamp) > now + AHEAD
