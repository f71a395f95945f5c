"""Watched audiences: the outbox tells who enters and leaves, whatever happens, whoever looks and whenever."""

from collections import Counter
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from regulars.audience.filters.catalogue import Engagement
from regulars.audience.questions.expanding import canonical, references_of
from regulars.audience.questions.json_form import read_question
from regulars.checking_watches import watch_problems
from regulars.domain.commands import ChangeListMember, DefinitionChange, DeleteCustomer, SaveAudience, SaveObject
from regulars.domain.identity import Who
from regulars.domain.outbox import BEGINNING, AudienceEntered, AudienceLeft
from regulars.jobs import audience_watcher
from regulars.jobs.audience_watcher import AudienceWatcher
from regulars.jobs.kind import Context
from regulars.settings import Settings
from regulars.store import control
from regulars.store.audience_watches import watched_audiences
from regulars.store.outbox import newest_cursor, read_outbox
from regulars.store.store import Store
from regulars.store.watch_statements import SAVE_MEMBERS

from .. import question_truth
from ..audience.questions.strategies import questions
from ..audience_world import World, in_a_world, world
from ..databases import only_on_postgresql
from ..effort import EXAMPLES
from ..store.running import activity, upsert
from ..test_activity_questions import happenings
from ..test_audience_end_to_end import PEOPLE, events

DAY = 86_400_000


class Watched:
    """A site with watched audiences, several processes that look at them, and a reader of the outbox."""

    def __init__(self, made: World) -> None:
        self.made = made
        self.watchers: list[AudienceWatcher] = []
        self.members: dict[int, set[int]] = {}
        self.questions: dict[int, dict[str, Any]] = {}
        self.told: list[AudienceEntered | AudienceLeft] = []
        self.keys: set[str] = set()

    async def process(self, store: Any = None) -> None:
        """One more process, or one that was started anew. store: instead of its own."""
        store = store or await self.made.open_store()
        context = Context(store, Settings(), lambda: self.made.now, lambda _: None, await self.made.audience())
        async with self.made.store.snapshot() as connection:
            (site,) = [each for each in await control.list_sites(connection) if each.id == self.made.site]
        self.watchers.append(AudienceWatcher(context, site))

    async def save(self, key: str, question: dict[str, Any] | None, *, watched: bool = True) -> int:
        """Save an audience; returns its number."""
        change = DefinitionChange(kind="list", watched=watched)
        if question is not None:
            node = read_question(question)
            refers = references_of([node])
            change = DefinitionChange(question=canonical(node), refers=refers, watched=watched)
        is_new = key not in self.keys
        saved = SaveObject(kind="audience", key=key, name=key) if is_new else SaveObject(kind="audience", reference=key)
        outcome = await self.made.store.ledger.submit(self.made.site, SaveAudience(saved, change))
        self.keys.add(key)
        assert outcome.object is not None
        self.questions[outcome.object.number] = {"in": {"list": key}} if question is None else question
        return outcome.object.number

    def matching(self, number: int) -> set[int]:
        """Who is in an audience, as the tables say."""
        question = self.questions[number]
        shows_hidden = question_truth.mentions_hidden(question)
        return {
            record["number"]
            for record in self.made.people()
            if (shows_hidden or ("hidden", 0) not in record["ties"])
            and question_truth.matches(question, record, self.made.now)
        }

    async def look(self, place: int = 0) -> list[AudienceEntered | AudienceLeft]:
        """Let a process look; returns what the outbox tells of it. The members that follow are those of the tables."""
        async with self.made.store.snapshot() as connection:
            audiences = await watched_audiences(connection, self.made.site)
        await self.watchers[place % len(self.watchers)].look(audiences)
        fresh = (await self.movements())[len(self.told) :]
        self.told += fresh
        for each in fresh:
            members = self.members[each.audience]
            assert (each.customer in members) == isinstance(each, AudienceLeft)
            members ^= {each.customer}
        for number in audiences:
            if number not in self.members:
                self.members[number] = self.matching(number)
            assert self.members[number] == self.matching(number), self.questions[number]
        return fresh

    async def problems(self) -> list[str]:
        """What a check says of the members that are kept."""
        async with self.made.store.snapshot() as connection:
            (site,) = [each for each in await control.list_sites(connection) if each.id == self.made.site]
        return await watch_problems(self.made.store, site, Engagement())

    async def movements(self) -> list[AudienceEntered | AudienceLeft]:
        """All that the outbox tells of audiences."""
        found: list[AudienceEntered | AudienceLeft] = []
        cursor, more = BEGINNING, True
        while more:
            async with self.made.store.snapshot() as connection:
                items, cursor, more = await read_outbox(connection, self.made.site, cursor)
            found += [each.happening for each in items if isinstance(each.happening, AudienceEntered | AudienceLeft)]
        return found


async def watching(made: World, *, processes: int = 1) -> Watched:
    found = Watched(made)
    for _ in range(processes):
        await found.process()
    return found


_steps = st.one_of(
    happenings(),
    events.filter(lambda event: event not in ("save", "restart", "prune", "follow")),
    st.sampled_from([1, 3_600_000, DAY, 30 * DAY, 90 * DAY]),
    st.sampled_from(PEOPLE).map(lambda email: [DeleteCustomer(Who(email_key=email))]),
    st.sampled_from(["start", "unwatch"]),
)
_asked = questions.filter(lambda each: not references_of([read_question(each)]))
_given = given(st.lists(_steps, min_size=2, max_size=10), st.lists(_asked, min_size=3, max_size=4))
_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=max(EXAMPLES // 10, 3))


async def live(happening: list[Any], asked: list[dict[str, Any]], engine: str) -> None:
    async with world(None, engine) as made:
        watched = await watching(made, processes=2)
        for place, question in enumerate(asked):
            await watched.save(f"a{place}", question)
        await watched.look()
        for at, event in enumerate(happening):
            causes = {"change"}
            match event:
                case int():
                    made.now += event
                    causes = {"clock"}
                case "start":
                    await watched.process()
                case "unwatch":
                    number = await watched.save("a0", asked[0], watched=False)
                    watched.members.pop(number, None)
                    await watched.look(at)
                    await watched.save("a0", asked[0])
                case ("together", commands):
                    await made.together(*commands)
                case _:
                    await made.attempt(*event)
            assert {each.cause for each in await watched.look(at)} <= causes
            assert await watched.look(at + 1) == []
        assert await watched.problems() == []


@_unhurried
@_given
async def test_the_outbox_tells_who_enters_and_leaves(happening: list[Any], asked: list[dict[str, Any]]) -> None:
    await live(happening, asked, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=max(EXAMPLES // 40, 2))
@_given
async def test_the_outbox_tells_it_on_postgresql(happening: list[Any], asked: list[dict[str, Any]]) -> None:
    await live(happening, asked, "postgresql")


@in_a_world()
async def test_a_check_finds_members_that_are_wrong(made: World) -> None:
    watched = await watching(made)
    await made.do(*(upsert(email=f"{name}@example.com") for name in "abcd"))
    number = await watched.save("visitors", {"did": "visit", "when": {"last": "1d"}})
    await made.do(activity("visit", email="a@example.com"), activity("visit", email="b@example.com"))
    await watched.look()
    assert await watched.problems() == []
    made.now += 2 * DAY  # whom nobody has looked at since is still as of the last look
    await made.do(activity("visit", email="d@example.com"))
    assert await watched.problems() == []
    wrong = BitMap([2, 3, 4]).serialize()  # for 1 and 2; 4 was written since
    async with made.store.engine.transaction() as connection:
        await connection.many(SAVE_MEMBERS, [(made.site, number, 0, wrong)])
    assert await watched.problems() == [
        f"audience {number}: customer 3: is kept as a member, but does not match",
        f"audience {number}: customer 1: matches, but is not kept as a member",
    ]
    async with made.store.engine.transaction() as connection:
        await connection.many(SAVE_MEMBERS, [(made.site, number, 0, wrong[:-1])])
    assert await watched.problems() == [f"audience {number}: its members cannot be read"]


def told(movements: list[AudienceEntered | AudienceLeft]) -> list[tuple[str, int, str, str]]:
    return [(each.type, each.customer, each.cause, each.leaf) for each in movements]


@in_a_world()
async def test_writes_the_clock_and_another_question_are_told_apart(made: World) -> None:
    watched = await watching(made)
    question = {"any": [{"has": "tag", "any_of": ["vip"]}, {"did": "visit", "when": {"last": "1d"}}]}
    await made.do(upsert(email="a@example.com"), upsert(email="b@example.com"), upsert(email="c@example.com"))
    await made.do(activity("visit", email="c@example.com"))
    number = await watched.save("active", question)
    assert await watched.look() == []  # the first look tells nothing
    await made.do(activity("visit", email="b@example.com"), activity("tag_added", email="a@example.com", tag_id="vip"))
    found = await watched.look()
    assert told(found) == [("audience.entered", 1, "change", ""), ("audience.entered", 2, "change", "")]
    assert (found[0].audience, found[0].as_of) == (number, made.now)
    made.now += DAY + 1
    assert told(await watched.look()) == [
        ("audience.left", 2, "clock", "/any/1"),
        ("audience.left", 3, "clock", "/any/1"),
    ]
    await watched.save("active", {"field": "email", "set": True})
    assert {each[2] for each in told(await watched.look())} == {"definition"}
    made.now += DAY
    await made.do(DeleteCustomer(Who(number=3)), upsert(email="d@example.com"))
    assert told(await watched.look()) == [("audience.left", 3, "change", ""), ("audience.entered", 4, "change", "")]


@in_a_world()
async def test_an_audience_that_another_names_is_part_of_the_question(made: World) -> None:
    watched = await watching(made)
    await made.do(upsert(email="a@example.com", address_city="Rome"), upsert(email="b@example.com"))
    await watched.save("inner", {"field": "city", "eq": "rome"}, watched=False)
    outer = await watched.save("outer", {"in": {"audience": "inner"}})
    watched.questions[outer] = {"field": "city", "eq": "rome"}
    await watched.look()
    await watched.save("inner", {"field": "city", "set": False}, watched=False)
    watched.questions[outer] = {"field": "city", "set": False}
    found = told(await watched.look())
    assert found == [("audience.left", 1, "definition", ""), ("audience.entered", 2, "definition", "")]


@in_a_world()
async def test_members_of_a_watched_list(made: World) -> None:
    watched = await watching(made)
    await made.do(upsert(email="a@example.com"))
    await watched.save(question_truth.LIST, None)
    await watched.look()
    for holds, what in ((True, "audience.entered"), (False, "audience.left")):
        await made.do(ChangeListMember(Who(number=1), question_truth.LIST, holds))
        assert [each[0] for each in told(await watched.look())] == [what]


@in_a_world()
async def test_many_movements_take_several_commits_and_each_is_told_once(made: World) -> None:
    watched = await watching(made, processes=3)
    number = await watched.save("all", {"field": "email", "set": True})
    await watched.look()
    await made.do(*(upsert(email=f"p{each}@example.com") for each in range(50)))
    async with made.store.snapshot() as connection:
        before = await newest_cursor(connection, made.site)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audience_watcher, "MOST_MOVEMENTS", 7)
        for place in range(3):
            await watched.look(place)
    assert Counter(each.customer for each in watched.told) == dict.fromkeys(range(1, 51), 1)
    async with made.store.snapshot() as connection:
        after = await newest_cursor(connection, made.site)
    assert after.change == before.change + 8
    assert {each.audience for each in watched.told} == {number}


class LateLedger:
    """A ledger that does something before the next command."""

    def __init__(self, store: Store, before: Callable[[], Awaitable[object]]) -> None:
        self._store = store
        self._before: Callable[[], Awaitable[object]] | None = before

    async def submit(self, site: int, command: Any) -> Any:
        before, self._before = self._before, None
        if before is not None:
            await before()
        return await self._store.ledger.submit(site, command)


@in_a_world()
async def test_what_was_found_of_an_earlier_question_is_not_recorded(made: World) -> None:
    watched = await watching(made)
    await made.do(upsert(email="a@example.com"))
    number = await watched.save("one", {"field": "email", "set": True})
    await watched.look()
    ledger = LateLedger(made.store, lambda: watched.save("one", {"field": "email", "set": False}))
    await watched.process(SimpleNamespace(changes=made.store.changes, ledger=ledger))
    await made.do(upsert(email="b@example.com"))
    await watched.watchers[-1].look([number])
    assert await watched.movements() == []
    assert told(await watched.look()) == [("audience.left", 1, "definition", "")]
