"""The subject `has`: ties to objects, such as tags, offers and newsletters."""

from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Member, Not, Predicate, TiedSince
from regulars.audience.questions.faults import BadValueError, unknown_name
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.tokens import TokenReader, word_or_quoted
from regulars.audience.questions.tree import MOST_IDS, Id, TieCondition
from regulars.audience.questions.window_text import parse_window, starts_window
from regulars.audience.questions.windows import read_window, window_phrase, window_text, write_window
from regulars.domain.references import parse_reference
from regulars.domain.relations import BY_NAME


class Tie(Struct, frozen=True):
    """A kind of tie. phrase, denied: complete "customers who ..."; {} are the objects, called `noun`."""

    relation: str
    noun: str
    phrase: str
    denied: str


TIES: Final[dict[str, Tie]] = {
    "tag": Tie("tag.has", "tag", "have {}", "do not have {}"),
    "group": Tie("group.member", "group", "are in {}", "are not in {}"),
    "offer": Tie("offer.granted", "offer", "have {}", "do not have {}"),
    "product": Tie("product.owned", "product", "have {}", "do not have {}"),
    "active_product": Tie("product.active", "product", "actively use {}", "do not actively use {}"),
    "previous_product": Tie("product.previously_owned", "product", "had {} and lost it", "did not lose {}"),
    "newsletter": Tie("newsletter.subscribed", "newsletter", "are subscribed to {}", "are not subscribed to {}"),
    "newsletter_left": Tie(
        "newsletter.unsubscribed", "newsletter", "unsubscribed from {}", "did not unsubscribe from {}"
    ),
    "sequence": Tie("sequence.subscribed", "sequence", "are in {}", "are not in {}"),
    "coupon": Tie("coupon.used", "coupon", "used {}", "did not use {}"),
    "form": Tie("form.submitted", "form", "submitted {}", "did not submit {}"),
    "event": Tie("event.registered", "event", "registered for {}", "did not register for {}"),
    "list": Tie("audience.member", "list", "are in {}", "are not in {}"),
    "assessment": Tie("assessment.completed", "assessment", "completed {}", "did not complete {}"),
}
"""Every kind of tie by name."""

RESULTS: Final = {True: "assessment.passed", False: "assessment.failed"}
QUANTIFIERS: Final = {"any_of": "any of", "all_of": "all of", "none_of": "any of"}
WORDS: Final = {"in": "any_of", "all": "all_of", "none": "none_of"}
"""The words before the brackets in the text form."""

_WORD_OF: Final = {quantifier: word for word, quantifier in WORDS.items()}
_RESERVED: Final = frozenset({"and", "or", "not"})
NO_IDS: Final[tuple[Id, ...]] = ()


def _kind(value: Any) -> str:
    if value not in TIES:
        raise unknown_name("kind of object", str(value), tuple(TIES))
    return str(value)


def _relation(condition: TieCondition) -> str:
    return TIES[condition.kind].relation if condition.passed is None else RESULTS[condition.passed]


def read_id(value: Any, object_kind: str) -> Id:
    """An object's number or key. Raises BadValueError."""
    try:
        return parse_reference(value, object_kind)
    except ValueError as error:
        raise BadValueError(str(error)) from None


def read_ids(value: Any, object_kind: str) -> tuple[Id, ...]:
    """A list of numbers and keys, or one of them. Raises BadValueError."""
    listed = value if isinstance(value, list) else [value]
    if not 1 <= len(listed) <= MOST_IDS:
        raise BadValueError(f"must be a list of 1 to {MOST_IDS} numbers or keys")
    return tuple(dict.fromkeys(read_id(each, object_kind) for each in listed))


def _object_kind(kind: str) -> str:
    return BY_NAME[TIES[kind].relation].kind or ""


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValueError("must be true or false")
    return value


def _read(reader: ObjectReader) -> TieCondition:
    kind = reader.get("has", _kind, "tag")
    quantifier = reader.one_of(tuple(QUANTIFIERS)) or "any_of"
    ids = reader.get(quantifier, lambda value: read_ids(value, _object_kind(kind)), NO_IDS)
    passed: bool | None = reader.get("passed", _flag, None)
    if passed is not None and kind != "assessment":
        reader.refuse("passed", BadValueError("can be given for an assessment only"))
    return TieCondition(kind, quantifier, ids, passed, reader.get("when", read_window, None))


def _write(condition: TieCondition) -> dict[str, Any]:
    result = {} if condition.passed is None else {"passed": condition.passed}
    when = {} if condition.when is None else {"when": write_window(condition.when)}
    return {"has": condition.kind, condition.quantifier: [*condition.ids], **result, **when}


def _parse(lead: str, tokens: TokenReader) -> TieCondition:
    word = tokens.expect(":", *WORDS)
    quantifier = WORDS.get(word, "any_of")
    begin = tokens.here
    ids = tokens.values(lambda text: read_id(text, _object_kind(lead)))
    if len(ids) > MOST_IDS:
        tokens.refuse(begin, BadValueError(f"must be a list of at most {MOST_IDS} numbers or keys"))
    passed: bool | None = None
    if lead == "assessment" and (result := tokens.accept("passed", "failed")):
        passed = result == "passed"
    when = parse_window(tokens) if starts_window(tokens) else None
    return TieCondition(lead, quantifier, tuple(dict.fromkeys(ids)), passed, when)


def ids_text(ids: tuple[Id, ...], prefix: str = "") -> str:
    """The ids in the text form: one bare, several in brackets."""
    shown = [word_or_quoted(f"{prefix}{each}", reserved=_RESERVED) for each in ids]
    return shown[0] if len(shown) == 1 else f"({', '.join(shown)})"


def _print(condition: TieCondition) -> str:
    result = "" if condition.passed is None else (" passed" if condition.passed else " failed")
    result += "" if condition.when is None else f" {window_text(condition.when)}"
    if condition.quantifier == "any_of":
        return f"{condition.kind}:{ids_text(condition.ids)}{result}"
    shown = ", ".join(word_or_quoted(str(each), reserved=_RESERVED) for each in condition.ids)
    return f"{condition.kind} {_WORD_OF[condition.quantifier]} ({shown}){result}"


def _predicate(condition: TieCondition, moment: Moment) -> Predicate:
    relation, when = _relation(condition), condition.when

    def tied(ids: tuple[Id, ...]) -> Predicate:
        if when is None:
            return Member(relation, ids)
        return TiedSince(relation, ids, tuple(when.bounds(moment.now, moment.time_zone)))

    match condition.quantifier:
        case "all_of":
            return p.All(tuple(tied((each,)) for each in condition.ids))
        case "none_of":
            return Not(tied(condition.ids))
        case _:
            return tied(condition.ids)


def objects_phrase(noun: str, ids: tuple[Id, ...], among: str) -> str:
    """The objects in words: tag “vip”, any of the tags 1 and 2."""
    shown = [str(each) if isinstance(each, int) else f"“{each}”" for each in ids]
    if len(shown) == 1:
        return f"{noun} {shown[0]}"
    return f"{among} the {noun}s {', '.join(shown[:-1])} and {shown[-1]}"


def _phrase(condition: TieCondition) -> str:
    tie = TIES[condition.kind]
    objects = objects_phrase(tie.noun, condition.ids, QUANTIFIERS[condition.quantifier])
    says = tie.denied if condition.quantifier == "none_of" else tie.phrase
    if condition.passed is not None:
        says = says.replace("complete", "pass" if condition.passed else "fail").replace("passd", "passed")
    when = "" if condition.when is None else f" since a moment {window_phrase(condition.when)}"
    return says.format(objects) + when


HAS: Final = Subject(
    "has",
    TieCondition,
    (*QUANTIFIERS, "passed", "when"),
    tuple(TIES),
    f"Tied to objects by number or key: {', '.join(TIES)}.",
    ({"has": "tag", "any_of": ["vip", 7]}, "tag:(vip, 7)"),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
