"""The subject `mail`: what became of emails to the customer."""

from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Member, Predicate, Range, present
from regulars.audience.questions.faults import BadValueError, unknown_name
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects.ties import NO_IDS, ids_text, objects_phrase, read_id, read_ids
from regulars.audience.questions.tokens import TokenReader
from regulars.audience.questions.tree import Id, MailCondition
from regulars.audience.questions.window_text import parse_window, starts_window
from regulars.audience.questions.windows import Window, read_window, window_phrase, window_text, write_window


class Status(Struct, frozen=True):
    """A status of emails. latest: the column with the time of the latest such email, None if it is not kept."""

    relation: str
    latest: str | None
    any_mail: str
    of_broadcast: str


STATUSES: Final[dict[str, Status]] = {
    "sent": Status("broadcast.sent", "last_sent_at", "were sent an email", "were sent {}"),
    "delivered": Status("broadcast.delivered", "last_delivered_at", "received an email", "received {}"),
    "opened": Status("broadcast.opened", "last_opened_at", "opened an email", "opened {}"),
    "clicked": Status("broadcast.clicked", "last_clicked_at", "clicked in an email", "clicked in {}"),
    "bounced": Status("broadcast.bounced", "bounced_at", "had an email bounce", "had {} bounce"),
    "dropped": Status("broadcast.dropped", None, "", "had {} dropped"),
    "complained": Status("broadcast.complained", "complained_at", "complained about an email", "complained about {}"),
    "unsubscribed": Status("broadcast.unsubscribed", None, "", "unsubscribed by {}"),
}
"""Every status by name."""

PREFIX: Final = "broadcast/"


def _status(value: Any) -> str:
    if value not in STATUSES:
        raise unknown_name("status of emails", str(value), tuple(STATUSES))
    return str(value)


def _checked(condition: MailCondition) -> MailCondition:
    status = STATUSES[condition.status]
    if not condition.broadcasts and status.latest is None:
        raise BadValueError(f"{condition.status!r} needs a broadcast.")
    if condition.when is not None and condition.broadcasts:
        raise BadValueError("A time and a broadcast cannot be combined.")
    if condition.when is not None and not condition.when.reaches_now:
        field = status.latest or ""
        raise BadValueError(
            "Only the time of the latest email is kept, so the time must reach up to now, as in the last 30 days. "
            f"To ask when the latest one was, use the field {field}."
        )
    return condition


def _read(reader: ObjectReader) -> MailCondition:
    status = reader.get("mail", _status, "sent")
    broadcasts = reader.get("broadcast", lambda value: read_ids(value, "broadcast"), NO_IDS)
    when: Window | None = reader.get("when", read_window, None)
    found = MailCondition(status, broadcasts, when)
    if reader.is_sound:
        try:
            _checked(found)
        except BadValueError as error:
            reader.refuse("when" if when is not None else "broadcast" if broadcasts else "mail", error)
    return found


def _write(condition: MailCondition) -> dict[str, Any]:
    shown: dict[str, Any] = {"mail": condition.status}
    if condition.broadcasts:
        shown["broadcast"] = [*condition.broadcasts]
    if condition.when is not None:
        shown["when"] = write_window(condition.when)
    return shown


def _broadcast(text: str) -> Id:
    if not text.lower().startswith(PREFIX):
        raise BadValueError("must be broadcast/ and a number or key, such as broadcast/8")
    return read_id(text[len(PREFIX) :], "broadcast")


def _parse(lead: str, tokens: TokenReader) -> MailCondition:
    begin = tokens.here
    broadcasts: list[Id] = tokens.values(_broadcast) if tokens.accept(":") else []
    when = parse_window(tokens) if starts_window(tokens) else None
    try:
        return _checked(MailCondition(lead, tuple(dict.fromkeys(broadcasts)), when))
    except BadValueError as error:
        tokens.refuse(begin, error)


def _print(condition: MailCondition) -> str:
    broadcasts = f":{ids_text(condition.broadcasts, PREFIX)}" if condition.broadcasts else ""
    when = "" if condition.when is None else f" {window_text(condition.when)}"
    return f"{condition.status}{broadcasts}{when}"


def _predicate(condition: MailCondition, moment: Moment) -> Predicate:
    status = STATUSES[condition.status]
    if condition.broadcasts:
        return Member(status.relation, condition.broadcasts)
    assert status.latest is not None
    if condition.when is None:
        return present(status.latest)
    spans = condition.when.bounds(moment.now, moment.time_zone)
    return p.Any(tuple(Range(status.latest, low, high) for low, high in spans))


def _phrase(condition: MailCondition) -> str:
    status = STATUSES[condition.status]
    if condition.broadcasts:
        return status.of_broadcast.format(objects_phrase("broadcast", condition.broadcasts, "any of"))
    return status.any_mail if condition.when is None else f"{status.any_mail} {window_phrase(condition.when)}"


MAIL: Final = Subject(
    "mail",
    MailCondition,
    ("broadcast", "when"),
    tuple(STATUSES),
    f"What became of emails: {', '.join(STATUSES)}; of broadcasts, or of any email.",
    ({"mail": "opened", "broadcast": [8]}, "opened:broadcast/8"),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
