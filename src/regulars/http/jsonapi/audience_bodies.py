"""What a caller writes of an audience's definition, judged; and the schema of it."""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from regulars.audience.questions.expanding import canonical, references_of
from regulars.audience.questions.faults import BadQuestionError, QuestionFault
from regulars.audience.questions.json_form import read_question
from regulars.audience.questions.text_form import parse_question
from regulars.audience.questions.tree import MOST_BYTES, Node
from regulars.domain.audiences import KINDS
from regulars.domain.commands import DefinitionChange
from regulars.domain.faults import Fault, RefusedError
from regulars.http.errors import Problem
from regulars.http.jsonapi import object_bodies
from regulars.http.jsonapi.bodies import ResourceBody, refused
from regulars.http.jsonapi.failures import QuestionProblem
from regulars.http.jsonapi.kinds import AUDIENCE
from regulars.http.schema import TEXT, YES_OR_NO, Schema, one_of, record, such_as

_PLACE: Final = "/data/attributes"


def definition_change(body: ResourceBody) -> DefinitionChange:
    """The change of the definition that the attributes ask for; those that are absent stay. Raises Problem."""
    given = body.attributes
    faults = []
    if given.get("kind") is not None and given["kind"] not in KINDS:
        faults.append(Fault("data.attributes.kind", f"must be one of {', '.join(KINDS)}"))
    if given.get("watched") is not None and not isinstance(given["watched"], bool):
        faults.append(Fault("data.attributes.watched", "must be true or false"))
    if faults:
        raise refused(faults, "unprocessable")
    change = DefinitionChange(kind=given.get("kind"), watched=given.get("watched"))
    node = read_definition(given, _PLACE)
    if node is None:
        return change
    return replace(change, question=canonical(node), refers=references_of([node]))


def read_definition(given: Any, place: str) -> Node | None:
    """The question in `question` or `q` of an object at a place of the body; None if there is none. Raises Problem.

    Both may be sent if they say the same, as an audience that was read has both.
    """
    question, text = given.get("question"), given.get("q")
    from_json = None if question is None else _from_json(question, place)
    from_text = None if text is None else _from_text(text, place)
    if from_json is not None and from_text is not None and from_json != from_text:
        detail = "q and question say different things: send one of them."
        raise QuestionProblem([QuestionFault("invalid_question", detail, f"{place}/q")], "q")
    return from_text if from_json is None else from_json


def _from_json(value: Any, place: str) -> Node:
    pointer = f"{place}/question"
    if len(msgspec.json.encode(value)) > MOST_BYTES:
        detail = f"A question in JSON has at most {MOST_BYTES} bytes."
        raise QuestionProblem([QuestionFault("question_too_large", detail, pointer)], "question")
    try:
        return read_question(value, pointer=pointer)
    except BadQuestionError as error:
        raise QuestionProblem(error.faults, "question") from None


def _from_text(value: Any, place: str) -> Node:
    pointer = f"{place}/q"
    if not isinstance(value, str):
        raise QuestionProblem([QuestionFault("invalid_question", "q must be a text.", pointer)], "q")
    try:
        return parse_question(value)
    except BadQuestionError as error:
        raise QuestionProblem([replace(fault, pointer=pointer) for fault in error.faults], "q") from None


def explained(refusal: RefusedError) -> Exception:
    """A refusal of the command, in the words of the document."""
    if refusal.code in ("audience_in_use", "changed_meanwhile"):
        return Problem(refusal.code, refusal.sentence)
    faults = [fault for fault in refusal.faults if fault.field in ("question", "kind")]
    if not faults:
        return object_bodies.explained(AUDIENCE, refusal)
    code = "unprocessable" if refusal.code == "invalid" else refusal.code
    placed = [Fault(f"data.attributes.{each.field}", each.detail) for each in faults]
    return Problem(code, refusal.sentence, faults=placed)


def definition_schemas() -> dict[str, Schema]:
    """The attributes of a definition, as callers write them."""
    return {
        "kind": {**one_of(KINDS), "description": "Cannot be changed. Default: `dynamic`."},
        "question": {
            **record({}, required=()),
            "description": "The question of a dynamic audience.",
            "examples": [{"has": "tag", "any_of": ["vip"]}],
        },
        "q": {**such_as(TEXT, "tag:vip"), "description": "The question as text, instead."},
        "watched": {
            **such_as(YES_OR_NO, False),
            "description": "Whether the outbox tells who enters and leaves, and the history counts them.",
        },
    }
