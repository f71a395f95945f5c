"""The table of customer fields, for docs/customers.md."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from regulars.domain.fields import FIELD_RULES, SPELLINGS, TOP_RULES
from regulars.domain.limits import DEFAULT, Limits
from tools.docs.markdown import code, codes, table

_WRONG: Final = "x" * 10_000
"""A value that every rule refuses, with a sentence that says what is allowed."""


def _fields() -> str:
    return table(
        ("field", "at the top", "in `data`, as", "takes"),
        [
            (
                code(name),
                "yes" if name in TOP_RULES else "",
                codes(SPELLINGS.get(name, ())),
                allowed(rule).removeprefix("must be "),
            )
            for name, rule in _rules()
        ],
    )


def _rules() -> Iterator[tuple[str, Callable[[Any, Limits], Any]]]:
    return iter({**TOP_RULES, **FIELD_RULES}.items())


def allowed(rule: Callable[[Any, Limits], Any]) -> str:
    """The sentence of a rule for a value that it refuses."""
    try:
        rule(_WRONG, DEFAULT)
    except ValueError as error:
        return str(error)
    raise AssertionError("the rule takes anything")


PARTS: Final[dict[str, Callable[[], str]]] = {"customer-fields": _fields}
