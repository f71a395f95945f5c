"""The subject `sequence`: events and emails one after another, with steps that are absent."""

from collections.abc import Callable
from typing import Any, Final

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Followed, Predicate
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects import dids, mails
from regulars.audience.questions.subjects.dids import DID, ONCE
from regulars.audience.questions.subjects.mails import MAIL, STATUSES
from regulars.audience.questions.tokens import TokenReader
from regulars.audience.questions.tree import DidCondition, MailCondition, SequenceCondition, SequenceStep
from regulars.audience.questions.windows import duration_words, milliseconds, read_duration

LEAD: Final = "steps"
LEAST_STEPS: Final = 2
MOST_STEPS: Final = 5

_PARTS: Final = {row.name: row for row in (DID, MAIL)}
_OF_STEP: Final = {
    "did": ("where", "when", "absent"),
    "mail": (*mails.KINDS, "url", "when", "absent"),
}
"""The members of a step besides its subject: what says how often has no place there."""

_UNREADABLE: Final = SequenceStep(DidCondition(""))
_COUNT: Final = f"must be a list of {LEAST_STEPS} to {MOST_STEPS} steps"
_FIRST: Final = "The first step cannot be absent."


def _read(reader: ObjectReader) -> SequenceCondition:
    given = reader.value("sequence")
    within = reader.get("within", _read_within, None)
    if not isinstance(given, list) or not LEAST_STEPS <= len(given) <= MOST_STEPS:
        reader.refuse("sequence", BadValueError(_COUNT))
        return SequenceCondition((_UNREADABLE, _UNREADABLE), within)
    steps = tuple(_read_step(reader, place, each) for place, each in enumerate(given))
    if steps[0].is_absent:
        reader.fault("invalid_value", _FIRST, "sequence", 0, "absent")
    return SequenceCondition(steps, within)


def _read_within(value: Any) -> str | None:
    found = read_duration(value)
    if not milliseconds(found):
        raise BadValueError("must be longer than 0h")
    return found


def _read_step(reader: ObjectReader, place: int, value: Any) -> SequenceStep:
    subjects = [name for name in _PARTS if isinstance(value, dict) and name in value]
    if len(subjects) != 1:
        detail = "A step must be an object with the subject did or mail."
        reader.fault("invalid_question", detail, "sequence", place)
        return _UNREADABLE
    (name,) = subjects
    inner = reader.inner(value, "sequence", place)
    inner.only(name, _OF_STEP[name])
    is_absent = inner.get("absent", _flag, False)
    if any(each in value for each in ("times", *dids.MEASURES, *dids.ENDS)):
        return _UNREADABLE
    return SequenceStep(_PARTS[name].read(inner), is_absent)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValueError("must be true or false")
    return value


def _write(condition: SequenceCondition) -> dict[str, Any]:
    steps = [
        {**_row(each).write(each.part), **({"absent": True} if each.is_absent else {})} for each in condition.steps
    ]
    return {"sequence": steps, **({} if condition.within is None else {"within": condition.within})}


def _row(step: SequenceStep) -> Subject:
    return DID if isinstance(step.part, DidCondition) else MAIL


def _parse(lead: str, tokens: TokenReader) -> SequenceCondition:
    begin = tokens.here
    tokens.expect("(")
    steps = [_parse_step(tokens)]
    while tokens.expect(",", ")") == ",":
        steps.append(_parse_step(tokens))
    if not LEAST_STEPS <= len(steps) <= MOST_STEPS:
        tokens.refuse(begin, BadValueError(f"A sequence has {LEAST_STEPS} to {MOST_STEPS} steps."))
    if steps[0].is_absent:
        tokens.refuse(begin, BadValueError(_FIRST))
    within = None
    if tokens.accept("within"):
        within = tokens.value(lambda text: _read_within(text.lower()), "a duration such as 7d")
    return SequenceCondition(tuple(steps), within)


def _parse_step(tokens: TokenReader) -> SequenceStep:
    is_absent = tokens.accept("absent") is not None
    token = tokens.here
    lead = tokens.expect("did", *STATUSES)
    part = (DID if lead == "did" else MAIL).parse(lead, tokens)
    if part.times not in (None, ONCE) or (lead != "did" and part.times is not None):
        tokens.refuse(token, BadValueError("A step cannot say how often."))
    return SequenceStep(part, is_absent)


def _print(condition: SequenceCondition) -> str:
    steps = ", ".join(f"{'absent ' if each.is_absent else ''}{_row(each).print(each.part)}" for each in condition.steps)
    return f"{LEAD}({steps})" + ("" if condition.within is None else f" within {condition.within}")


_SELECTIONS: Final[dict[type[Any], Callable[[Any, Moment], Any]]] = {
    DidCondition: dids.selection_of,
    MailCondition: mails.selection_of,
}


_ANY: Final = Moment(0)


def _predicate(condition: SequenceCondition, moment: Moment) -> Predicate:
    steps = tuple((_SELECTIONS[type(each.part)](each.part, moment), each.is_absent) for each in condition.steps)
    within = None if condition.within is None else milliseconds(condition.within)
    # The clock matters only where the end of the time must have been reached.
    now = moment.now if within is not None and condition.steps[-1].is_absent else 0
    return Followed(steps, within, now)


def is_about(condition: SequenceCondition, leaf: Followed) -> bool:
    """Whether a leaf is what the condition selects, at whatever moment."""
    names = [(_SELECTIONS[type(each.part)](each.part, _ANY).names, each.is_absent) for each in condition.steps]
    within = None if condition.within is None else milliseconds(condition.within)
    return names == [(selection.names, is_absent) for selection, is_absent in leaf.steps] and within == leaf.within


def _phrase(condition: SequenceCondition) -> str:
    says = ", then ".join(
        f"{'none who ' if each.is_absent else ''}{_row(each).phrase(each.part)}" for each in condition.steps
    )
    within = "" if condition.within is None else f", within {duration_words(condition.within)}"
    return f"in this order {says}{within}".replace("then none who", "then not those who")


SEQUENCE: Final = Subject(
    "sequence",
    SequenceCondition,
    ("within",),
    (LEAD,),
    f"{LEAST_STEPS} to {MOST_STEPS} events and emails one after another; a step may be absent.",
    (
        {"sequence": [{"did": "add_to_cart"}, {"did": "purchase", "absent": True}], "within": "1d"},
        "steps(did add_to_cart, absent did purchase) within 1d",
    ),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
