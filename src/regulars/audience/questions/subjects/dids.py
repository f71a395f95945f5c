"""The subject `did`: what customers did, by the events of a name: how often, when, and what a property comes to."""

from typing import Any, Final

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Happened, Predicate, Selection
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.properties import (
    ORDERED,
    bounds_of,
    comparison_phrase,
    facet_of,
    is_amount,
    measured,
    named,
    parse_comparison,
    parse_property,
    print_comparison,
    print_property,
    property_phrase,
    read_property,
    read_where,
    test_of,
    write_property,
)
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects.attributes import path_text, read_path
from regulars.audience.questions.tokens import COMPARISONS, TokenReader, word_or_quoted
from regulars.audience.questions.tree import DidCondition, PropertyCondition, Times
from regulars.audience.questions.window_text import parse_window, starts_window
from regulars.audience.questions.windows import Bounds, Window, read_window, window_phrase, window_text, write_window
from regulars.domain.limits import DEFAULT
from regulars.domain.text import whole_number

MEASURES: Final = {"sum": "total", "avg": "average", "min": "smallest", "max": "largest"}
"""What a property can come to, and how sentences say it."""

ENDS: Final = ("first", "last")
_COUNTED: Final = ("eq", "gt", "gte", "lt", "lte")
_ONE_OF: Final = ("times", *MEASURES, *ENDS)
_MOST_TIMES: Final = 1_000_000_000
_RESERVED: Final = frozenset({"where", "in", "from", "to", "last", "next", "this", "previous", "anniversary"})
ONCE: Final[Times] = (1, None)


def read_event(value: Any) -> str:
    """The name of an event. Raises BadValueError."""
    longest = DEFAULT.event_name
    if isinstance(value, str) and 1 <= len(value) <= longest and "." not in value and not any(map(str.isspace, value)):
        return value
    raise BadValueError(f"must be the name of an event: 1 to {longest} characters without '.' or white space")


def read_times(value: Any) -> Times:
    """From 3, or from comparisons such as {"gte": 1, "lte": 3}. Raises BadValueError."""
    given = value if isinstance(value, dict) else {"eq": value}
    if not given or not given.keys() <= set(_COUNTED):
        raise BadValueError('must be a number, or comparisons with numbers such as {"gte": 3}', allowed=_COUNTED)
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in given.values()):
        raise BadValueError("must compare with whole numbers")
    return times_of(list(given.items()))


def times_of(comparisons: list[tuple[str, int]]) -> Times:
    """The bounds that comparisons set. Raises BadValueError."""
    low: int | None = None
    high: int | None = None
    for operator, number in comparisons:
        if not 0 <= number <= _MOST_TIMES:
            raise BadValueError(f"must compare with numbers from 0 to {_MOST_TIMES}")
        least = {"eq": number, "gte": number, "gt": number + 1}.get(operator)
        most = {"eq": number, "lte": number, "lt": number - 1}.get(operator)
        low = least if low is None or (least is not None and least > low) else low
        high = most if high is None or (most is not None and most < high) else high
    if (high is not None and high < 0) or (low is not None and high is not None and low > high):
        raise BadValueError("must leave a number that is possible")
    return low, high


def write_times(times: Times) -> dict[str, int]:
    """The JSON form."""
    low, high = times
    if low is not None and low == high:
        return {"eq": low}
    return {name: bound for name, bound in (("gte", low), ("lte", high)) if bound is not None}


def print_times(times: Times | None) -> str:
    """The text form, with a space before; empty for "at least once"."""
    if times is None or times == ONCE:
        return ""
    signs = {"eq": "=", "gte": ">=", "lte": "<="}
    return "".join(f" {signs[name]} {bound}" for name, bound in write_times(times).items())


def parse_times(tokens: TokenReader) -> Times | None:
    """Comparisons such as `>= 3`; None if there is none."""
    begin, found = tokens.here, []
    while (sign := tokens.accept(*(sign for sign, name in COMPARISONS.items() if name in _COUNTED))) is not None:
        found.append((COMPARISONS[sign], tokens.value(_whole, "a whole number")))
    if not found:
        return None
    try:
        return times_of(found)
    except BadValueError as error:
        tokens.refuse(begin, error)


def _whole(text: str) -> int:
    found = whole_number(text, longest=10)
    if found is None:
        raise BadValueError("must be a whole number")
    return found


def times_phrase(times: Times | None) -> str:
    """How often, with a space before."""
    if times is None or times == ONCE:
        return ""
    low, high = times
    if low == high:
        return f" exactly {_counted(low)}"
    if high is None:
        return f" at least {_counted(low)}"
    return f" at most {_counted(high)}" if low is None else f" {low} to {_counted(high)}"


def _counted(number: int | None) -> str:
    return "once" if number == 1 else f"{number} times"


def _read(reader: ObjectReader) -> DidCondition:
    event = reader.get("did", read_event, "")
    where = read_where(reader, event)
    when: Window | None = reader.get("when", read_window, None)
    plain = DidCondition(event, where, when)
    given = [name for name in _ONE_OF if reader.has(name)]
    if not given:
        return plain
    name = reader.one_of(_ONE_OF)
    if name is None:
        return plain
    if name == "times":
        return DidCondition(event, where, when, reader.get("times", read_times, ONCE))
    if name in ENDS:
        value = reader.value(name)
        if value is True and when is not None:  # the window is that of the first or last event itself
            return DidCondition(event, where, None, None, name, None, when)
        during = reader.get(name, _read_during, None)
        return DidCondition(event, where, when, None, name, None, during)
    value = reader.value(name)
    if not isinstance(value, dict) or "property" not in value:
        reader.fault("invalid_value", f'{name} must be such as {{"property": "revenue", "gt": "59"}}.', name)
        return plain
    inner = reader.inner(value, name)
    inner.only("property", ORDERED)
    of = read_property(inner, event, ORDERED)
    if of is None:
        return plain
    try:
        return DidCondition(event, where, when, None, name, measured(event, of))
    except BadValueError as error:
        inner.refuse(of.operator, error)
        return plain


def _read_during(value: Any) -> Window:
    given = value["when"] if isinstance(value, dict) and value.keys() == {"when"} else value
    return read_window(given)


def _write(condition: DidCondition) -> dict[str, Any]:
    shown: dict[str, Any] = {"did": condition.event}
    if condition.times is not None and condition.times != ONCE:
        shown["times"] = write_times(condition.times)
    if condition.of is not None:
        shown[condition.measure] = write_property(condition.of)
    if condition.during is not None:
        shown[condition.measure] = {"when": write_window(condition.during)}
    if condition.where:
        shown["where"] = [write_property(each) for each in condition.where]
    if condition.when is not None:
        shown["when"] = write_window(condition.when)
    return shown


def _parse(lead: str, tokens: TokenReader) -> DidCondition:
    if lead == "did":
        event = tokens.value(read_event, "the name of an event")
        times = parse_times(tokens) or ONCE
        return DidCondition(event, *_rest(tokens, event), times)
    tokens.expect("(")
    if lead in ENDS:
        event = tokens.value(read_event, "the name of an event")
        tokens.expect(")")
        if not starts_window(tokens):
            tokens.fail("a window such as in last 30d")
        during = parse_window(tokens)
        where, when = _rest(tokens, event, among=True)
        return DidCondition(event, where, when, None, lead, None, during)
    token = tokens.here
    event, path = tokens.value(_event_and_property, "the name of an event, a dot and that of a property")
    tokens.expect(")")
    sign = tokens.here
    operator = "between" if tokens.accept("between") else COMPARISONS[tokens.expect(*_SIGNED, "between")]
    try:
        of = measured(event, parse_comparison(tokens, event, path, operator, sign))
    except BadValueError as error:
        tokens.refuse(token, error)
    return DidCondition(event, *_rest(tokens, event), None, lead, of)


_SIGNED: Final = tuple(sign for sign, name in COMPARISONS.items() if name in ORDERED)


def _event_and_property(text: str) -> tuple[str, tuple[str, ...]]:
    event, _, path = text.partition(".")
    return read_event(event), read_path(path)


def _rest(
    tokens: TokenReader, event: str, *, among: bool = False
) -> tuple[tuple[PropertyCondition, ...], Window | None]:
    """The conditions on properties and the window. among: the window comes after the word `among`."""
    where = []
    while tokens.accept("where"):
        where.append(parse_property(tokens, event))
    if among:
        return tuple(where), parse_window(tokens) if tokens.accept("among") else None
    return tuple(where), parse_window(tokens) if starts_window(tokens) else None


def print_event(event: str) -> str:
    """The name of an event in the text form."""
    return word_or_quoted(event, reserved=_RESERVED)


def _print(condition: DidCondition) -> str:
    event = condition.event
    where = "".join(f" where {print_property(event, each)}" for each in condition.where)
    when = "" if condition.when is None else f" {window_text(condition.when)}"
    if condition.of is not None:
        name = f"{event}.{named(condition.of.path)}"
        is_plain = word_or_quoted(name) == name
        name = name if is_plain else word_or_quoted(f"{event}.{path_text(condition.of.path)}")
        return f"{condition.measure}({name}) {print_comparison(event, condition.of)}{where}{when}"
    if condition.during is not None:
        among = f" among{when}" if when else ""
        return f"{condition.measure}({print_event(event)}) {window_text(condition.during)}{where}{among}"
    return f"did {print_event(event)}{print_times(condition.times)}{where}{when}"


def selection_of(condition: DidCondition, moment: Moment) -> Selection:
    """The events that count."""
    return Selection(
        (condition.event,),
        spans_of(condition.when, moment),
        tuple(test_of(condition.event, each, moment) for each in condition.where),
    )


def spans_of(when: Window | None, moment: Moment) -> tuple[Bounds, ...]:
    """The periods of a window; of None, always."""
    return ((None, None),) if when is None else tuple(when.bounds(moment.now, moment.time_zone))


def _predicate(condition: DidCondition, moment: Moment) -> Predicate:
    selection = selection_of(condition, moment)
    if condition.of is not None:
        facet = facet_of(condition.event, condition.of.path)
        bounds = bounds_of(condition.of, money=is_amount(condition.event, condition.of.path))
        return Happened(selection, condition.measure, facet, bounds)
    if condition.during is not None:
        return Happened(selection, condition.measure, during=spans_of(condition.during, moment))
    low, high = condition.times or ONCE
    return Happened(selection, bounds=(low, high, True, True))


def _phrase(condition: DidCondition) -> str:
    where = "".join(f" with {property_phrase(each)}" for each in condition.where)
    when = "" if condition.when is None else f" {window_phrase(condition.when)}"
    event = f"“{condition.event}”{where}"
    if condition.of is not None:
        says = f"{MEASURES[condition.measure]} {path_text(condition.of.path)} {comparison_phrase(condition.of)}"
        return f"have a {says} in {event}{when}" if condition.measure != "avg" else f"have an {says} in {event}{when}"
    if condition.during is not None:
        among = f", of those{when}" if when else ""
        return f"did {event} for the {condition.measure} time {window_phrase(condition.during)}{among}"
    if condition.times == (0, 0):
        return f"never did {event}{when}"
    return f"did {event}{times_phrase(condition.times)}{when}"


DID: Final = Subject(
    "did",
    DidCondition,
    ("times", *MEASURES, *ENDS, "where", "when"),
    ("did", *MEASURES, *ENDS),
    "What customers did: events of a name, how often, with which properties, when.",
    (
        {
            "did": "purchase",
            "times": {"gte": 3},
            "where": [{"property": "revenue", "gte": "20"}],
            "when": {"last": "90d"},
        },
        "did purchase >= 3 where revenue >= 20 in last 90d",
    ),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
