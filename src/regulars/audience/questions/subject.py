"""Subject: one row of what a condition can be about, with all that the two forms and the evaluation need of it."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.tokens import TokenReader


class Subject(Struct, frozen=True):
    """A subject: the key of its JSON objects, and the functions of its conditions, all of the struct `node`.

    operators: the other members of its JSON objects. leads: the words that begin its conditions in the text form.
    read: from JSON; None if the reader has recorded faults. write: to JSON. parse: from text, with the leading word
    already taken. print: to text. predicate: what it selects. phrase: completes "customers who ...".
    example: in JSON and in text.
    """

    name: str
    node: type[Any]
    operators: tuple[str, ...]
    leads: tuple[str, ...]
    meaning: str
    example: tuple[dict[str, Any], str]
    read: Callable[[ObjectReader], Any]
    write: Callable[[Any], dict[str, Any]]
    parse: Callable[[str, TokenReader], Any]
    print: Callable[[Any], str]
    predicate: Callable[[Any, Moment], Predicate]
    phrase: Callable[[Any], str]
