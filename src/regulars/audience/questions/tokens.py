"""Tokens of the text form, and a cursor over them that knows what it expected where."""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, NoReturn, TypeVar

import msgspec

from regulars.audience.questions.faults import BadQuestionError, BadValueError, QuestionFault

_T = TypeVar("_T")
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark><=|>=|!=|[():,=<>])|(?P<word>(?:[^\s"():,=<>!]|!(?!=))+)|(?P<bad>\S))""",
    re.DOTALL,
)
COMPARISONS: Final = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
"""The operators that are written as signs."""


class Token(NamedTuple):
    """kind: word, string, mark or end. text: the word, the text within the quotes, or the mark."""

    kind: str
    text: str
    offset: int
    length: int

    @property
    def word(self) -> str:
        """The word in lower case; "" for anything else."""
        return self.text.lower() if self.kind == "word" else ""


def tokens_of(text: str) -> list[Token]:
    """The tokens, with one of kind "end" last. Raises BadQuestionError."""
    found: list[Token] = []
    position = 0
    while (match := _TOKEN.match(text, position)) is not None:
        position = match.end()
        kind = match.lastgroup or "bad"
        raw, offset = match[kind], match.start(kind)
        if kind == "bad":
            detail = "A quoted text is not closed." if raw == '"' else f"{raw!r} cannot stand here."
            raise BadQuestionError([QuestionFault("invalid_question", detail, offset=offset, length=1)])
        if kind == "string":
            try:
                value = msgspec.json.decode(raw.encode(), type=str)
            except (msgspec.DecodeError, UnicodeError):
                detail = 'A quoted text must be written as in JSON: \\" for a quote and \\\\ for a backslash.'
                raise BadQuestionError(
                    [QuestionFault("invalid_question", detail, offset=offset, length=len(raw))]
                ) from None
            found.append(Token("string", value, offset, len(raw)))
        else:
            found.append(Token(kind, raw, offset, len(raw)))
    found.append(Token("end", "", len(text), 0))
    return found


class TokenReader:
    """A cursor over the tokens. Every refusal names the place and what was expected."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def here(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    @property
    def following(self) -> Token:
        """The token after the next one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Move past the next token and return it."""
        token = self.here
        if token.kind != "end":
            self._at += 1
        return token

    def accept(self, *words: str) -> str | None:
        """Move past the next token if it is one of these marks or words; returns it in lower case."""
        text = self.here.text if self.here.kind == "mark" else self.here.word
        if text and text in words:
            self._at += 1
            return text
        return None

    def expect(self, *words: str) -> str:
        """The next token, which must be one of these marks or words."""
        found = self.accept(*words)
        if found is None:
            self.fail(*words)
        return found

    def value(self, read: Callable[[str], _T], *expected: str) -> _T:
        """The next word or quoted text, read by `read`, which raises BadValueError."""
        token = self.here
        if token.kind not in ("word", "string"):
            self.fail(*(expected or ("a value",)))
        try:
            found = read(token.text)
        except BadValueError as error:
            self.refuse(token, error)
        self.take()
        return found

    def values(self, read: Callable[[str], _T]) -> list[_T]:
        """One value, or several in brackets with commas between them."""
        if self.accept("(") is None:
            return [self.value(read, "a value", "(")]
        found = [self.value(read)]
        while self.expect(",", ")") == ",":
            found.append(self.value(read))
        return found

    def fail(self, *expected: str) -> NoReturn:
        """Refuse the next token."""
        token = self.here
        found = "The question ends too early" if token.kind == "end" else f"{token.text!r} cannot stand here"
        raise BadQuestionError(
            [
                QuestionFault(
                    "invalid_question",
                    f"{found}. Expected: {', '.join(expected)}.",
                    offset=token.offset,
                    length=token.length,
                    expected=expected,
                )
            ]
        )

    def refuse(self, token: Token, error: BadValueError) -> NoReturn:
        """Refuse a token because of its value."""
        detail = error.detail if error.detail[:1].isupper() else f"{token.text!r} {error.detail}."
        raise BadQuestionError(
            [
                QuestionFault(
                    error.code,
                    detail,
                    offset=token.offset,
                    length=token.length,
                    allowed=error.allowed,
                    did_you_mean=error.did_you_mean,
                )
            ]
        ) from None


def quoted(text: str) -> str:
    """A text in quotes, as in JSON."""
    return msgspec.json.encode(text).decode()


_PLAIN: Final = re.compile(r"[^\s\"():,=<>!]+")


def word_or_quoted(text: str, *, reserved: frozenset[str] = frozenset()) -> str:
    """A value as it can stand after an operator: bare if it is one word, else in quotes."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in reserved else quoted(text)
