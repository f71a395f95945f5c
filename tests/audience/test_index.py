"""The index against the brute-force model: random histories, predicates, sorts and pages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.audience.difference import differences
from regulars.audience.evaluate import estimate, evaluate, page
from regulars.audience.filters.predicates import All, Predicate
from regulars.audience.filters.sorts import Sort
from regulars.audience.index import OutOfOrderError, SiteIndex, Tuning
from regulars.audience.source import Head
from regulars.domain.changes import NULL, TEXTS, Entry, Record

from ..effort import examples
from . import strategies as random
from .model import Model

TUNINGS = [Tuning(), Tuning(1, 1, 2, banded_from=1), Tuning(3, 4, 1, words_limit=0, banded_from=3)]


def loaded(model: Model, tuning: Tuning | None = None) -> SiteIndex:
    index = SiteIndex(tuning)
    rows = [model.row(number) for number in sorted(model.customers)]
    for start in range(0, len(rows), 3):
        index.load_customers(rows[start : start + 3])
    for (relation, target), numbers in model.ties().items():
        index.load_ties(relation, target, numbers[:1])
        index.load_ties(relation, target, numbers[1:])
    index.finish(Head(7, 7))
    return index


def assert_answers(index: SiteIndex, model: Model, predicate: Predicate, sort: Sort, skip: int, take: int) -> None:
    for banding in index.due_bandings:
        banding.capture()()
    matches = evaluate(predicate, index)
    assert (len(matches), page(index, matches, sort, skip=skip, take=take)) == model.answer(predicate, sort, skip, take)
    assert matches.issubset(index.alive)
    cost = estimate(predicate, index)
    assert cost.most >= len(matches)
    assert 0 <= cost.most <= index.size


@settings(max_examples=examples(40, 800), deadline=None)
@given(st.data(), random.steps, st.sampled_from(TUNINGS))
def test_answers_of_a_followed_and_of_a_loaded_index(data: st.DataObject, steps: list, tuning: Tuning) -> None:  # type: ignore[type-arg]
    model = Model()
    at = data.draw(st.integers(0, len(steps)))
    index = SiteIndex(tuning)
    for number, step in enumerate(steps, 1):
        if number == at:
            index = loaded(model, tuning)
        record = random.take(model, step)
        if record is not None:
            index.apply([record], model.texts(each.number for each in record.entries), Head(number, number))
        if number % 5 == 0:
            assert_answers(index, model, All(), data.draw(random.sorts), 0, 100)
    fresh = loaded(model, tuning)
    for _ in range(3):
        predicate, sort = data.draw(random.predicates), data.draw(random.sorts)
        skip, take = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 8))
        assert_answers(index, model, predicate, sort, skip, take)
        assert_answers(fresh, model, predicate, sort, skip, take)
    assert differences(index, fresh) == []


@settings(max_examples=examples(15, 200), deadline=None)
@given(random.steps, st.sampled_from(TUNINGS))
def test_changes_in_one_go_and_again_with_the_newest_texts(steps: list, tuning: Tuning) -> None:  # type: ignore[type-arg]
    model = Model()
    records = [record for step in steps if (record := random.take(model, step)) is not None]
    texts = model.texts(range(1, model.last + 1))
    index = SiteIndex(tuning)
    index.apply(records[:10], texts, Head(1, 1), horizon=2)
    assert index.horizon == 2
    index.apply(records[10:], texts, Head(2, 2))
    index.apply(records[-1:], texts, Head(2, 2))
    assert differences(index, loaded(model)) == []


def test_a_number_that_the_index_should_know_is_out_of_order() -> None:
    index = SiteIndex()
    index.apply([Record(1, [Entry(5)])], {}, Head(1, 1))
    with pytest.raises(OutOfOrderError):
        index.apply([Record(1, [Entry(3)])], {}, Head(2, 2))


def test_differences_are_told_in_words() -> None:
    left, right = Model(), Model()
    left.upsert(None, {"net_revenue": 5}, {"name": "Anna"}, [("hidden", 0, True)])
    right.upsert(None, {"net_revenue": None}, {"name": "Ännä O"}, [("tag.has", 4, True)])
    right.upsert(None, {}, {})
    assert differences(loaded(left), loaded(right)) == [
        "customer 2: only in the second",
        "customer 1: net_revenue is 5 in the first, unset in the second",
        "customer 1: hidden only in the first",
        "customer 1: tag.has to 4 only in the second",
        "customer 1: name is 'anna' in the first, 'anna o' in the second",
    ]
    assert len(differences(loaded(left), loaded(right), limit=2)) == 2


def test_memory_is_estimated() -> None:
    model = Model()
    for _ in range(50):
        model.upsert(None, {"created_at": 1}, dict.fromkeys(TEXTS, "some text"), [("tag.has", 1, True)])
    index = loaded(model, Tuning(5, 5, 5))
    small = index.approximate_bytes()
    page(index, index.alive, Sort("name"), skip=0, take=1)
    assert 20_000 < small < index.approximate_bytes() < 2_000_000
    assert NULL not in index.columns["created_at"].values
