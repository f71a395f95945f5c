"""Reading the members of a JSON object one by one, gathering every fault with its pointer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from regulars.audience.questions.faults import BadValueError, QuestionFault, nearest

_T = TypeVar("_T")
_ABSENT: Final = object()


class ObjectReader:
    """The members of one condition. Faults are appended to the list that all readers of a question share."""

    def __init__(self, value: Mapping[str, Any], pointer: str, faults: list[QuestionFault]) -> None:
        self._value = value
        self._pointer = pointer
        self._faults = faults
        self._before = len(faults)
        self._refused: set[str] = set()

    @property
    def is_sound(self) -> bool:
        """Whether no fault was found in this object so far."""
        return len(self._faults) == self._before

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._value

    def get(self, name: str, read: Callable[[Any], _T], default: _T) -> _T:
        """A member, read by `read`, which raises BadValueError; the default if it is absent or at fault."""
        value = self._value.get(name, _ABSENT)
        if value is _ABSENT:
            return default
        try:
            return read(value)
        except BadValueError as error:
            self.refuse(name, error)
            return default

    def below(self, *names: str | int) -> str:
        """The pointer of what is below a member."""
        return "/".join((self._pointer, *(pointer_part(str(name)) for name in names)))

    def inner(self, value: Mapping[str, Any], *names: str | int) -> "ObjectReader":
        """A reader of an object below this one."""
        return ObjectReader(value, self.below(*names), self._faults)

    def fault(self, code: str, detail: str, *names: str | int) -> None:
        """Record what is wrong with something below this object."""
        self._faults.append(QuestionFault(code, detail, self.below(*names)))

    def value(self, name: str) -> Any:
        """A member as it is; None if it is absent."""
        return self._value.get(name)

    def one_of(self, names: Sequence[str]) -> str | None:
        """The only one of these members that there is. Anything else is a fault."""
        found = [name for name in names if name in self._value]
        if len(found) == 1:
            return found[0]
        if found:
            detail = f"Only one of these operators can be used at a time: {', '.join(found)}."
            self._faults.append(QuestionFault("invalid_question", detail, self._at(found[1])))
        elif self.is_sound:
            detail = f"An operator is required. Allowed: {', '.join(names)}."
            self._faults.append(QuestionFault("invalid_question", detail, self._pointer or "/", allowed=tuple(names)))
        return None

    def only(self, subject: str, operators: Sequence[str]) -> None:
        """Every other member than the subject and these operators is a fault."""
        for name in self._value:
            if name != subject and name not in operators and name not in self._refused:
                self._refused.add(name)
                shown = ", ".join(operators) or "none"
                self._faults.append(
                    QuestionFault(
                        "unknown_operator",
                        f"{subject!r} has no operator {name!r}. Allowed: {shown}.",
                        self._at(name),
                        allowed=tuple(operators),
                        did_you_mean=nearest(name, operators),
                    )
                )

    def refuse(self, name: str, error: BadValueError) -> None:
        """Record what is wrong with a member."""
        detail = error.detail if error.detail[:1].isupper() else f"{name} {error.detail}."
        self._faults.append(
            QuestionFault(error.code, detail, self._at(name), allowed=error.allowed, did_you_mean=error.did_you_mean)
        )

    def _at(self, name: str) -> str:
        return f"{self._pointer}/{pointer_part(name)}"


def pointer_part(name: str) -> str:
    """A member name as part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
