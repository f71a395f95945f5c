"""Lines of our own exports of activity and email logs, which restore what was exported."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.activity import AHEAD, Activity, parse_activity, uuid_of
from regulars.domain.events import EVENTS, UNKNOWN
from regulars.domain.faults import Fault, RefusedError, refuse
from regulars.domain.identity import Who, parse_address, parse_uuid
from regulars.domain.limits import Limits
from regulars.domain.mail import RANK
from regulars.domain.moments import parse_moment
from regulars.domain.orders import with_event_uuid
from regulars.domain.profile import parse_who
from regulars.domain.restored_activity import RestoredEvent, RestoredLog, RestoredMail
from regulars.domain.text import is_storable
from regulars.exporting.customer_columns import ID
from regulars.exporting.history_tables import MARK

_IDENTITY: Final[tuple[str, ...]] = ("email", "customer_id", "uuid")


class _MailMark(Struct, frozen=True):
    key: str | None = None
    ref: str | None = None
    address: str | None = None
    name: str | None = None
    id: str | None = None


class _Mark(Struct, frozen=True):
    lacks: tuple[str, ...] = ()
    repeats: str | None = None
    hidden: dict[str, Any] = {}
    part: str | None = None
    mail: _MailMark | None = None


class _LogLine(Struct, frozen=True):
    status: str
    status_at: str | int | float
    created_at: str | int | float
    message: str | None = None
    email_name: str | None = None
    email_version: str | None = None
    events: list[dict[str, Any]] = []


def is_own_history(body: dict[str, Any]) -> bool:
    """Whether a line is an event or an email log of our own export."""
    return isinstance(body.get(MARK), dict)


def parse_own_history(
    body: dict[str, Any], now: int, limits: Limits, *, strict: bool = False, country: str | None = None
) -> RestoredEvent | RestoredLog:
    """Read a line. Raises RefusedError with all faults."""
    rules: dict[str, Any] = {"limits": limits, "strict": strict, "country": country}
    if "event" in body:
        mark = _mark(body)
        return RestoredEvent(_activity(body, mark, now, rules), None if mark.mail is None else _mail(mark.mail, limits))
    return _log(body, now, limits, rules)


def _log(body: dict[str, Any], now: int, limits: Limits, rules: dict[str, Any]) -> RestoredLog:
    try:
        line = msgspec.convert(body, _LogLine)
    except msgspec.ValidationError as error:
        raise refuse("invalid", "", f"This is no exported email log: {error}") from None
    whole_mark = _mark(body)
    given = whole_mark.mail
    if given is None or line.status not in RANK:
        raise refuse("invalid", MARK if given is None else "status", "must be that of an exported email log")
    texts = (line.message, line.email_name, line.email_version)
    if any(text is not None and (len(text) > limits.text or not is_storable(text)) for text in texts):
        raise refuse("invalid", "message", f"must be text of at most {limits.text} characters")
    mail = _mail(given, limits)
    identity: dict[str, Any] = {name: body[name] for name in _IDENTITY if name in body}
    who = _named(parse_who(identity, limits=limits), whole_mark) if identity else None
    events = []
    for place, each in enumerate(line.events):
        mark = msgspec.structs.replace(_mark(each), part=whole_mark.part)
        try:
            read = _activity({**each, **identity}, mark, now, rules) if identity else _bare(each, mark, now, limits)
        except RefusedError as refusal:
            faults = [Fault(f"events.{place}.{fault.field}", fault.detail) for fault in refusal.faults]
            raise RefusedError(refusal.code, faults) from None
        events.append(RestoredEvent(read, mail))
    return RestoredLog(
        who=who,
        mail=mail,
        created_at=_moment("created_at", line.created_at, now),
        status=RANK[line.status],
        status_at=_moment("status_at", line.status_at, now),
        message=line.message or "",
        email_name=line.email_name,
        email_version=line.email_version,
        events=tuple(events),
    )


def _mark(body: dict[str, Any]) -> _Mark:
    try:
        return msgspec.convert(body.get(MARK, {}), _Mark)
    except msgspec.ValidationError as error:
        raise refuse("invalid", MARK, f"must be that of an export: {error}") from None


def _activity(body: dict[str, Any], mark: _Mark, now: int, rules: dict[str, Any]) -> Activity:
    """The event. Its details are those that were exported."""
    event = {name: value for name, value in body.items() if name not in (MARK, ID)}
    activity = parse_activity({**event, **mark.hidden}, now=now, clamp=True, **rules)
    if activity.anonymous is not None:
        raise RefusedError("user_identifier_missing", (Fault("email", "No valid identifier found"),))
    activity.who = _named(activity.who, mark)
    activity.at_is_arrival = "timestamp" in mark.lacks
    activity.uuid_is_derived = "event_uuid" in mark.lacks
    if activity.uuid is None:
        raise refuse("invalid", "event_uuid", "is required in an exported event")
    if mark.repeats is not None:
        activity.detail = with_event_uuid(activity.detail, _repeated(mark.repeats))
    return activity


def _named(who: Who, mark: _Mark) -> Who:
    """The customer; the one who was merged into it, if the line names that one."""
    if mark.part is None:
        return who
    try:
        return msgspec.structs.replace(who, uuid=parse_uuid(mark.part))
    except ValueError as error:
        raise refuse("invalid", f"{MARK}.part", str(error)) from None


def _bare(body: dict[str, Any], mark: _Mark, now: int, limits: Limits) -> Activity:
    """The event of a deleted customer, of which nothing but its name, time and id is left."""
    name, event_uuid = body.get("event"), body.get("event_uuid")
    if not isinstance(name, str) or not 0 < len(name) <= limits.event_name or not is_storable(name):
        raise refuse("invalid", "event", f"must be a name of 1 to {limits.event_name} characters")
    if not isinstance(event_uuid, str):
        raise refuse("invalid", "event_uuid", "is required in an exported event")
    return Activity(
        name=name,
        kind=EVENTS.get(name, UNKNOWN),
        who=Who(),
        at=_moment("timestamp", body.get("timestamp"), now),
        uuid=uuid_of(event_uuid),
        at_is_arrival="timestamp" in mark.lacks,
        uuid_is_derived="event_uuid" in mark.lacks,
    )


def _repeated(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 16:
        raise refuse("invalid", f"{MARK}.repeats", "must be the id of an event in hexadecimal")
    return found


def _mail(given: _MailMark, limits: Limits) -> RestoredMail:
    texts = (given.key, given.ref, given.name, given.id)
    if any(text is not None and (len(text) > limits.text or not is_storable(text)) for text in texts):
        raise refuse("invalid", f"{MARK}.mail", f"its texts may have at most {limits.text} characters, without NUL")
    if given.address is None:
        return RestoredMail(given.key, given.ref, None, None, given.name, given.id)
    try:
        address, address_key = parse_address(given.address, longest=limits.email)
    except ValueError as error:
        raise refuse("invalid", f"{MARK}.mail.address", str(error)) from None
    return RestoredMail(given.key, given.ref, address, address_key, given.name, given.id)


def _moment(field: str, value: Any, now: int) -> int:
    try:
        at = parse_moment(value)
    except ValueError as error:
        raise refuse("invalid", field, str(error)) from None
    return at if at <= now + AHEAD else now
