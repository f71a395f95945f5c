"""Answers to questions on the command line: who matches, how many of them can be mailed, and why somebody matches.

The index brings NumPy along, 0.2 s that no other command needs: import this module only to ask.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from pyroaring import BitMap

from regulars.audience.event_sequences import TooExpensiveError
from regulars.audience.filters.catalogue import Engagement, Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.matching_numbers import matching_numbers
from regulars.audience.page_slice import PageSlice
from regulars.audience.questions import reach, why
from regulars.audience.questions.expanding import expand, references_of
from regulars.audience.questions.faults import BadQuestionError
from regulars.audience.questions.selecting import customers_of, mentions_hidden, predicate_of
from regulars.audience.questions.text_form import parse_question, print_question
from regulars.audience.questions.tree import All, Members, Node, SavedCondition
from regulars.audience.service import Audience
from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.cli.output import FailedError
from regulars.domain.audiences import KIND
from regulars.domain.changes import Name
from regulars.domain.faults import RefusedError
from regulars.domain.identity import public_number
from regulars.domain.moments import iso_or_none, now_ms
from regulars.domain.money import decimal_text
from regulars.domain.profile import parse_who
from regulars.domain.references import parse_reference
from regulars.store.audience_reads import with_references
from regulars.store.control import Site
from regulars.store.engine import Connection
from regulars.store.following import StoreSnapshot
from regulars.store.reads import find_card, lines_by_number
from regulars.store.store import Store


def question_of(text: str | None, audience: str | None) -> Node:
    """The question of the command line: a text, an audience by number or key, or both. Raises FailedError."""
    parts: list[Node] = []
    if audience is not None:
        try:
            parts.append(SavedCondition("audience", parse_reference(audience, KIND)))
        except ValueError as error:
            raise FailedError(f"The audience {error}.") from None
    if text is not None:
        parts.append(_parsed(text))
    if not parts:
        raise FailedError("Give a question or --audience.")
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _parsed(text: str) -> Node:
    try:
        return parse_question(text)
    except BadQuestionError as error:
        fault = error.faults[0]
        pointer = "" if fault.offset is None else f"\n  {text}\n  {' ' * fault.offset}{'^' * max(fault.length or 1, 1)}"
        raise FailedError(f"{fault.detail}{pointer}") from None


class Answering:
    """Answers one question about one site of an open store."""

    def __init__(self, store: Store, audience: Audience, site: Site, node: Node, engagement: Engagement) -> None:
        self._store = store
        self._audience = audience
        self._site = site.id
        self._given = node
        self._node = node
        self._engagement = engagement
        self._moment = Moment(now_ms(), engagement, site.settings.zone)

    async def _prepare(self, snapshot: Any) -> None:
        """Put the audiences that the question names in place. Raises FailedError."""
        audiences = await with_references(snapshot.connection, self._site, references_of([self._given]))
        try:
            self._node = expand(self._given, audiences)
        except BadQuestionError as error:
            raise FailedError(error.faults[0].detail) from None

    async def customers(self, limit: int) -> tuple[int, list[dict[str, Any]]]:
        """How many match, and the newest of them."""
        asking = self._audience.ask(
            self._site,
            lambda: customers_of(self._node, self._moment),
            page_slice=PageSlice(0, limit),
            prepare=self._prepare,
        )
        async with asking as answer:
            (lines,) = await answer.snapshot.read([lines_by_number(self._site, answer.numbers)])
            rows = [
                {
                    "id": public_number(self._site, line.number),
                    "email": line.email,
                    "name": line.name,
                    "revenue": decimal_text(line.net_revenue),
                }
                for line in lines
            ]
            return answer.total, rows

    @asynccontextmanager
    async def everybody(self) -> AsyncIterator[tuple[Connection, Sequence[int]]]:
        """The numbers of all who match, ascending, and the snapshot of which that is true."""
        sets = lambda: [customers_of(self._node, self._moment)]  # noqa: E731
        async with self._audience.study(self._site, sets, matching_numbers, prepare=self._prepare) as answer:
            yield cast(StoreSnapshot, answer.snapshot).connection, answer.value

    async def reach(self) -> reach.Reach:
        """How many of those who match can get marketing email."""
        reasons = reach.reasons_for(reach.PURPOSES[0])

        def sets() -> list[Predicate]:
            concerned = [predicate_of(each.node(None), self._moment) for each in reasons]
            return [customers_of(self._node, self._moment), *concerned]

        def work(_: SiteIndex, found: Sequence[BitMap]) -> reach.Reach:
            return reach.reach(found[0], found[1:], reasons, None)

        async with self._audience.study(self._site, sets, work, prepare=self._prepare) as answer:
            return answer.value  # type: ignore[no-any-return]

    async def why(self, address: str) -> dict[str, Any]:
        """Whether a customer, by address or customer_id, matches, and what decides it. Raises FailedError."""
        try:
            who = parse_who({"email" if "@" in address else "customer_id": address})
        except RefusedError as error:
            raise FailedError(error.sentence) from None
        numbers: list[int] = []
        named: dict[Name, int] = {}

        async def prepare(snapshot: Any) -> None:
            await self._prepare(snapshot)
            found = await find_card(snapshot.connection, self._site, who)
            if found is None:
                raise FailedError(f"There is no customer {address}.")
            numbers.append(found.number)
            if not isinstance(self._node, Members):
                self._node = Members(self._node, mentions_hidden(self._node))
            sets = why.sets_of(self._node, numbers[-1], self._moment)
            named.update(await why.numbers_of(snapshot, self._site, sets))

        def work(index: SiteIndex, found: Sequence[BitMap]) -> why.Why | None:
            return why.explain(self._node, index, found, self._moment, named)

        asking = self._audience.study(
            self._site, lambda: why.sets_of(self._node, numbers[-1], self._moment), work, prepare=prepare
        )
        async with asking as answer:
            found = answer.value
        return {
            "in": found.holds,
            "conditions": [
                {
                    "holds": each.holds,
                    "decides": each.node in found.because,
                    "condition": print_question(each.condition),
                    "until": iso_or_none(each.until),
                }
                for each in found.verdicts
            ],
            "changes_at": iso_or_none(found.changes_at),
        }


@asynccontextmanager
async def answering(
    store: Store, site: Site, node: Node, engagement: Engagement, folder: Path | None
) -> AsyncIterator[Answering]:
    """Answers to a question. folder: where index snapshots are, if there are any."""
    directory = None if folder is None else SnapshotDirectory(folder)
    audience = Audience(store.changes, directory=directory, load_wait=float("inf"), save_every=float("inf"))
    try:
        yield Answering(store, audience, site, node, engagement)
    except TooExpensiveError:
        raise FailedError("A sequence in the question goes through too many events; narrow it.") from None
    finally:
        await audience.close()
