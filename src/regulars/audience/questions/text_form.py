"""The text form: a question as people type it, such as `tag:vip and not opened:broadcast/8 and revenue > 100`.

`not` binds tightest, then `and`, then `or`. Conditions without a word between them are joined by `and`. Words that are
no condition are searched for.
"""

from typing import Final

from regulars.audience.questions.catalogue import BY_LEAD, BY_NODE
from regulars.audience.questions.faults import BadQuestionError, BadValueError, QuestionFault, nearest
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects.dids import ENDS, MEASURES
from regulars.audience.questions.subjects.others import read_words
from regulars.audience.questions.subjects.saved import SAVED, names_audience
from regulars.audience.questions.subjects.sequences import LEAD as STEPS
from regulars.audience.questions.tokens import COMPARISONS, Token, TokenReader, tokens_of
from regulars.audience.questions.tree import (
    MOST_DEPTH,
    MOST_DID,
    MOST_LEAVES,
    MOST_TEXT,
    All,
    Any,
    Node,
    Not,
    SearchCondition,
    activity_conditions,
    conditions,
    too_many,
)

_EVERYBODY: Final = "everybody"
_NOBODY: Final = "nobody"
_MARKS: Final = frozenset((":", *COMPARISONS))
_ALONE: Final = frozenset({"is", "has", "sample", "did"})
"""Leading words that are followed by a word and no sign."""

_CALLS: Final = frozenset({*MEASURES, *ENDS, STEPS})
"""Leading words that are followed by a bracket, without a space between."""

_OPERATORS: Final = frozenset(
    {"in", "all", "none", "starts", "ends", "contains", "between", "from", "to", "anniversary"}
)


def parse_question(text: str) -> Node:
    """Read the text form. Raises BadQuestionError with the place in the text."""
    if len(text) > MOST_TEXT:
        detail = f"A question has at most {MOST_TEXT} characters; this one has {len(text)}."
        raise BadQuestionError([QuestionFault("question_too_large", detail, offset=MOST_TEXT, length=1)])
    tokens = TokenReader(tokens_of(text))
    if tokens.here.kind == "end":
        return All()
    node = _alternatives(tokens, 1)
    if tokens.here.kind != "end":
        tokens.fail("and", "or", "the end of the question")
    if (leaves := sum(1 for _ in conditions(node))) > MOST_LEAVES:
        detail = f"A question has at most {MOST_LEAVES} conditions; this one has {leaves}."
        raise BadQuestionError([QuestionFault("question_too_large", detail, offset=0, length=len(text))])
    if (did := activity_conditions([node])) > MOST_DID:
        raise BadQuestionError([QuestionFault("question_too_large", too_many(did), offset=0, length=len(text))])
    return node


def print_question(node: Node) -> str:
    """The canonical text form. Reading it gives the same tree."""
    match node:
        case All(()):
            return _EVERYBODY
        case Any(()):
            return _NOBODY
        case All((part,)):
            return f"all({print_question(part)})"
        case Any((part,)):
            return f"any({print_question(part)})"
        case All(parts):
            return " and ".join(map(_bracketed, parts))
        case Any(parts):
            return " or ".join(map(_bracketed, parts))
        case Not(part):
            return f"not {_bracketed(part)}"
        case _:
            return BY_NODE[type(node)].print(node)


def _bracketed(node: Node) -> str:
    is_mixed = isinstance(node, All | Any) and len(node.parts) > 1
    return f"({print_question(node)})" if is_mixed else print_question(node)


def _alternatives(tokens: TokenReader, depth: int) -> Node:
    parts = [_conjunction(tokens, depth)]
    while tokens.accept("or"):
        parts.append(_conjunction(tokens, depth))
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


def _conjunction(tokens: TokenReader, depth: int) -> Node:
    parts = [_negation(tokens, depth)]
    while tokens.accept("and") or not _ends(tokens):
        parts.append(_negation(tokens, depth))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _ends(tokens: TokenReader) -> bool:
    here = tokens.here
    return here.kind == "end" or (here.kind == "mark" and here.text != "(") or here.word == "or"


def _negation(tokens: TokenReader, depth: int) -> Node:
    if depth > MOST_DEPTH:
        tokens.refuse(
            tokens.here, BadValueError(f"A question is at most {MOST_DEPTH} levels deep.", code="question_too_large")
        )
    if tokens.accept("not"):
        return Not(_negation(tokens, depth + 1))
    if tokens.accept("("):
        node = _alternatives(tokens, depth + 1)
        tokens.expect(")")
        return node
    return _condition(tokens, depth)


def _condition(tokens: TokenReader, depth: int) -> Node:
    token = tokens.here
    if token.kind not in ("word", "string"):
        tokens.fail("a condition", "not", "(")
    if token.word in ("all", "any") and tokens.following.text == "(":
        return _group(tokens, depth)
    if token.word in (_EVERYBODY, _NOBODY):
        tokens.take()
        return All() if token.word == _EVERYBODY else Any()
    if token.word in ("and", "or"):
        tokens.fail("a condition", "not", "(")
    row = _subject_at(tokens)
    if row is None:
        return _searched(tokens)
    tokens.take()
    try:
        # The names of attributes may have capitals.
        node: Node = row.parse(token.text if "." in token.text else token.word, tokens)
    except BadValueError as error:  # about the leading word itself
        tokens.refuse(token, error)
    return node


def _group(tokens: TokenReader, depth: int) -> Node:
    """all(a, b) and any(a, b): how groups of fewer than two parts are written."""
    word = tokens.take().word
    tokens.expect("(")
    parts = [_alternatives(tokens, depth + 1)]
    while tokens.expect(",", ")") == ",":
        parts.append(_alternatives(tokens, depth + 1))
    return All(tuple(parts)) if word == "all" else Any(tuple(parts))


def _subject_at(tokens: TokenReader) -> Subject | None:
    """The subject that the next word begins a condition of, None if it is a word to search for.

    Raises BadQuestionError for a sign after a word that begins no condition.
    """
    token, following = tokens.here, tokens.following
    lead = f"{token.word.partition('.')[0]}." if "." in token.word else token.word
    row = BY_LEAD.get(token.word) or BY_LEAD.get(lead)
    is_marked = following.kind == "mark" and following.text in _MARKS
    if row is None:
        if is_marked:
            _refuse_lead(token, tokens)
        return None
    if row.name == SAVED.name:
        return row if following.kind in ("word", "string") and names_audience(following.text) else None
    if token.word in _CALLS:
        is_call = following.text == "(" and following.kind == "mark"
        return row if is_call and following.offset == token.offset + token.length else None
    if row.name in ("mail", "attribute") or is_marked or following.word in _OPERATORS:
        return row
    return row if token.word in _ALONE and following.kind in ("word", "string") else None


def _refuse_lead(token: Token, tokens: TokenReader) -> None:
    names = sorted(BY_LEAD)
    near = nearest(token.text, names)
    meant = f" Did you mean {near}?" if near else ""
    error = BadValueError(
        f"There is no {token.text!r} to ask about.{meant} Put a text to search for in quotes.",
        code="unknown_subject",
        allowed=names,
        given=token.text,
    )
    tokens.refuse(token, error)


def _searched(tokens: TokenReader) -> Node:
    """The words up to the next condition, as one search."""
    words = [tokens.take()]
    while tokens.here.kind in ("word", "string") and not _begins_something(tokens):
        words.append(tokens.take())
    try:
        return SearchCondition(read_words(" ".join(word.text for word in words)))
    except BadValueError as error:
        tokens.refuse(words[0], error)


def _begins_something(tokens: TokenReader) -> bool:
    word = tokens.here.word
    if word in ("and", "or", "not", _EVERYBODY, _NOBODY):
        return True
    if word in ("all", "any") and tokens.following.text == "(":
        return True
    return _subject_at(tokens) is not None
