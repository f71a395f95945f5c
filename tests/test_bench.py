"""The benchmark's other ways of answering its forty questions give what the index gives: by hand, and as SQL."""

import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from bench import audience_data, scaling, sql_questions, sql_site
from bench.bare import by_hand
from bench.questions import PAGE, QUESTIONS, Question

from regulars.audience import Audience
from regulars.audience.evaluate import evaluate, page
from regulars.audience.filters.predicates import EVERYBODY
from regulars.audience.index import SiteIndex
from regulars.store.store import Store

from .coroutines import run
from .databases import drop_database, new_database, url_of

pytestmark = pytest.mark.xdist_group("bench")  # they share what takes seconds to make

COUNT = 3_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("bench") / "site.db"
    audience_data.database(path, COUNT)
    return path


@pytest.fixture(scope="module")
def index(made: Path) -> SiteIndex:
    async def load() -> SiteIndex:
        store = await Store.open(f"sqlite:///{made}")
        audience = Audience(store.changes)
        async with audience.ask(1, EVERYBODY) as found:
            assert found.total == COUNT
        loaded = audience.loaded[1].index
        await audience.close()
        await store.close()
        return loaded

    return run(load())


@pytest.fixture(scope="module")
def tables(made: Path) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    database = new_database(made.parent, "postgresql")
    with closing(psycopg.connect(url_of(database), autocommit=True)) as connection:
        sql_site.load(connection, sql_site.made_at(made), COUNT)
        yield connection
    drop_database(database)


def ours(question: Question, now: int, index: SiteIndex) -> tuple[int, list[int]]:
    found = evaluate(question.predicate(now), index)
    skip = question.skip(len(found))
    return len(found), page(index, found, question.order, skip=skip, take=PAGE)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_by_hand_the_answer_is_the_same(question: Question, index: SiteIndex) -> None:
    now = time.time_ns() // 1_000_000
    assert by_hand(question, question.predicate(now), index)() == ours(question, now, index)


@pytest.mark.parametrize(
    "question",
    [each for each in QUESTIONS if sql_questions.can_ask(each.predicate(0))],
    ids=lambda question: question.text,
)
def test_every_way_in_sql_gives_the_same(
    question: Question, index: SiteIndex, tables: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    now = time.time_ns() // 1_000_000
    answer = sql_questions.ask(tables, question, question.predicate(now))
    assert (answer.total, answer.page) == ours(question, now, index)


def test_a_simulated_write_without_others_takes_its_three_costs() -> None:
    costs = scaling.Costs()
    found = scaling.delays(costs, 20, processes=4, sites=50, cores=4)
    alone = (costs.request_us + costs.commit_us + costs.row_us) / 1e6
    assert statistics.median(found) == pytest.approx(alone)
    assert min(found) >= alone * 0.999


def test_simulated_memory_for_all_sites_leaves_first_questions_cold_only() -> None:
    sizes = [100] * 500
    roomy = scaling.cold(scaling.Costs(), sizes, 0.5, processes=2, memory=1e12, by_site=False)
    assert roomy.share == 0
    tight = scaling.Costs().index_bytes(100) * 200
    spread, sent = (
        scaling.cold(scaling.Costs(), sizes, 0.5, processes=2, memory=tight, by_site=way) for way in (False, True)
    )
    assert 0 < sent.share < spread.share < 1
