"""The subject `is`: the states that a customer can be in."""

from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import BY_NAME, Moment
from regulars.audience.filters.predicates import Member, Predicate, Range
from regulars.audience.questions.faults import BadValueError, unknown_name
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.tokens import TokenReader
from regulars.audience.questions.tree import StateCondition
from regulars.audience.questions.window_text import parse_window, starts_window
from regulars.audience.questions.windows import Window, read_window, window_phrase, window_text, write_window
from regulars.audience.sentences import filter_phrase


class State(Struct, frozen=True):
    """A state. condition: the filter that is true for it, or the name of a flag. since: the column with its time."""

    condition: str
    since: str | None = None
    phrase: str = ""


STATES: Final[dict[str, State]] = {
    "subscribed": State("subscribed", "subscribed_at"),
    "pending": State("pending"),
    "never_subscribed": State("never_subscribed"),
    "hidden": State("is_hidden"),
    "suppressed": State("is_suppressed"),
    "forgotten": State("is_forgotten"),
    "hard_bouncing": State("is_hard_bouncing", "bounced_at"),
    "spam_reported": State("spam_reported", "complained_at", "reported an email as spam"),
    "healthy": State("healthy_contacts_with_open_data"),
    "passive": State("passive_contacts_with_open_data"),
    "unengaged": State("unengaged_contacts_with_open_data"),
    "inactive": State("inactive_contacts_with_open_data"),
}
"""Every state by name."""


def _name(value: Any) -> str:
    if value not in STATES:
        raise unknown_name("state", str(value), tuple(STATES))
    return str(value)


def _checked(condition: StateCondition) -> StateCondition:
    if condition.when is not None and STATES[condition.state].since is None:
        allowed = ", ".join(name for name, row in STATES.items() if row.since is not None)
        raise BadValueError(f"The time since when a customer is {condition.state} is not known; it is of: {allowed}.")
    return condition


def _read(reader: ObjectReader) -> StateCondition:
    found = StateCondition(reader.get("is", _name, ""), reader.get("since", read_window, None))
    if reader.is_sound:
        try:
            _checked(found)
        except BadValueError as error:
            reader.refuse("since", error)
    return found


def _write(condition: StateCondition) -> dict[str, Any]:
    when = {} if condition.when is None else {"since": write_window(condition.when)}
    return {"is": condition.state, **when}


def _parse(lead: str, tokens: TokenReader) -> StateCondition:
    tokens.accept(":")
    state = tokens.value(lambda text: _name(text.lower()), *STATES)
    token = tokens.here
    when: Window | None = parse_window(tokens) if starts_window(tokens) else None
    try:
        return _checked(StateCondition(state, when))
    except BadValueError as error:
        tokens.refuse(token, error)


def _print(condition: StateCondition) -> str:
    return f"is {condition.state}" + ("" if condition.when is None else f" {window_text(condition.when)}")


def _predicate(condition: StateCondition, moment: Moment) -> Predicate:
    state = STATES[condition.state]
    row = BY_NAME.get(state.condition)
    holds = Member(state.condition) if row is None or row.predicate is None else row.predicate(True, moment)
    if condition.when is None or state.since is None:
        return holds
    since = [Range(state.since, *bounds) for bounds in condition.when.bounds(moment.now, moment.time_zone)]
    return p.All((holds, p.Any(tuple(since))))


def _phrase(condition: StateCondition) -> str:
    state = STATES[condition.state]
    phrase = state.phrase or filter_phrase(state.condition, "true")
    return phrase if condition.when is None else f"{phrase}, since a time {window_phrase(condition.when)}"


IS: Final = Subject(
    "is",
    StateCondition,
    ("since",),
    ("is",),
    f"A state: {', '.join(STATES)}.",
    ({"is": "subscribed", "since": {"last": "30d"}}, "is subscribed in last 30d"),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
