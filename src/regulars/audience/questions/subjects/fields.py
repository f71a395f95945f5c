"""The subject `field`: the fields of customers, compared with values."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Predicate, Range
from regulars.audience.questions.faults import BadValueError, unknown_name
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects.attributes import LEAD, parse_path
from regulars.audience.questions.subjects.field_kinds import ADDRESS, CUSTOMER_ID, MONEY, TEXT, TIME, UUID, FieldKind
from regulars.audience.questions.tokens import COMPARISONS, TokenReader, quoted, word_or_quoted
from regulars.audience.questions.tree import MOST_IDS, AttributeCondition, FieldCondition, Node, Not
from regulars.audience.questions.window_text import parse_window, starts_window
from regulars.audience.questions.windows import read_window, window_phrase, window_text, write_window


class Field(Struct, frozen=True):
    """A field: its kind, and its name in sentences, a verb if it is a time. has_set: whether `set` is an operator."""

    kind: FieldKind
    words: str
    has_set: bool = True


FIELDS: Final[dict[str, Field]] = {
    "name": Field(TEXT, "name"),
    "email": Field(ADDRESS, "email address"),
    "phone_number": Field(TEXT, "phone number"),
    "mobile_phone_number": Field(TEXT, "mobile phone number"),
    "address_line_1": Field(TEXT, "first address line"),
    "address_line_2": Field(TEXT, "second address line"),
    "address_city": Field(TEXT, "city"),
    "address_state": Field(TEXT, "state"),
    "address_country": Field(TEXT, "country"),
    "address_zip": Field(TEXT, "zip code"),
    "customer_id": Field(CUSTOMER_ID, "customer_id", has_set=False),
    "uuid": Field(UUID, "uuid", has_set=False),
    "net_revenue": Field(MONEY, "net revenue"),
    "created_at": Field(TIME, "were created"),
    "updated_at": Field(TIME, "last changed"),
    "joined_at": Field(TIME, "became customers"),
    "last_request_at": Field(TIME, "were last active"),
    "subscribed_at": Field(TIME, "last subscribed"),
    "unsubscribed_at": Field(TIME, "last unsubscribed"),
    "manually_unsubscribed_at": Field(TIME, "were last unsubscribed by hand"),
    "opted_out_at": Field(TIME, "last opted out"),
    "complained_at": Field(TIME, "last complained"),
    "bounced_at": Field(TIME, "last had an email bounce"),
    "last_sent_at": Field(TIME, "were last sent an email"),
    "last_delivered_at": Field(TIME, "last received an email"),
    "last_opened_at": Field(TIME, "last opened an email"),
    "last_clicked_at": Field(TIME, "last clicked in an email"),
}
"""Every field by name."""

ALIASES: Final = {
    "revenue": "net_revenue",
    "phone": "phone_number",
    "mobile": "mobile_phone_number",
    "city": "address_city",
    "state": "address_state",
    "country": "address_country",
    "zip": "address_zip",
    "external_user_id": "customer_id",
    "created": "created_at",
    "updated": "updated_at",
    "joined": "joined_at",
}
"""Shorter names that are understood; the canonical form has the name of FIELDS."""

OPERATORS: Final = tuple(dict.fromkeys([*TEXT.tests, *TIME.tests, "when", "set"]))
_WORDS: Final = ("in", "starts", "ends", "contains", "between")
_RESERVED: Final = frozenset({"and", "or", "not"})


def operators_of(field: Field) -> tuple[str, ...]:
    """The operators that a field has."""
    return (*field.kind.tests, *(("when",) if field.kind.has_window else ()), *(("set",) if field.has_set else ()))


def _name(value: Any) -> str:
    name = ALIASES.get(str(value), str(value))
    if name not in FIELDS or not isinstance(value, str):
        raise unknown_name("field", str(value), tuple(FIELDS))
    return name


def _read_values(kind: FieldKind, operator: str, value: Any) -> tuple[str, ...]:
    if operator == "one_of":
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_IDS:
            raise BadValueError(f"must be a list of 1 to {MOST_IDS} values")
        return tuple(dict.fromkeys(map(kind.read, value)))
    if operator == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise BadValueError("must be a list of two values, the smaller one first")
        return tuple(map(kind.read, value))
    return (kind.read(value),)


def _read(reader: ObjectReader) -> Node:
    name = reader.get("field", _name, "")
    if not name:
        return FieldCondition("name", "set")
    field = FIELDS[name]
    operators = operators_of(field)
    reader.only("field", operators)
    operator = reader.one_of(operators)
    if operator is None:
        return FieldCondition(name, "set")
    if operator == "when":
        return FieldCondition(name, "when", when=reader.get("when", read_window, None))
    if operator == "set":
        is_set = reader.get("set", _flag, True)
        return FieldCondition(name, "set") if is_set else Not(FieldCondition(name, "set"))
    return FieldCondition(
        name, operator, reader.get(operator, lambda value: _read_values(field.kind, operator, value), ())
    )


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValueError("must be true or false")
    return value


def _write(condition: FieldCondition) -> dict[str, Any]:
    shown: dict[str, Any] = {"field": condition.field}
    match condition.operator:
        case "set":
            shown["set"] = True
        case "when":
            assert condition.when is not None
            shown["when"] = write_window(condition.when)
        case "one_of" | "between":
            shown[condition.operator] = [*condition.values]
        case _:
            shown[condition.operator] = condition.values[0]
    return shown


def _parse(lead: str, tokens: TokenReader) -> FieldCondition | AttributeCondition:
    if lead == "has":
        if tokens.here.word.startswith(LEAD):
            return AttributeCondition(parse_path(tokens.take().text, tokens), "set")
        return FieldCondition(tokens.value(lambda text: _settable(text.lower()), "the name of a field"), "set")
    name = ALIASES.get(lead, lead)
    kind = FIELDS[name].kind
    if kind.has_window and starts_window(tokens):
        return FieldCondition(name, "when", when=parse_window(tokens))
    token = tokens.here
    sign = tokens.expect(":", *COMPARISONS, *_WORDS)
    operator = {":": "contains" if "contains" in kind.tests else "eq", "in": "one_of", **COMPARISONS}.get(sign, sign)
    if operator not in kind.tests:
        allowed = operators_of(FIELDS[name])
        shown = ", ".join(allowed)
        error = BadValueError(
            f"The field {name} has no operator {sign!r}. Allowed: {shown}.", code="unknown_operator", allowed=allowed
        )
        tokens.refuse(token, error)
    if operator == "one_of":
        values = tokens.values(kind.read)
        if len(values) > MOST_IDS:
            tokens.refuse(token, BadValueError(f"must have at most {MOST_IDS} values"))
        return FieldCondition(name, operator, tuple(dict.fromkeys(values)))
    first = tokens.value(kind.read)
    if operator != "between":
        return FieldCondition(name, operator, (first,))
    tokens.expect("and")
    return FieldCondition(name, operator, (first, tokens.value(kind.read)))


def _settable(text: str) -> str:
    name = _name(text)
    if not FIELDS[name].has_set:
        raise BadValueError(f"The field {name} is not kept in a way that it could be asked for.")
    return name


def _value_text(kind: FieldKind, value: str) -> str:
    return word_or_quoted(value, reserved=_RESERVED) if kind.name in ("money", "time", "uuid") else quoted(value)


def _print(condition: FieldCondition) -> str:
    name, kind = condition.field, FIELDS[condition.field].kind
    values = [_value_text(kind, value) for value in condition.values]
    match condition.operator:
        case "set":
            return f"has {name}"
        case "when":
            assert condition.when is not None
            return f"{name} {window_text(condition.when)}"
        case "one_of":
            return f"{name} in ({', '.join(values)})"
        case "between":
            return f"{name} between {values[0]} and {values[1]}"
        case "contains":
            return f"{name}:{values[0]}"
        case "starts" | "ends":
            return f"{name} {condition.operator} {values[0]}"
        case operator:
            return f"{name} {_SIGNS[operator]} {values[0]}"


_SIGNS: Final = {operator: sign for sign, operator in COMPARISONS.items()}


def _predicate(condition: FieldCondition, moment: Moment) -> Predicate:
    kind, column = FIELDS[condition.field].kind, condition.field
    if condition.operator == "set":
        return kind.present(column)
    if condition.operator == "when":
        assert condition.when is not None
        spans = condition.when.bounds(moment.now, moment.time_zone)
        return p.Any(tuple(Range(column, low, high) for low, high in spans))
    return kind.tests[condition.operator](column, condition.values, moment)


_COMPARED: Final[dict[str, dict[str, str]]] = {
    "text": {
        "eq": "have the {field} {0}",
        "ne": "do not have the {field} {0}",
        "one_of": "have one of these as their {field}: {list}",
        "contains": "have {0} in their {field}",
        "starts": "have a {field} that starts with {0}",
        "ends": "have a {field} that ends with {0}",
        "set": "have a {field}",
    },
    "money": {
        "eq": "have a {field} of exactly {0}",
        "ne": "do not have a {field} of exactly {0}",
        "gt": "have a {field} of more than {0}",
        "gte": "have a {field} of at least {0}",
        "lt": "have a {field} of less than {0}",
        "lte": "have a {field} of at most {0}",
        "between": "have a {field} from {0} to {1}",
        "set": "have a {field}",
    },
    "time": {
        "eq": "{field} on {0}",
        "ne": "are not among those who {field} on {0}",
        "gt": "{field} after {0}",
        "gte": "{field} on or after {0}",
        "lt": "{field} before {0}",
        "lte": "{field} on or before {0}",
        "between": "{field} from {0} to {1}",
        "when": "{field} {when}",
        "set": "{field} at a known time",
    },
}
"""The wording of each operator by kind of field; the kinds that are not here are worded as texts."""


def _phrase(condition: FieldCondition) -> str:
    field = FIELDS[condition.field]
    is_plain = field.kind.name in ("money", "time", "uuid")
    values: Sequence[str] = condition.values if is_plain else [f"“{value}”" for value in condition.values]
    says = _COMPARED.get(field.kind.name, _COMPARED["text"])[condition.operator]
    when = "" if condition.when is None else window_phrase(condition.when)
    return says.format(*values, field=field.words, list=", ".join(values), when=when)


FIELD: Final = Subject(
    "field",
    FieldCondition,
    OPERATORS,
    (*FIELDS, *ALIASES, "has"),
    "A field compared with a value.",
    ({"field": "net_revenue", "gt": "100.00"}, "net_revenue > 100.00"),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
