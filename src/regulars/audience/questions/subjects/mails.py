"""The subject `mail`: what became of emails to the customer."""

from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Happened, Member, Predicate, PropertyTest, Range, Selection, present
from regulars.audience.questions.faults import BadValueError, unknown_name
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects.dids import (
    ONCE,
    parse_times,
    print_times,
    read_times,
    spans_of,
    times_phrase,
    write_times,
)
from regulars.audience.questions.subjects.ties import NO_IDS, ids_text, objects_phrase, read_id, read_ids
from regulars.audience.questions.tokens import Token, TokenReader, quoted
from regulars.audience.questions.tree import Id, MailCondition, Times
from regulars.audience.questions.window_text import parse_window, starts_window
from regulars.audience.questions.windows import Window, read_window, window_phrase, window_text, write_window
from regulars.audience.structures.attribute_values import Comparison
from regulars.audience.structures.event_facets import of_property


class Status(Struct, frozen=True):
    """A status of emails. latest: the column with the time of the latest such email, None if it is not kept.

    events: the events that report it. any_mail, of_objects: complete "customers who ...".
    """

    relation: str
    latest: str | None
    any_mail: str
    of_objects: str
    events: tuple[str, ...]

    @property
    def is_once(self) -> bool:
        """Whether an email reaches it once, so that emails are counted. Opens and clicks are counted themselves."""
        return self.relation not in ("broadcast.opened", "broadcast.clicked")


STATUSES: Final[dict[str, Status]] = {
    "sent": Status("broadcast.sent", "last_sent_at", "were sent an email", "were sent {}", ("email_sent",)),
    "delivered": Status(
        "broadcast.delivered", "last_delivered_at", "received an email", "received {}", ("email_delivered",)
    ),
    "opened": Status(
        "broadcast.opened", "last_opened_at", "opened an email", "opened {}", ("email_opened", "email_clicked")
    ),
    "clicked": Status(
        "broadcast.clicked", "last_clicked_at", "clicked in an email", "clicked in {}", ("email_clicked",)
    ),
    "bounced": Status("broadcast.bounced", "bounced_at", "had an email bounce", "had {} bounce", ("email_bounced",)),
    "dropped": Status("broadcast.dropped", None, "had an email dropped", "had {} dropped", ("email_dropped",)),
    "complained": Status(
        "broadcast.complained",
        "complained_at",
        "complained about an email",
        "complained about {}",
        ("email_complained",),
    ),
    "unsubscribed": Status(
        "broadcast.unsubscribed", None, "unsubscribed by an email", "unsubscribed by {}", ("email_unsubscribed",)
    ),
}
"""Every status by name."""

KINDS: Final = {"broadcast": "broadcasts", "template": "templates", "sequence": "sequences"}
"""What emails are sent for, and the members of a condition that name it."""

_URL: Final = of_property(("url",))
_LONGEST_URL: Final = 2_048


def _status(value: Any) -> str:
    if value not in STATUSES:
        raise unknown_name("status of emails", str(value), tuple(STATUSES))
    return str(value)


def read_url(value: Any) -> str:
    """The URL of a link. Raises BadValueError."""
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= _LONGEST_URL:
        raise BadValueError(f"must be the URL of a link, of 1 to {_LONGEST_URL} characters")
    return value.strip()


def _read(reader: ObjectReader) -> MailCondition:
    status = reader.get("mail", _status, "sent")
    ids = {
        member: reader.get(kind, lambda value, kind=kind: read_ids(value, kind), NO_IDS)  # type: ignore[misc]
        for kind, member in KINDS.items()
    }
    when: Window | None = reader.get("when", read_window, None)
    times: Times | None = reader.get("times", read_times, None)
    url: str | None = reader.get("url", read_url, None)
    if url is not None and status != "clicked":
        reader.refuse("url", BadValueError("can be given for clicked only"))
    return MailCondition(status, when=when, times=times, url=url, **ids)


def _write(condition: MailCondition) -> dict[str, Any]:
    shown: dict[str, Any] = {"mail": condition.status}
    shown |= {kind: [*ids] for kind, ids in objects_of(condition)}
    if condition.url is not None:
        shown["url"] = condition.url
    if condition.times is not None:
        shown["times"] = write_times(condition.times)
    if condition.when is not None:
        shown["when"] = write_window(condition.when)
    return shown


def objects_of(condition: MailCondition) -> list[tuple[str, tuple[Id, ...]]]:
    """(kind, ids) of what the email was sent for."""
    given = [(kind, getattr(condition, member)) for kind, member in KINDS.items()]
    return [(kind, ids) for kind, ids in given if ids]


def _object(text: str) -> tuple[str, Id]:
    kind, slash, rest = text.partition("/")
    if not slash or kind.lower() not in KINDS:
        raise BadValueError("must be broadcast/ and a number or key, such as broadcast/8; or template/, sequence/")
    return kind.lower(), read_id(rest, kind.lower())


def _parse(lead: str, tokens: TokenReader) -> MailCondition:
    ids: dict[str, dict[Id, None]] = {kind: {} for kind in KINDS}
    while tokens.accept(":"):
        begin = tokens.here
        named = tokens.values(_object)
        (kind, *others) = dict.fromkeys(kind for kind, _ in named)
        if others or ids[kind]:
            _refuse_mixed(tokens, begin)
        ids[kind].update(dict.fromkeys(each for _, each in named))
    url = None
    if tokens.here.word == "url" and tokens.following.kind in ("word", "string"):
        begin = tokens.take()
        if lead != "clicked":
            tokens.refuse(begin, BadValueError("can be given for clicked only"))
        url = tokens.value(read_url)
    times = parse_times(tokens)
    when = parse_window(tokens) if starts_window(tokens) else None
    members = {member: tuple(ids[kind]) for kind, member in KINDS.items()}
    return MailCondition(lead, when=when, times=times, url=url, **members)


def _refuse_mixed(tokens: TokenReader, token: Token) -> None:
    detail = "Name broadcasts, templates and sequences in lists of their own, as in opened:template/5:sequence/3."
    tokens.refuse(token, BadValueError(detail))


def _print(condition: MailCondition) -> str:
    objects = "".join(f":{ids_text(ids, f'{kind}/')}" for kind, ids in objects_of(condition))
    url = "" if condition.url is None else f" url {quoted(condition.url)}"
    times = " >= 1" if condition.times == ONCE else print_times(condition.times)
    when = "" if condition.when is None else f" {window_text(condition.when)}"
    return f"{condition.status}{objects}{url}{times}{when}"


def selection_of(condition: MailCondition, moment: Moment) -> Selection:
    """The events that count."""
    url = () if condition.url is None else (PropertyTest(_URL, Comparison("eq", (condition.url,))),)
    spans = spans_of(condition.when, moment)
    return Selection(STATUSES[condition.status].events, spans, url, tuple(objects_of(condition)))


def _predicate(condition: MailCondition, moment: Moment) -> Predicate:
    status = STATUSES[condition.status]
    if condition.asks_events:
        low, high = condition.times or ONCE
        # Whether there is any does not depend on how often one is reported.
        is_counted = status.is_once and (low, high) != ONCE and (low, high) != (0, 0)
        measure = "emails" if is_counted else "times"
        return Happened(selection_of(condition, moment), measure, bounds=(low, high, True, True))
    if condition.broadcasts:
        return Member(status.relation, condition.broadcasts)
    assert status.latest is not None
    if condition.when is None:
        return present(status.latest)
    spans = condition.when.bounds(moment.now, moment.time_zone)
    return p.Any(tuple(Range(status.latest, low, high) for low, high in spans))


def _phrase(condition: MailCondition) -> str:
    status = STATUSES[condition.status]
    objects = [objects_phrase(kind, ids, "any of") for kind, ids in objects_of(condition)]
    link = "" if condition.url is None else f" on the link {condition.url}"
    when = "" if condition.when is None else f" {window_phrase(condition.when)}"
    says = status.of_objects.format(" and ".join(objects)) if objects else status.any_mail
    if condition.times == (0, 0):
        return f"are not among those who {says}{link}{when}"
    return f"{says}{link}{times_phrase(condition.times)}{when}"


MAIL: Final = Subject(
    "mail",
    MailCondition,
    (*KINDS, "url", "times", "when"),
    tuple(STATUSES),
    f"What became of emails: {', '.join(STATUSES)}; of broadcasts, templates or sequences, or of any email.",
    ({"mail": "opened", "broadcast": [8]}, "opened:broadcast/8"),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
