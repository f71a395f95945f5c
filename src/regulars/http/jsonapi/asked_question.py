"""The question of a call: read from its parameters, in JSON or text, with its time zone and moment."""

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from regulars.audience.questions.faults import BadQuestionError, BadValueError, QuestionFault
from regulars.audience.questions.json_form import read_question, write_question
from regulars.audience.questions.subjects.attributes import LONGEST, MOST_NAMES, typed
from regulars.audience.questions.text_form import parse_question
from regulars.audience.questions.tree import MOST_BYTES, All, AttributeCondition, Node
from regulars.audience.questions.windows import read_time, time_span
from regulars.domain.wire import decode_json
from regulars.http.jsonapi.failures import ParameterProblem, QuestionProblem

QUESTION: Final = "question"
TEXT: Final = "q"
TIME_ZONE: Final = "time_zone"
AS_OF: Final = "as_of"
ATTRIBUTE: Final = "filter[attributes]["
PARAMETERS: Final = (QUESTION, TEXT, TIME_ZONE, AS_OF)
"""The parameters of calls that take a question."""

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


_SHORT: Final = 2_000
"""Questions with fewer characters are parsed once while they are asked again and again."""


class AskedQuestion(Struct, frozen=True):
    """A question as a call asks it. time_zone: its IANA name; None: that of the site.

    as_of: the moment (ms UTC) that its windows refer to; None: now. parameter: where it was given, QUESTION or TEXT.
    """

    node: Node
    time_zone: str | None = None
    as_of: int | None = None
    parameter: str = QUESTION

    def zone(self, of_site: str | None) -> tuple[str, tzinfo]:
        """The time zone, by name and as rules: the question's, else the site's, else UTC."""
        name = self.time_zone or of_site or "UTC"
        return name, zone_of(name)

    def in_zone(self, of_site: str) -> "AskedQuestion":
        """The question with the time zone of its site, unless it has its own."""
        return self if self.time_zone is not None else msgspec.structs.replace(self, time_zone=of_site)

    @property
    def identity(self) -> list[tuple[str, str]]:
        """What tells this question from others, in the form of filters; cursors are bound to it."""
        return [
            (QUESTION, _encode(write_question(self.node)).decode()),
            (TIME_ZONE, self.time_zone or ""),
            (AS_OF, "" if self.as_of is None else str(self.as_of)),
        ]


@lru_cache(maxsize=1_024)
def zone_of(name: str) -> tzinfo:
    """The rules of a time zone. Raises BadValueError for a name that is none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a malformed name, a folder, an unknown zone
        raise BadValueError("must be the name of a time zone such as Europe/Berlin") from None


def read_asked(
    given: Mapping[str, str], attributes: Sequence[tuple[str, str]] = (), otherwise: Node | None = None
) -> AskedQuestion | None:
    """The question in the parameters; if there is none, `otherwise`. Raises QuestionProblem and ParameterProblem.

    attributes: filters such as filter[attributes][plan], with their values; customers must also match all of them.
    """
    asked = _read(given, otherwise, has_attributes=bool(attributes))
    if not attributes:
        return asked
    parts = [_attribute(name, value) for name, value in attributes]
    if asked is None:
        return AskedQuestion(All(tuple(parts)))
    return msgspec.structs.replace(asked, node=All((asked.node, *parts)))


def _attribute(parameter: str, value: str) -> Node:
    """An attribute that is this text or, if the value is a number, true or false, this value."""
    names = parameter[len(ATTRIBUTE) :].rstrip("]").split("][")
    if not parameter.endswith("]") or not all(names) or len(names) > MOST_NAMES:
        raise ParameterProblem(parameter, f"{parameter} must be {ATTRIBUTE}name], or {ATTRIBUTE}outer][inner].")
    if len(value) > LONGEST:
        raise ParameterProblem(parameter, f"{parameter} must have at most {LONGEST} characters.")
    as_typed = typed(value)
    values = (value,) if isinstance(as_typed, str) else (value, as_typed)
    return AttributeCondition(tuple(names), "one_of", values)


def _read(given: Mapping[str, str], otherwise: Node | None, *, has_attributes: bool) -> AskedQuestion | None:
    if QUESTION in given and TEXT in given:
        raise ParameterProblem(TEXT, f"{TEXT} and {QUESTION} cannot be combined: use one of them.")
    name = QUESTION if QUESTION in given else TEXT
    if name not in given and otherwise is None:
        for other in (TIME_ZONE, AS_OF):
            if other in given and not has_attributes:
                raise ParameterProblem(other, f"{other} needs {QUESTION} or {TEXT}.")
        return None
    if name in given or otherwise is None:
        node = _from_json(given[QUESTION]) if name == QUESTION else _from_text(given[TEXT])
    else:
        node = otherwise
    try:
        zone = given.get(TIME_ZONE) or None
        if zone is not None:
            zone_of(zone)
    except BadValueError as error:
        raise ParameterProblem(TIME_ZONE, f"{TIME_ZONE} {error}.") from None
    try:
        moment = time_span(read_time(given[AS_OF]), zone_of(zone or "UTC"))[0] if AS_OF in given else None
    except BadValueError as error:
        raise ParameterProblem(AS_OF, f"{AS_OF} {error}.") from None
    return AskedQuestion(node, zone, moment, name)


def _from_json(text: str) -> Node:
    return (_json_again if len(text) < _SHORT else _read_json)(text)


def _read_json(text: str) -> Node:
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        detail = f"A question in JSON has at most {MOST_BYTES} bytes."
        raise QuestionProblem((QuestionFault("question_too_large", detail, f"/{QUESTION}"),), QUESTION)
    try:
        value: Any = decode_json(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        detail = f"{QUESTION} must be JSON: an object with one subject. To ask in words, use {TEXT}."
        raise QuestionProblem((QuestionFault("invalid_question", detail, f"/{QUESTION}"),), QUESTION) from None
    try:
        return read_question(value)
    except BadQuestionError as error:
        raise QuestionProblem(error.faults, QUESTION) from None


def _from_text(text: str) -> Node:
    return (_text_again if len(text) < _SHORT else _read_text)(text)


def _read_text(text: str) -> Node:
    try:
        return parse_question(text)
    except BadQuestionError as error:
        raise QuestionProblem(error.faults, TEXT) from None


_json_again: Final = lru_cache(maxsize=256)(_read_json)
_text_again: Final = lru_cache(maxsize=256)(_read_text)
"""Dashboards and pages of a list ask the same again and again; a tree is never modified."""
