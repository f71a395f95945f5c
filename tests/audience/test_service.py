"""The service on a fake source: in step with the store whatever happens to it."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from regulars.audience import Audience, LoadingError, QuestionsFullError, Sort, UnknownSiteError
from regulars.audience.evaluate import evaluate
from regulars.audience.filters.predicates import EVERYBODY, Contains, Member, Predicate, Range, Similar
from regulars.audience.index import Tuning
from regulars.audience.page_slice import PageSlice
from regulars.audience.structures.segments import Segment
from regulars.audience.structures.text import TextColumn
from regulars.audience.structures.word_index import WordIndex
from regulars.domain.changes import Entry, Record
from regulars.domain.relations import BY_NAME

from .fake_source import FakeSite, FakeSource
from .model import Model


@pytest.fixture(autouse=True, params=[False, True], ids=["near", "far"])
def distance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSource, "is_remote", request.param)


@asynccontextmanager
async def serving(source: FakeSource, **settings: Any) -> AsyncIterator[Audience]:
    audience = Audience(source, **settings)
    try:
        yield audience
    finally:
        await audience.close()
    assert source.open == 0


async def until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 -- a counter is what is looked at
        await asyncio.sleep(0.001)


async def asked(
    audience: Audience, predicate: Predicate = EVERYBODY, *, site: int = 1, sort: Sort | None = None
) -> list[int]:
    async with audience.ask(site, predicate, sort=sort, page_slice=PageSlice(take=1000)) as answer:
        assert answer.total == len(answer.numbers)
        return answer.numbers


async def test_reads_what_was_committed_before_and_after_the_load() -> None:
    source = FakeSource()
    source.site.add("Anna")
    async with serving(source) as audience:
        assert await asked(audience) == [1]
        source.site.add("Änne")
        assert await asked(audience, Contains("name", "änne")) == [2]
        source.site.commit(source.site.model.delete(1))
        assert await asked(audience) == [2]
        assert (audience.loads, audience.rebuilds, audience.applied) == (1, 0, 2)
        assert source.reads["changes"] == 2


async def test_windows_end_when_the_store_is_looked_at_not_when_the_index_began_to_load() -> None:
    source = FakeSource()
    source.site.add("Anna", created_at=100)
    source.gate.clear()
    clock = 100
    async with serving(source) as audience:

        async def ask() -> int:
            async with audience.ask(1, lambda: Range("created_at", 0, clock)) as answer:
                return answer.total

        question = asyncio.create_task(ask())
        await until(lambda: source.open > 0)
        clock = 200
        source.site.add("Berta", created_at=200)
        source.gate.set()
        assert await question == 2


async def test_the_answer_is_of_the_moment_of_its_snapshot() -> None:
    source = FakeSource()
    source.site.add("Anna")
    async with serving(source) as audience, audience.ask(1, EVERYBODY) as answer:
        source.site.add("Berta")
        assert await asked(audience) == [1, 2]
        assert dict(await answer.snapshot.texts(1, answer.numbers)).keys() == {1}


async def test_an_unknown_site_is_told_also_when_it_was_known() -> None:
    source = FakeSource()
    async with serving(source) as audience:
        with pytest.raises(UnknownSiteError):
            await asked(audience, site=9)
        assert await asked(audience) == []
        del source.sites[1]
        with pytest.raises(UnknownSiteError):
            await asked(audience)


async def test_object_keys_are_resolved() -> None:
    source = FakeSource()
    source.site.objects["tag", "vip"] = 4
    source.site.commit(source.site.model.upsert(None, {}, {}, [("tag.has", 4, True)]))
    async with serving(source) as audience:
        for _ in range(3):
            assert await asked(audience, Member("tag.has", ("vip",))) == [1]
            assert await asked(audience, Member("tag.has", ("unheard of",))) == []
        source.site.objects["tag", "unheard of"] = 4
        del source.site.objects["tag", "vip"]
        source.site.add("Berta")
        for _ in range(3):
            assert await asked(audience, Member("tag.has", ("vip",))) == []
            assert await asked(audience, Member("tag.has", ("unheard of",))) == [1]


async def test_a_far_store_is_looked_at_once_a_question_while_nothing_is_written() -> None:
    source = FakeSource()
    source.is_remote = True
    source.site.add("Anna")
    source.site.objects["tag", "vip"] = 4
    async with serving(source) as audience:

        async def looks(predicate: Predicate = EVERYBODY) -> int:
            before = sum(source.reads.values())
            async with audience.ask(1, predicate, details=Names()) as answer:
                everybody = source.site.model.customers
                assert answer.read == [[everybody[number].texts["name"] for number in answer.numbers]]
            return sum(source.reads.values()) - before

        await looks()
        assert await looks() == 1
        assert await looks(Member("tag.has", ("vip",))) == 2  # one to learn the tag's number
        assert await looks(Member("tag.has", ("vip",))) == 1
        source.site.add("Berta")
        assert await looks() > 2  # the guess was wrong
        assert await looks() == 2  # so there was none
        assert await looks() == 1
        source.site.add("Cesar")
        await looks()
        await looks()
        assert await looks(Member("tag.has", ("vip",))) == 2


class Names:
    complete = True

    def queries(self, numbers: Sequence[int]) -> list[Callable[[dict[int, FakeSite]], list[str]]]:
        return [lambda sites: [sites[1].model.customers[number].texts["name"] for number in numbers]]


def restore(source: FakeSource) -> None:
    """The store is set back: another history with as many changes."""
    site = FakeSite(seed=2)
    for name in ("Other", "People"):
        site.add(name)
    source.sites[1] = site


def restore_and_go_on(source: FakeSource) -> None:
    restore(source)
    source.site.add("More")


def lose(source: FakeSource) -> None:
    """A failover lost the last commit."""
    site = FakeSite()
    site.add("Anna")
    source.sites[1] = site


def prune(source: FakeSource) -> None:
    source.site.add("Late")
    source.site.add("Later")
    del source.site.rows[:-1]


def prune_everything(source: FakeSource) -> None:
    source.site.add("Late")
    source.site.rows.clear()


def lose_a_part(source: FakeSource) -> None:
    source.site.add("Late")
    source.site.rows[-1] = source.site.rows[-1]._replace(last=False)


def write_another_format(source: FakeSource) -> None:
    source.site.model.upsert(None, {}, {})
    source.site.commit(Record(1), bodies=[b"\x94\x63\x90\x90\xc2"])


def ask_for_a_rebuild(source: FakeSource) -> None:
    source.site.model.upsert(None, {}, {})
    source.site.commit(Record(1, rebuild=True))


def name_an_unknown_number(source: FakeSource) -> None:
    source.site.commit(Record(1, [Entry(0)]))


@pytest.mark.parametrize(
    "mishap",
    [restore, restore_and_go_on, lose, prune, prune_everything, lose_a_part, write_another_format,
     ask_for_a_rebuild, name_an_unknown_number],
)  # fmt: skip
@pytest.mark.parametrize("followed", [False, True])
async def test_an_index_that_cannot_be_continued_is_loaded_anew(
    mishap: Callable[[FakeSource], None], followed: bool
) -> None:
    source = FakeSource()
    source.site.add("Anna")
    source.site.add("Berta")
    async with serving(source, tail_every=0.001) as audience:
        assert await asked(audience) == [1, 2]
        mishap(source)
        follower = asyncio.create_task(audience.follow()) if followed else None
        if followed:
            await until(lambda: audience.rebuilds > 0)
        assert await asked(audience) == sorted(source.site.model.customers)
        assert (audience.loads, audience.rebuilds, audience.follow_errors) == (2, 1, 0)
        if follower:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)


async def test_a_change_in_parts_is_one_change() -> None:
    source = FakeSource()
    source.site.add("Anna")
    async with serving(source) as audience:
        assert await asked(audience) == [1]
        code = BY_NAME["tag.has"].code
        first = Record(1, [Entry(2, ties=[(code, 4, True)])], cleared=[(code, 4)])
        second = Record(1, [Entry(3, ties=[(code, 4, True), (code, 5, True)])])
        source.site.commit(first, bodies=[msgspec.msgpack.encode(first), msgspec.msgpack.encode(second)])
        assert await asked(audience) == [1, 2, 3]
        assert await asked(audience, Member("tag.has", (4,))) == [2, 3]
        assert await asked(audience, Member("tag.has", (5,))) == [3]


async def test_long_catch_ups_go_in_slices() -> None:
    source = FakeSource()
    async with serving(source, slice_changes=3) as audience:
        assert await asked(audience) == []
        for each in range(10):
            source.site.add(f"Name {each}")
        source.site.commit(source.site.model.delete(1))
        assert await asked(audience, Contains("name", "name")) == list(range(2, 11))
        assert source.reads["changes"] == 4


async def test_following_keeps_sites_in_step() -> None:
    source = FakeSource()
    async with serving(source, tail_every=0.001) as audience:
        assert await asked(audience) == []
        follower = asyncio.create_task(audience.follow())
        source.site.add("Anna")
        await until(lambda: audience.applied > 0)
        reads = source.reads["changes"]
        assert await asked(audience) == [1]
        assert source.reads["changes"] == reads
        del source.sites[1]
        await until(lambda: not audience.loaded)
        follower.cancel()
        with pytest.raises(asyncio.CancelledError):
            await follower
        assert audience.follow_errors == 0


async def test_a_load_is_shared_and_waited_for_so_long_only() -> None:
    source = FakeSource()
    source.site.add("Anna")
    source.gate.clear()
    async with serving(source, load_wait=0.05) as audience:
        waiting = await asyncio.gather(*(asked(audience) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(each, LoadingError) for each in waiting)
        source.gate.set()
        assert await asyncio.gather(*(asked(audience) for _ in range(5))) == [[1]] * 5
        assert audience.loads == 1


async def test_a_search_is_answered_while_the_words_are_being_built(monkeypatch: pytest.MonkeyPatch) -> None:
    going = threading.Event()
    built = Segment.words

    def slow(segment: Segment) -> WordIndex:
        assert going.wait(20)
        return built(segment)

    monkeypatch.setattr(Segment, "words", slow)
    source = FakeSource()
    for name in ("Anna Smith", "Berta Smyth", "Carla"):
        source.site.add(name)
    async with serving(source, tuning=Tuning(1, 1, 1, words_limit=1)) as audience:
        try:
            like = Similar("smithe")
            assert await asked(audience, like) == source.site.model.answer(like, Sort(), 0, 9)[1] != []
            index = audience.loaded[1].index
            column = index.texts["name"]
            assert isinstance(column, TextColumn)
            assert column.lacks_words
        finally:
            going.set()
        await until(lambda: not column.lacks_words)
        assert await asked(audience, like) == source.site.model.answer(like, Sort(), 0, 9)[1]


async def test_a_dropped_load_is_told_to_its_askers() -> None:
    source = FakeSource()
    source.gate.clear()
    async with serving(source) as audience:
        waiting = asyncio.create_task(asked(audience))
        await asyncio.sleep(0.01)
        await audience.drop(1)
        with pytest.raises(LoadingError):
            await waiting


async def test_the_least_recently_asked_are_dropped() -> None:
    source = FakeSource()
    for site in range(2, 6):
        source.sites[site] = FakeSite()
    async with serving(source, index_memory=50_000) as audience:
        for site in (1, 2, 1, 3):
            await asked(audience, site=site)
        assert list(audience.loaded) == [1, 3]


async def test_heavy_questions_are_capped_and_cancelled_ones_are_dropped() -> None:
    source = FakeSource()
    source.site.add("Anna")
    source.sites[2] = FakeSite(2)
    async with serving(source, pool_above=0, most_heavy=1) as audience:
        assert await asked(audience) == [1]
        assert await asked(audience, site=2) == []
        held = threading.Event()
        hold = asyncio.create_task(audience.worker.run(held.wait))
        waiting = asyncio.create_task(asked(audience))
        await asyncio.sleep(0.01)
        with pytest.raises(QuestionsFullError):
            await asked(audience, site=2)
        waiting.cancel()
        await asyncio.sleep(0.01)
        assert waiting.cancelled()
        held.set()
        assert await hold
        assert await asked(audience) == [1]


async def test_the_lock_is_kept_until_the_thread_has_let_go() -> None:
    source = FakeSource()
    async with serving(source) as audience:
        started, held = threading.Event(), threading.Event()

        def work() -> None:
            started.set()
            held.wait()

        task = asyncio.create_task(audience.worker.run(work))
        await asyncio.to_thread(started.wait)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.01)
            assert not task.done()
        held.set()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("pool_above", [0.0, 1e9])
async def test_many_askers_and_writers_on_two_services(pool_above: float) -> None:
    rng = random.Random(5)
    source = FakeSource()
    model: Model = source.site.model
    async with (
        serving(
            source, pool_above=pool_above, most_heavy=100, tail_every=0.001, tuning=Tuning(2, 3, 2, banded_from=2)
        ) as one,
        serving(source, pool_above=pool_above, most_heavy=100, slice_changes=2) as two,
    ):
        follower = asyncio.create_task(one.follow())

        async def write() -> None:
            for _ in range(60):
                known = sorted(model.customers)
                roll = rng.random()
                if roll < 0.1 and known:
                    source.site.commit(model.delete(rng.choice(known)))
                else:
                    who = rng.choice(known) if known and roll < 0.5 else None
                    texts = {"name": rng.choice(["Anna", "Berta", "anna berta", None])}
                    source.site.commit(model.upsert(who, {"net_revenue": rng.randrange(5)}, texts))
                await asyncio.sleep(0)

        async def ask(audience: Audience) -> None:
            questions: list[Predicate] = [EVERYBODY, Contains("name", "anna"), Range("net_revenue", 2)]
            for _ in range(25):
                predicate, sort = rng.choice(questions), Sort(rng.choice(["id", "name", "net_revenue"]))
                async with audience.ask(1, predicate, sort=sort, page_slice=PageSlice(take=5)) as answer:
                    truth = answer.snapshot.sites[1].model  # type: ignore[attr-defined]
                    assert (answer.total, answer.numbers) == truth.answer(predicate, sort, 0, 5)
                await asyncio.sleep(0)

        await asyncio.gather(write(), *(ask(each) for each in (one, two, one, two)))
        follower.cancel()
        assert (one.rebuilds, two.rebuilds, one.follow_errors) == (0, 0, 0)
        assert (one.pooled > 0) == (pool_above == 0)
        assert len(evaluate(EVERYBODY, one.loaded[1].index)) <= model.last
