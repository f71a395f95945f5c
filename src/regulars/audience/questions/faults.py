"""What is wrong with a question: every fault at once, each with its place and with what is allowed there."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

CODES: Final = {
    "invalid_question": "The question is malformed.",
    "unknown_subject": "A condition names a subject that does not exist.",
    "unknown_operator": "A subject does not have this operator.",
    "unknown_name": "A field, filter, kind of object or state does not exist.",
    "invalid_value": "A value of a question is not allowed.",
    "unknown_audience": "A question names an audience that does not exist.",
    "question_too_large": "The question exceeds a limit.",
    "too_expensive": "A sequence in the question goes through too many events to answer in time.",
}
"""Every code of a fault."""

_NEAR: Final = 0.6


class QuestionFault(Struct, frozen=True):
    """One fault. code: a key of CODES. detail: a sentence that says what is allowed.

    pointer: where in the JSON form (RFC 6901). offset, length: where in the text form, in characters. allowed: the
    possible names, if they can be listed. did_you_mean: the nearest of them. expected: what could follow in the text.
    """

    code: str
    detail: str
    pointer: str | None = None
    offset: int | None = None
    length: int | None = None
    allowed: Sequence[str] = ()
    did_you_mean: str | None = None
    expected: Sequence[str] = ()


class BadQuestionError(ValueError):
    """A question cannot be read. `faults` lists everything that is wrong with it, at least one."""

    def __init__(self, faults: Iterable[QuestionFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults[0].detail)


class BadValueError(ValueError):
    """A value is not allowed; the message completes "X must be ...". `allowed` lists the possible names, if any."""

    def __init__(
        self, detail: str, *, code: str = "invalid_value", allowed: Sequence[str] = (), given: str = ""
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.allowed = tuple(allowed)
        self.did_you_mean = nearest(given, allowed)


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that is most like this one, None if none is."""
    return next(iter(get_close_matches(name.lower(), list(allowed), 1, _NEAR)), None)


def unknown_name(noun: str, given: str, allowed: Sequence[str]) -> BadValueError:
    """The error for a name that is not in a table."""
    shown = ", ".join(allowed)
    return BadValueError(
        f"There is no {noun} {given!r}. Allowed: {shown}.", code="unknown_name", allowed=allowed, given=given
    )
