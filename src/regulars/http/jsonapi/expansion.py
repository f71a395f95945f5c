"""Expansion: the questions of a call, with the saved audiences that they name in place, as of the answer's snapshot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from regulars.audience.answering import Prepare
from regulars.audience.event_sequences import TooExpensiveError
from regulars.audience.questions.expanding import expand, references_of
from regulars.audience.questions.faults import BadQuestionError
from regulars.audience.questions.pointers import too_expensive
from regulars.audience.questions.tree import Node
from regulars.http.jsonapi.asked_question import QUESTION, TEXT, AskedQuestion
from regulars.http.jsonapi.failures import QuestionProblem
from regulars.store.audience_reads import with_references


@contextmanager
def within_time(asked: Sequence[AskedQuestion]) -> Iterator[None]:
    """Raises QuestionProblem, which points to the sequence, where a question is refused as too expensive."""
    try:
        yield
    except TooExpensiveError as error:
        each = asked[0]
        found = BadQuestionError([too_expensive(error.leaf, each.node, f"/{QUESTION}")])
        raise QuestionProblem(_placed(found, each), each.parameter) from None


class Expansion:
    """Questions about one site.

    nodes: with the audiences in place, once `is_read`: from the start if they name none, else after `read`.
    """

    def __init__(self, site: int, asked: Sequence[AskedQuestion]) -> None:
        self.nodes: list[Node] = [each.node for each in asked]
        self._site = site
        self._asked = asked
        self._references = references_of(self.nodes)
        self.is_read = not self._references

    @property
    def prepare(self) -> Prepare | None:
        """`read`, or None if the questions name no audiences."""
        return self.read if self._references else None

    async def read(self, snapshot: Any) -> None:
        """Read the audiences in the snapshot. Raises QuestionProblem for one that cannot be used."""
        if not self._references:
            return
        audiences = await with_references(snapshot.connection, self._site, self._references)
        self.nodes = []
        for place, each in enumerate(self._asked):
            pointer = f"/{QUESTION}" if len(self._asked) == 1 else f"/questions/{place}"
            try:
                self.nodes.append(expand(each.node, audiences, pointer=pointer))
            except BadQuestionError as error:
                raise QuestionProblem(_placed(error, each), each.parameter) from None
        self.is_read = True


def _placed(error: BadQuestionError, asked: AskedQuestion) -> Sequence[Any]:
    """The faults; those of a question in text have no place in the JSON form."""
    return [replace(fault, pointer=None) for fault in error.faults] if asked.parameter == TEXT else error.faults
