"""Parses lines into commands, with the rules of the API and two exceptions for files.

A customer may include its past (created_at, updated_at, bsft_control_bucket, consents). A line of our own export
restores the customer (`own_lines`).
An activity ahead of the clock is set to now, and one without event_uuid is identified by its content.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import msgspec

from regulars.domain.activity import AHEAD, parse_activity
from regulars.domain.commands import RecordActivity, RestoreActivity, RestoreLog, Upsert
from regulars.domain.consent import OPT_OUT
from regulars.domain.existing_fields import Existing
from regulars.domain.faults import FieldWarning, RefusedError, refuse
from regulars.domain.identity import bare_address
from regulars.domain.limits import Limits
from regulars.domain.moments import parse_moment
from regulars.domain.profile import parse_profile
from regulars.domain.restored_activity import RestoredEvent
from regulars.domain.wire import decode_json
from regulars.importing.consent_choice import ConsentChoice, chosen_consent
from regulars.importing.own_history import is_own_history, parse_own_history
from regulars.importing.own_lines import PAST, SOURCE, Past, is_own, parse_own

ImportKind = Literal["customers", "activity"]
_CONTENT_IDS: Final = UUID("5d1f7c8e-0f0b-4a54-9f0a-4c0f7f6f2b1e").bytes
"""The namespace of generated event UUIDs. It must never change, as repeated lines are recognised by them."""


ImportCommand = Upsert | RecordActivity | RestoreActivity | RestoreLog
"""What a line may become."""


class LineParser(Protocol):
    """Turns lines into commands. `clamped` counts times ahead of the clock that were set to now."""

    clamped: int

    def parse(self, raw: bytes, now: int) -> ImportCommand:
        """Parse a line into a command; `now` in ms. Raises RefusedError with all faults."""
        ...


def line_parser(
    kind: ImportKind,
    limits: Limits,
    *,
    strict: bool = False,
    create: bool = False,
    country: str | None = None,
    existing: Existing = "overwrite",
    consents: ConsentChoice = "all",
) -> LineParser:
    """Create the parser for one file of this kind; do not reuse it, as it counts activity lines from the file's start.

    create: whether an activity creates a customer for whom it gives only a customer_id. country: that of the site.
    existing: what lines do to the fields of customers who are there. consents: what counts of the consent in the file.
    """
    if kind == "customers":
        return CustomerJudge(limits, strict=strict, country=country, existing=existing, consents=consents)
    return ActivityJudge(limits, strict=strict, create=create, country=country)


class CustomerJudge:
    """Parses customers; each line is a body of POST /customers, or of our own export."""

    def __init__(
        self,
        limits: Limits,
        *,
        strict: bool = False,
        country: str | None = None,
        existing: Existing = "overwrite",
        consents: ConsentChoice = "all",
    ) -> None:
        self.clamped = 0
        self._limits = limits
        self._existing = existing
        self._consents = consents
        self._rules: dict[str, Any] = {"limits": limits, "strict": strict, "country": country}

    def parse(self, raw: bytes, now: int) -> Upsert:
        """Parse a line into an upsert."""
        upsert = self._parsed(raw, now)
        upsert.profile.existing = self._existing
        return chosen_consent(upsert, self._consents)

    def _parsed(self, raw: bytes, now: int) -> Upsert:
        body = _decoded(raw)
        if is_own(body):
            profile, restored, clamped = parse_own(body, now, **self._rules)
            self.clamped += clamped
            return Upsert(profile, SOURCE, restored)
        if PAST.isdisjoint(body):
            return Upsert(parse_profile(body, **self._rules), SOURCE)
        reading = Past(body, now, self._limits)
        restored = reading.read()
        try:
            profile = parse_profile(body, ignore=PAST, **self._rules)
        except RefusedError as refusal:
            raise RefusedError(refusal.code, (*refusal.faults, *reading.faults)) from None
        if reading.faults:
            raise RefusedError("invalid", reading.faults)
        if restored.consents or reading.undated is not None:
            profile.unsubscribed = None  # the consents state in detail what this field summarises
        if (undated := reading.undated) is not None:
            profile.unsubscribed, profile.cause = not undated.granted, undated.cause or OPT_OUT
            profile.wording, profile.proof = undated.wording, undated.proof
        self.clamped += reading.clamped
        return Upsert(profile, SOURCE, restored)


class ActivityJudge:
    """Parses activities; each line is a body of POST /event, or an event or email log of our own export."""

    def __init__(
        self, limits: Limits, *, strict: bool = False, create: bool = False, country: str | None = None
    ) -> None:
        self.clamped = 0
        self._creates = create
        self._rules: dict[str, Any] = {"limits": limits, "strict": strict, "country": country}
        self._seen: set[int] = set()
        self._times: dict[int, int] = {}

    def parse(self, raw: bytes, now: int) -> RecordActivity | RestoreActivity | RestoreLog:
        """Parse a line into an activity."""
        body = _decoded(raw)
        if is_own_history(body):
            restored = parse_own_history(body, now, **self._rules)
            return RestoreActivity(restored) if isinstance(restored, RestoredEvent) else RestoreLog(restored)
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


def warnings_of(command: ImportCommand) -> Sequence[FieldWarning]:
    """The fields of a line that were not taken as they were given."""
    if isinstance(command, Upsert):
        return command.profile.warnings
    return command.activity.warnings if isinstance(command, RecordActivity) else ()
